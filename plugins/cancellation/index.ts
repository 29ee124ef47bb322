// Notices that the cloud cancels a job of this node, by push where Redis allows it and by polling where not (PROTOCOL §4).
// What a cancel then does to the job, and the hook `onCancel`, are the job path's business.
import type { Plugin } from '../../src/index.ts';
import { createLook } from './look.ts';
import { openPush } from './push.ts';

const POLL_MS = 100;
/** Every n-th poll is made although push works: a half-open connection is silent. */
const POLLS_PER_SAFETY_LOOK = 20;
/** Every n-th poll tries push again: Redis may have been loading, or its rights may have been mended. */
const POLLS_PER_PUSH_RETRY = 30;

/** Watches the cancel signals of all jobs that this node holds. */
export function cancellation(): Plugin {
  return {
    name: 'cancellation',
    apply(node) {
      node.hooks.start.tap('cancellation', () => {
        const log = node.log.child('cancellation');
        const look = createLook(node, log);
        const push = openPush(node, log, look);

        let polls = 0;
        const timer = setInterval(() => {
          polls += 1;
          if (!push.works && polls % POLLS_PER_PUSH_RETRY === 0) push.retry();
          if (!push.works || polls % POLLS_PER_SAFETY_LOOK === 0) look.poll();
        }, POLL_MS);
        node.onClose('cancellation', () => {
          clearInterval(timer);
          push.close();
          look.close();
        });
      });
    },
  };
}
