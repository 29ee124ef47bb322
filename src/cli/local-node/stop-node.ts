// Ends a node and waits for it: its running job may end and be delivered; then it is killed.
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from '../../errors.ts';
import type { Output } from '../terminal/output.ts';
import { pidPath } from './files.ts';
import { isRunning, signalNode, type FoundNode } from './find.ts';
import { askReady } from './live.ts';
import { countText } from '../terminal/words.ts';

const LOOK_EVERY_MS = 100;
const ASK_EVERY_MS = 1_000;
/** What a node does after the drain: the last writes, closing connections. */
const CLOSE_SEC = 15;
const DEFAULT_DRAIN_SEC = 30;
const KILL_WAIT_MS = 5_000;

export interface StopResult {
  readonly killed: boolean;
}

/** `timeoutSec` bounds the wait before the node is killed; default: its own drain, and a little more. */
export async function stopNode(
  node: FoundNode,
  {
    stateDir,
    out,
    timeoutSec,
  }: { stateDir: string; out: Output | undefined; timeoutSec: number | undefined },
): Promise<StopResult> {
  if (!node.isCoda) {
    throw new NodeError(`PID ${node.pid} uses the state directory ${stateDir}, but was not started by coda`, {
      remedy: 'End that program itself.',
    });
  }
  const patienceSec = timeoutSec ?? (node.presence?.drainTimeoutSec ?? DEFAULT_DRAIN_SEC) + CLOSE_SEC;
  signalNode(node, 'SIGTERM');
  const hasEnded = await waitForEnd(node, patienceSec * 1000, out);
  if (!hasEnded) {
    out?.error(`PID ${node.pid} has not ended within ${patienceSec} s: killing it`);
    signalNode(node, 'SIGKILL');
    if (!(await waitForEnd(node, KILL_WAIT_MS, undefined))) {
      throw new NodeError(`PID ${node.pid} cannot be killed`, {
        remedy: 'Look at it with ps; it may hang in the kernel.',
      });
    }
    // It could not clear up behind itself.
    await rm(pidPath(stateDir), { force: true });
  }
  return { killed: !hasEnded };
}

async function waitForEnd(node: FoundNode, timeoutMs: number, out: Output | undefined): Promise<boolean> {
  const giveUpAt = performance.now() + timeoutMs;
  let askAt = 0;
  let said = '';
  while (isRunning(node)) {
    const now = performance.now();
    if (now >= giveUpAt) return false;
    if (out !== undefined && now >= askAt) {
      const progress = await progressOf(node);
      if (progress !== undefined && progress !== said) out.write(progress);
      said = progress ?? said;
      askAt = performance.now() + ASK_EVERY_MS;
    }
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

async function progressOf({ presence }: FoundNode): Promise<string | undefined> {
  const live = presence?.address ? await askReady(presence.address) : undefined;
  if (live === undefined) return undefined;
  const { current_job: job, undelivered } = live;
  const waits = [
    ...(typeof job === 'string' ? [`job ${job} to end`] : []),
    ...(typeof undelivered === 'number' && undelivered > 0
      ? [`${countText(undelivered, 'result')} to be delivered`]
      : []),
  ];
  return waits.length === 0 ? undefined : `waiting for ${waits.join(' and ')}`;
}
