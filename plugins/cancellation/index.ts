// Notices that the cloud cancels a job of this node: by push if Redis allows it, else by polling (PROTOCOL §4).
// What a cancel does to the job, and when `onCancel` fires, is decided where jobs are held (src/jobs).
import type { Plugin } from '../../src/index.ts';
import { createCancelCheck } from './check.ts';
import { openPush } from './push.ts';

const POLL_MS = 100;
/** Every so many polls one is made even if push works: a half-open connection is silent. */
const POLLS_PER_SAFETY_CHECK = 20;
/** Every so many polls push is tried again: Redis may have been loading, or the user may have more rights now. */
const POLLS_PER_PUSH_RETRY = 30;

/** Watches the cancel signals of all jobs that this node holds. */
export function cancellation(): Plugin {
  return {
    name: 'cancellation',
    apply(node) {
      node.hooks.start.tap('cancellation', () => {
        const log = node.log;
        const check = createCancelCheck(node, log);
        const push = openPush(node, log, check);

        let polls = 0;
        const timer = setInterval(() => {
          polls += 1;
          if (!push.works && polls % POLLS_PER_PUSH_RETRY === 0) push.retry();
          if (!push.works || polls % POLLS_PER_SAFETY_CHECK === 0) check.poll();
        }, POLL_MS);
        node.hooks.readiness.tap('cancellation', (report) => {
          for (const trouble of [push.trouble, check.trouble])
            if (trouble !== undefined) report.trouble(trouble.text, trouble.remedy);
        });
        node.onClose('cancellation', () => {
          clearInterval(timer);
          push.close();
          check.close();
        });
      });
    },
  };
}
