// Reports to the cloud at regular intervals that the node runs, its current job and its device (PROTOCOL §7).
// A failed heartbeat is logged and stops nothing: the jobs do not depend on it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CodaNode, Plugin } from '../../src/index.ts';
import { cloudRemedy } from '../../src/kit.ts';
import { createBeat } from './beat.ts';
import { repeat } from './repeat.ts';

const FIRST_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 25;

/** Sends heartbeats from the start of job reading until the node closes, also while it drains. */
export function heartbeat(): Plugin {
  return {
    name: 'heartbeat',
    apply(node) {
      const beat = createBeat(node);
      node.hooks.readiness.tap('heartbeat', (report) => {
        report.add('last_heartbeat_at', beat.lastAcceptedAt);
        report.add('heartbeat_error', beat.failure);
        if (beat.failure !== null) report.trouble(beat.failure, cloudRemedy(beat.failure));
      });
      node.hooks.start.tap('heartbeat', () => {
        const closing = new AbortController();
        const ended = redisAnswers(node, closing.signal).then(() =>
          repeat(() => beat.send(closing.signal), node.settings.heartbeatIntervalSec * 1000, closing.signal),
        );
        node.onClose('heartbeat', () => {
          closing.abort();
          return ended;
        });
      });
    },
  };
}

/** Resolves as soon as Redis has answered, so that the first heartbeat tells the truth about it (PROTOCOL §7), or after
 *  `FIRST_WITHIN_MS`, or when the signal fires. */
async function redisAnswers(node: CodaNode, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + FIRST_WITHIN_MS;
  while (!signal.aborted && performance.now() < giveUpAt && !node.readiness().redisHealthy) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
