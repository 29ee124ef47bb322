// `coda status`: shows whether a node runs here, and what it does.
import type { CAC } from 'cac';
import { CONFIG_OPTION, JSON_OPTION, terminal, type ConfigOption } from '../terminal/options.ts';

export function addStatus(cli: CAC): void {
  cli
    .command('status', 'Show whether the node runs, and what it is doing')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda status')
    .example('  coda status --json | jq .live.current_job')
    .action(status);
}

async function status(options: ConfigOption & { readonly json?: boolean }): Promise<number> {
  const out = terminal(process.stdout);
  const { operatorSettings } = await import('../local-node/settings.ts');
  const { describeNode, renderStatus } = await import('./describe.ts');
  const settings = await operatorSettings(options.config);
  const found = await describeNode(settings);
  if (options.json === true) out.write(JSON.stringify(found, null, 2));
  else for (const line of renderStatus(found, out)) out.write(line);
  return found.running ? 0 : 1;
}
