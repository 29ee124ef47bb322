// `coda config`: shows the effective settings and where each of them comes from.
import type { CAC } from 'cac';
import { terminal } from '../terminal/output.ts';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';

export function addConfig(cli: CAC): void {
  cli
    .command('config', 'Show the settings in use and the source of each; secrets are masked')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda config')
    .example('  CODA_PORT=9000 coda config --json')
    .action(showConfig);
}

async function showConfig(options: ConfigOption & { readonly json?: boolean }): Promise<number> {
  const out = terminal(process.stdout);
  const { runConfig } = await import('../run-config.ts');
  const { describeConfig, renderConfig } = await import('../../config/show.ts');
  const loaded = await runConfig({
    env: process.env,
    cwd: process.cwd(),
    configPath: options.config,
    loadPlugins: false,
  });
  const rows = describeConfig(loaded);
  const file = loaded.configFile ?? 'none';
  if (options.json === true) {
    out.json({ configFile: loaded.configFile ?? null, settings: rows }, 2);
  } else {
    out.write(`config file: ${file}`);
    out.write('');
    for (const line of renderConfig(rows)) out.write(line);
  }
  for (const warning of loaded.warnings) out.error(`warning: ${warning}`);
  return 0;
}
