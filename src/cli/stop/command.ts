// `coda stop`: stops the node of the state directory; kills it only if it takes too long.
import type { CAC } from 'cac';
import { CommandError } from '../terminal/failure.ts';
import { CONFIG_OPTION, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface StopOptions extends ConfigOption {
  readonly timeout?: string;
}

export function addStop(cli: CAC): void {
  cli
    .command('stop', 'Stop the node after the running job has finished and its result is delivered')
    .option('--timeout <seconds>', 'Kill the node if it takes longer (default: its drain timeout and 15 s)')
    .option(...CONFIG_OPTION)
    .example('  coda stop')
    .example('  coda stop --timeout 600   for long jobs')
    .action(stop);
}

async function stop(options: StopOptions): Promise<number> {
  const timeoutSec = wholeNumberOption('--timeout', options.timeout, 0, 30 * 86_400);
  const out = terminal(process.stdout);
  const { rmSync } = await import('node:fs');
  const { daemonPidPath } = await import('../../state/layout.ts');
  const { findNode } = await import('../local-node/find.ts');
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { stopNode } = await import('../local-node/stop-node.ts');
  const stateDir = await operatorStateDir(options.config);
  const { node, stale, hidden } = await findNode(stateDir);
  if (node === undefined && hidden !== undefined) {
    throw new CommandError(
      `the state directory ${stateDir} belongs to user ${hidden.user}, whose node runs`,
      {
        remedy: `Run the command as that user: sudo -u ${hidden.user} coda stop`,
      },
    );
  }
  if (node === undefined) {
    out.error(`no node runs with the state directory ${stateDir}`);
    if (stale !== undefined) {
      rmSync(daemonPidPath(stateDir), { force: true });
      out.error(`${stale}; the file is removed`);
    }
    return 1;
  }
  const { killed } = await stopNode(node, { stateDir, out, timeoutSec });
  out.write(killed ? `killed PID ${node.pid}` : `stopped PID ${node.pid}`);
  return 0;
}
