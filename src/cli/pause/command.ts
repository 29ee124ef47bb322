// `coda pause` and `coda resume`: the operator stops the node from taking jobs, and lets it take them again.
import type { CAC } from 'cac';
import { CommandError } from '../terminal/failure.ts';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface PauseOptions extends ConfigOption {
  readonly json?: boolean;
  readonly reason?: string;
}

/** A running node should notice within a second. */
const NOTICED_WITHIN_MS = 5_000;

export function addPause(cli: CAC): void {
  cli
    .command('pause', 'Take no new jobs until `coda resume`, even after a restart')
    .option('--reason <text>', 'Why; shown by coda status, by /ready and in the log')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda pause --reason "warming up the fridge"')
    .action(async (options: PauseOptions) => {
      const { writePause } = await import('../../state/pause-file.ts');
      return change(options, true, (stateDir) => writePause(stateDir, options.reason ?? null));
    });
}

export function addResume(cli: CAC): void {
  cli
    .command('resume', 'Take jobs again after `coda pause`')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda resume')
    .action(async (options: PauseOptions) => {
      const { removePause } = await import('../../state/pause-file.ts');
      return change(options, false, removePause);
    });
}

async function change(
  options: PauseOptions,
  paused: boolean,
  write: (stateDir: string) => Promise<void>,
): Promise<number> {
  const out = terminal(process.stdout);
  const { findOwnNode } = await import('../local-node/find.ts');
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { readPause } = await import('../../state/pause-file.ts');
  const stateDir = await operatorStateDir(options.config);
  const { node } = await findOwnNode(stateDir, paused ? 'pause' : 'resume');
  if (node?.isOriginal === true) {
    throw new CommandError(`the Python coda-node (PID ${node.pid}) runs here, and cannot be paused`, {
      remedy: 'Stop it (coda stop), and start this node (coda start).',
    });
  }
  const before = await readPause(stateDir);
  await write(stateDir);
  const address = node?.presence?.address ?? undefined;
  const live =
    node === undefined || address === undefined ? undefined : await noticed(node.pid, address, paused);
  if (options.json === true) {
    out.json({ paused, running: node !== undefined, noticed: live !== undefined });
    return 0;
  }
  if (paused) out.write('paused: no new job is taken until coda resume');
  else out.write(before === undefined ? 'it was not paused' : 'resumed');
  const job = live?.['current_job'];
  if (paused && typeof job === 'string') out.write(`job ${job} still runs and may finish`);
  if (node === undefined) {
    out.write('no node runs here; this takes effect at its next start');
    const { devNodeHint } = await import('../dev/rendezvous.ts');
    const hint = devNodeHint(stateDir);
    if (hint !== undefined) out.write(hint);
  } else if (live === undefined) out.error('the node has not confirmed it: coda status shows its state');
  return 0;
}

/** The body of `/ready` once the node has noticed; undefined if it does not in time. */
async function noticed(
  pid: number,
  address: { readonly host: string; readonly port: number },
  paused: boolean,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { askReady } = await import('../local-node/live.ts');
  const { setTimeout: sleep } = await import('node:timers/promises');
  for (const giveUpAt = performance.now() + NOTICED_WITHIN_MS; performance.now() < giveUpAt;) {
    const live = await askReady({ pid }, address);
    if (live !== undefined && 'paused' in live === paused) return live;
    await sleep(50);
  }
  return undefined;
}
