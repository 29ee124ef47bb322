// Reports to the cloud at regular intervals that the node runs, its current job and its device (PROTOCOL §7).
// A failed heartbeat is logged and stops nothing: the jobs do not depend on it.
import type { Plugin } from '../../src/index.ts';
import { cloudRemedy } from '../../src/kit.ts';
import { createBeat } from './beat.ts';
import { repeat } from './repeat.ts';

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
        const ended = repeat(
          () => beat.send(closing.signal),
          node.settings.heartbeatIntervalSec * 1000,
          closing.signal,
        );
        node.onClose('heartbeat', () => {
          closing.abort();
          return ended;
        });
      });
    },
  };
}
