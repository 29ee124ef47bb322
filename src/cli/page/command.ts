// `coda page`: the address of the running node's page, with the token that lets it act.
import type { CAC } from 'cac';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface PageOptions extends ConfigOption {
  readonly json?: boolean;
  readonly open?: boolean;
}

export function addPage(cli: CAC): void {
  cli
    .command('page', 'Show the link to the page of the running node')
    .option('--open', 'Open it in the browser, too')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda page          whoever has the link may also pause the node, cancel jobs, …')
    .example('  coda page --open')
    .action(page);
}

async function page(options: PageOptions): Promise<number> {
  const out = terminal(process.stdout);
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { findPage } = await import('./find-page.ts');
  const stateDir = await operatorStateDir(options.config);
  const { url, link, pid } = await findPage(stateDir);
  if (options.json === true) out.json({ url, link: link ?? null, node_pid: pid });
  else {
    out.write(link ?? url);
    if (link === undefined) out.error('this node takes no actions: its plugin door is off');
  }
  if (options.open !== true) return 0;
  const { openPage } = await import('./open-page.ts');
  const fault = await openPage(stateDir, link ?? url);
  if (fault === undefined) return 0;
  out.error(`no browser could be opened: ${fault}\n  → open the link yourself`);
  return 1;
}
