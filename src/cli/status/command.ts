// `coda status`: shows whether a node runs here, and what it does.
import type { CAC } from 'cac';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface StatusOptions extends ConfigOption {
  readonly json?: boolean;
  readonly ready?: boolean;
}

export function addStatus(cli: CAC): void {
  cli
    .command('status', 'Show whether the node runs, and what it is doing')
    .option('--ready', 'Exit with 1 also if the node runs and is not ready')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda status')
    .example('  coda status --ready >/dev/null && echo ready')
    .example('  coda status --json | jq .live.current_job')
    .action(status);
}

async function status(options: StatusOptions): Promise<number> {
  const out = terminal(process.stdout);
  const { operatorSettings } = await import('../local-node/settings.ts');
  const { nameOfUser } = await import('../../state/users.ts');
  const { describeNode } = await import('./describe.ts');
  const { renderStatus } = await import('./render.ts');
  const settings = await operatorSettings(options.config);
  const found = await describeNode(settings);
  if (options.json === true) out.json(found, 2);
  else for (const line of renderStatus(found, out, nameOfUser(process.geteuid?.() ?? -1))) out.write(line);
  return found.running && (options.ready !== true || found.live?.['ready'] === true) ? 0 : 1;
}
