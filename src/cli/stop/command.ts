// `coda stop`: stops the node of the state directory; kills it only if it takes too long.
import type { CAC } from 'cac';
import type { HandedBack } from '../../queue/hand-back.ts';
import type { FoundNode } from '../local-node/find.ts';
import { CommandError } from '../terminal/failure.ts';
import { CONFIG_OPTION, JSON_OPTION, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';
import { terminal, type Output } from '../terminal/output.ts';

interface StopOptions extends ConfigOption {
  readonly timeout?: string;
  /** Empty: find the consumer. */
  readonly handBack?: string;
  readonly json?: boolean;
}

export function addStop(cli: CAC): void {
  cli
    .command('stop', 'Stop the node after the running job has finished and its result is delivered')
    .option('--timeout <seconds>', 'Kill the node if it takes longer (default: its drain timeout and 15 s)')
    .option(
      '--hand-back [consumer]',
      'Also give the jobs that it took and did not start to the Python coda-node; works after a stop, too',
    )
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda stop')
    .example('  coda stop --timeout 600   for long jobs')
    .example('  coda stop --hand-back     before you go back to the Python coda-node')
    .action(stop);
}

async function stop(options: StopOptions): Promise<number> {
  const timeoutSec = wholeNumberOption('--timeout', options.timeout, 0, 30 * 86_400);
  const json = options.json === true;
  const found = terminal(process.stdout);
  const out: Output = json ? { ...found, write: () => {} } : found;
  const { findNode } = await import('../local-node/find.ts');
  const { operatorStateDir } = await import('../local-node/settings.ts');
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
  if (options.handBack !== undefined) return stopAndHandBack(node, { ...options, stateDir, out, timeoutSec });
  if (node === undefined) {
    out.error(`no node runs with the state directory ${stateDir}`);
    const { devNodeHint } = await import('../dev/rendezvous.ts');
    const hint = devNodeHint(stateDir);
    if (hint !== undefined) out.error(hint);
    if (stale !== undefined) {
      const { rmSync } = await import('node:fs');
      const { daemonPidPath } = await import('../../state/layout.ts');
      rmSync(daemonPidPath(stateDir), { force: true });
      out.error(`${stale}; the file is removed`);
    }
    if (json) found.json({ stopped: null, killed: false });
    return 1;
  }
  const { stopNode } = await import('../local-node/stop-node.ts');
  const { killed } = await stopNode(node, { stateDir, out, timeoutSec });
  out.write(killed ? `killed PID ${node.pid}` : `stopped PID ${node.pid}`);
  if (json) found.json({ stopped: node.pid, killed });
  return 0;
}

interface HandBackTerms extends StopOptions {
  readonly stateDir: string;
  readonly out: Output;
  readonly timeoutSec: number | undefined;
}

async function stopAndHandBack(node: FoundNode | undefined, terms: HandBackTerms): Promise<number> {
  const { stateDir, out, timeoutSec } = terms;
  const named = terms.handBack === '' ? null : (terms.handBack ?? null);
  const { operatorSettings } = await import('../local-node/settings.ts');
  const { foreseeConsumer, handBackOfStopped, handedBackLines } = await import('./hand-back.ts');
  const { requestHandBack, takeHandBackAnswer } = await import('../local-node/hand-back-request.ts');
  const { checkOwner } = await import('../local-node/owner.ts');
  const settings = await operatorSettings(terms.config);
  checkOwner(stateDir, 'stop --hand-back');
  // The original itself continues: it is to get the jobs.
  const ours = node?.isOriginal === true ? undefined : node;
  let killed = false;
  let done: HandedBack | undefined;
  if (ours !== undefined) {
    const { stopNode } = await import('../local-node/stop-node.ts');
    await requestHandBack(stateDir, ours, await foreseeConsumer(settings, named));
    try {
      ({ killed } = await stopNode(ours, { stateDir, out, timeoutSec }));
    } finally {
      const answer = await takeHandBackAnswer(stateDir);
      if (answer !== undefined && 'done' in answer) done = answer.done;
      else if (answer !== undefined) out.error(`the node has handed no job back: ${answer.failed}`);
    }
    out.write(killed ? `killed PID ${ours.pid}` : `stopped PID ${ours.pid}`);
  }
  // A node that was killed, or is of an older version, has not answered.
  done ??= await handBackOfStopped(settings, named);
  for (const line of handedBackLines(done)) out.write(line);
  if (node?.isOriginal === true)
    out.write(`the Python coda-node (PID ${node.pid}) runs: restart it if it does not take them up`);
  if (terms.json === true) {
    const { consumer, handedOver, kept } = done;
    const stopped = ours?.pid ?? null;
    terminal(process.stdout).json({ stopped, killed, consumer, handed_over: handedOver, kept });
  }
  return 0;
}
