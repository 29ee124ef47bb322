// `coda service`: lets systemd or launchd keep the node running.
import type { CAC } from 'cac';
import { CONFIG_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';
import type { Manager } from './manage.ts';

interface ServiceOptions extends ConfigOption {
  readonly user?: boolean;
  readonly runAs?: string;
}

export const ACTIONS = ['install', 'uninstall', 'print'] as const;
const CLOSE_SEC = 30;

export function addService(cli: CAC): void {
  cli
    .command('service <action>', 'Keep the node running with systemd or launchd: install, uninstall or print')
    .option('--user', 'Install it for this user only, without root (then the node cannot make a VPN tunnel)')
    .option(
      '--run-as <name>',
      'The user that runs the node (default: the one who called sudo, else one made by systemd)',
    )
    .option(...CONFIG_OPTION)
    .example('  coda service print            shows the service file and changes nothing')
    .example('  sudo coda service install     run it in the folder of coda.config.ts')
    .example('  coda service uninstall')
    .action(service);
}

async function service(given: string, options: ServiceOptions): Promise<number> {
  const out = terminal(process.stdout);
  const action = ACTIONS.find((known) => known === given);
  if (action === undefined) {
    const { didYouMean } = await import('../../config/suggest.ts');
    out.error(
      `coda: service has no action '${given}'${await didYouMean(given, ACTIONS)}\n  → see coda service --help`,
    );
    return 2;
  }
  const { installService, serviceText, uninstallService } = await import('./manage.ts');
  const isRoot = process.getuid?.() === 0;
  const manager: Manager =
    process.platform === 'darwin'
      ? 'launchd'
      : options.user === true || (!isRoot && action !== 'print')
        ? 'systemd-user'
        : 'systemd';
  if (action === 'uninstall') return uninstallService(manager, out);
  const { stateDir, ...terms } = await termsOf(options);
  const { unreachable } = await import('./reach.ts');
  for (const warning of unreachable(manager, terms)) out.error(`warning: ${warning}`);
  if (action === 'install') return installService(manager, terms, stateDir, out);
  for (const line of serviceText(manager, terms).trimEnd().split('\n')) out.write(line);
  return 0;
}

async function termsOf({ config: configPath, runAs }: ServiceOptions) {
  const { homedir, userInfo } = await import('node:os');
  const { realpathSync } = await import('node:fs');
  const { resolve } = await import('node:path');
  const { runConfig } = await import('../run-config.ts');
  const { env } = process;
  const cwd = process.cwd();
  const { settings } = await runConfig({ env, cwd, configPath, readState: false, loadPlugins: false });
  const config = configPath === undefined ? [] : ['--config', resolve(configPath)];
  const self = userInfo().username;
  return {
    command: [process.execPath, realpathSync(process.argv[1] ?? ''), 'start', ...config],
    workingDirectory: cwd,
    user: runAs ?? process.env['SUDO_USER'] ?? (self === 'root' ? null : self),
    stopTimeoutSec: settings.shutdownDrainTimeoutSec + CLOSE_SEC,
    home: homedir(),
    stateDir: settings.stateDir,
  };
}
