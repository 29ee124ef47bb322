// `coda start`: runs the node until a signal stops it, or starts it as a daemon.
import type { CAC } from 'cac';
import { ConfigError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { failureText, UsageError } from '../terminal/failure.ts';
import { CONFIG_OPTION, type ConfigOption } from '../terminal/options.ts';
import { guardOutput, logOutput, terminal } from '../terminal/output.ts';

interface StartOptions extends ConfigOption {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly host?: string;
  readonly port?: string;
  readonly daemon?: boolean;
}

export function addStart(cli: CAC): void {
  cli
    .command('start', 'Run the node: connect to the cloud, take jobs, deliver results')
    .option(
      '-t, --token <token>',
      'One-time node token, for the first start only; - reads it from standard input',
    )
    .option('--token-file <file>', 'A file with the token')
    .option('-H, --host <host>', 'Address that the health server listens on')
    .option('-p, --port <port>', 'Port of the health server; 0 takes a free one')
    .option('-d, --daemon', 'Run in the background; return once the node is ready')
    .option(...CONFIG_OPTION)
    .example(
      '  coda start --token -             the first start: asks for the token; the credentials are saved',
    )
    .example('  coda start --token-file <file>   the same, with the token in a file')
    .example('  coda start                       every later start')
    .example('  coda start --daemon              in the background: see coda status, coda logs, coda stop')
    .action(start);
}

async function start(options: StartOptions): Promise<number> {
  const { readToken } = await import('./token.ts');
  const given = { nodeToken: await readToken(options), host: options.host, port: options.port };
  const flags = Object.fromEntries(Object.entries(given).filter(([, text]) => text !== undefined));
  const { readFlags } = await import('../../config/environment.ts');
  try {
    readFlags(flags, process.cwd());
  } catch (thrown) {
    // A wrong flag is wrong usage; a wrong variable or file is not.
    throw thrown instanceof ConfigError ? new UsageError(thrown.message) : thrown;
  }
  const configPath = options.config;
  if (options.daemon === true) {
    const { runConfig } = await import('../run-config.ts');
    const { startDaemon } = await import('./daemon.ts');
    const { env } = process;
    const secrets: string[] = [];
    const log = { mask: (secret: string) => secrets.push(secret) };
    const config = await runConfig({
      flags,
      env,
      cwd: process.cwd(),
      configPath,
      loadPlugins: false,
      log,
    });
    const { trustedOwners } = await import('../../state/trust.ts');
    const { stateDir, trustedOwners: named } = config.settings;
    const owners = trustedOwners(named);
    return startDaemon({ flags, configPath, env, stateDir, owners, secrets, out: terminal(process.stdout) });
  }
  const { runNode } = await import('./run-node.ts');
  const { systemdOf } = await import('./systemd.ts');
  const systemd = systemdOf(process.env);
  let log: Logger | undefined;
  try {
    return await runNode({
      flags,
      configPath,
      env: { ...process.env },
      isDaemon: false,
      logTo: logOutput,
      onLog: (made) => {
        log = made;
        guardOutput((text) => made.masked(text));
      },
      onUp: (node) => systemd?.up(node),
    });
  } catch (thrown) {
    // The error may quote a secret, e.g. if a plugin shows its whole request.
    terminal(process.stderr).error(log?.masked(failureText(thrown)) ?? failureText(thrown));
    return 1;
  }
}
