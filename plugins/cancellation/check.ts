// Checks whether the cancel signals of jobs exist in Redis, and cancels the jobs whose signal does.
import type { CodaNode, Logger } from '../../src/index.ts';
import { cancelKey, isConnectionFault, redisTrouble, whichExist, type Trouble } from '../../src/kit.ts';

/** Most keys in one command: enough to save round trips, few enough not to hold up other commands. */
const CHUNK = 500;

export interface CancelCheck {
  /** Checks these jobs; leaves out those that this node does not hold or can no longer cancel. */
  some(jobIds: readonly string[]): void;
  /** Checks every job that can still be cancelled. */
  all(): void;
  /** Why the signals cannot be read, if so; others report a lost connection. */
  readonly trouble: Trouble | undefined;
  /** As `all`, but does nothing while the last poll still waits for Redis. */
  poll(): void;
  close(): void;
}

export function createCancelCheck(node: CodaNode, log: Logger): CancelCheck {
  // A connection of its own: the one that receives pushes can send nothing else.
  const redis = node.redis('cancel-check');
  let trouble: Trouble | undefined;
  let polling = false;
  let closed = false;

  async function check(jobIds: readonly string[]): Promise<void> {
    try {
      for (let from = 0; from < jobIds.length; from += CHUNK) {
        if (closed) return;
        await checkChunk(jobIds.slice(from, from + CHUNK));
      }
      trouble = undefined;
    } catch (thrown) {
      const before = trouble?.text;
      trouble = closed || isConnectionFault(thrown) ? undefined : redisTrouble(thrown, redis);
      if (trouble !== undefined && trouble.text !== before)
        log.debug(`cancel signals cannot be read: ${trouble.text}`);
    }
  }

  async function checkChunk(jobIds: readonly string[]): Promise<void> {
    const isCancelled = await whichExist(redis, jobIds.map(cancelKey));
    for (const [i, jobId] of jobIds.entries()) if (isCancelled[i] && !closed) node.jobs.cancel(jobId);
  }

  return {
    get trouble() {
      return trouble;
    },
    some(jobIds) {
      const held = new Set(node.jobs.cancellable());
      void check(jobIds.filter((jobId) => held.has(jobId)));
    },
    all() {
      void check(node.jobs.cancellable());
    },
    poll() {
      if (polling) return;
      polling = true;
      void check(node.jobs.cancellable()).finally(() => {
        polling = false;
      });
    },
    close() {
      closed = true;
    },
  };
}
