// Stops a node and waits for it: the running job may finish and be delivered; a node that takes too long is killed.
import { rm } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import { daemonPidPath } from '../../state/layout.ts';
import { processText, STOP_THERE } from '../../state/lock.ts';
import { terminateProcess } from '../../state/process.ts';
import { CommandError } from '../terminal/failure.ts';
import type { Output } from '../terminal/output.ts';
import { countText } from '../terminal/words.ts';
import type { FoundNode } from './find.ts';
import { askReady } from './live.ts';

const ASK_EVERY_MS = 1_000;
/** What a node does after the drain: the last writes, closing connections. */
const CLOSE_SEC = 15;
const DEFAULT_DRAIN_SEC = 30;

export interface StopOptions {
  readonly stateDir: string;
  /** Shows what the node still waits for. */
  readonly out: Output;
  /** How long the node may take before it is killed. Default: its own drain timeout, and a little more. */
  readonly timeoutSec: number | undefined;
}

/** Throws a CommandError if the node is not ours to stop, or cannot be stopped. */
export async function stopNode(
  node: FoundNode,
  { stateDir, out, timeoutSec }: StopOptions,
): Promise<{ readonly killed: boolean }> {
  if (node.elsewhere !== undefined) {
    throw new CommandError(
      `the node (${processText(node)}) uses the state directory ${stateDir}, and cannot be signalled from here`,
      { remedy: `${STOP_THERE}.` },
    );
  }
  if (!node.isCoda) {
    throw new CommandError(
      `PID ${node.pid} uses the state directory ${stateDir}, but was not started by coda`,
      {
        remedy: 'Stop that program itself.',
      },
    );
  }
  const graceSec = timeoutSec ?? (node.presence?.drainTimeoutSec ?? DEFAULT_DRAIN_SEC) + CLOSE_SEC;
  const how = await terminateProcess(node, {
    graceMs: graceSec * 1000,
    onWait: progressReporter(node, out),
    onKill: () => out.error(`PID ${node.pid} has not ended within ${graceSec} s: killing it`),
  }).catch((cause: unknown): never => {
    throw new CommandError(`PID ${node.pid} cannot be stopped: ${messageOf(cause)}`, {
      cause,
      remedy: 'Run the command as the user that started the node (root, or with sudo).',
    });
  });
  if (how === 'survived') {
    throw new CommandError(`PID ${node.pid} cannot be killed`, {
      remedy: 'Look at it with ps; it may hang in the kernel.',
    });
  }
  // A node that was killed could not remove its PID file, and the original may leave it.
  if (how === 'killed' || node.isOriginal) await rm(daemonPidPath(stateDir), { force: true });
  return { killed: how === 'killed' };
}

/** Says what the node waits for, once a second at most, and only if it has changed. */
function progressReporter(node: FoundNode, out: Output): () => Promise<void> {
  let askAt = 0;
  let lastMessage: string | undefined;
  return async () => {
    if (performance.now() < askAt) return;
    const message = await progressOf(node);
    if (message !== undefined && message !== lastMessage) out.write(message);
    lastMessage = message ?? lastMessage;
    askAt = performance.now() + ASK_EVERY_MS;
  };
}

async function progressOf({ pid, presence }: FoundNode): Promise<string | undefined> {
  const live = presence?.address ? await askReady({ pid }, presence.address) : undefined;
  if (live === undefined) return undefined;
  const { current_job: job, undelivered } = live;
  const waits = [
    ...(typeof job === 'string' ? [`job ${job} to finish`] : []),
    ...(typeof undelivered === 'number' && undelivered > 0
      ? [`${countText(undelivered, 'result')} to be delivered`]
      : []),
  ];
  return waits.length === 0 ? undefined : `waiting for ${waits.join(' and ')}`;
}
