// `coda stop`: ends the node of the state directory, in good order if it can.
import type { CAC } from 'cac';
import { terminal, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';

export function addStop(cli: CAC): void {
  cli
    .command('stop', 'Stop the node: let the running job end and be delivered, then end it')
    .option('--timeout <seconds>', 'Kill it after this long (default: its drain timeout and 15 s)')
    .option('-c, --config <file>', 'Config file, instead of the one in this folder')
    .example('  coda stop')
    .example('  coda stop --timeout 600   for long jobs')
    .action(stop);
}

async function stop(options: ConfigOption): Promise<number> {
  const timeoutSec = wholeNumberOption('--timeout', 0, 30 * 86_400);
  const out = terminal(process.stdout);
  const { rmSync } = await import('node:fs');
  const { pidPath } = await import('../local-node/files.ts');
  const { findNode } = await import('../local-node/find.ts');
  const { operatorConfig } = await import('../local-node/settings.ts');
  const { stopNode } = await import('../local-node/stop-node.ts');
  const { stateDir } = (await operatorConfig(options.config)).settings;
  const { node, stale } = findNode(stateDir);
  if (node === undefined) {
    out.error(`no node runs with the state directory ${stateDir}`);
    if (stale !== undefined) {
      rmSync(pidPath(stateDir), { force: true });
      out.error(`${stale}; the file is removed`);
    }
    return 1;
  }
  const { killed } = await stopNode(node, { stateDir, out, timeoutSec });
  out.write(killed ? `killed PID ${node.pid}` : `stopped PID ${node.pid}`);
  return 0;
}
