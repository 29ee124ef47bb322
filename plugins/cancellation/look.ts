// Looks whether the cancel signals of held jobs exist, and cancels those whose does.
import { messageOf, type CodaNode, type Logger } from '../../src/index.ts';
import { cancelKey, whichExist } from '../../src/kit.ts';

/** Keys asked for in one go: large enough to be one round trip, small enough not to hold up other commands. */
const CHUNK = 500;

export interface Look {
  /** Confirms the signals of these jobs; jobs that are not here, or past cancelling, are left out. */
  at(jobIds: readonly string[]): void;
  /** Looks at every job that can still be cancelled. */
  atAll(): void;
  /** As `atAll`, but not while the last poll is still waiting for Redis. */
  poll(): void;
  close(): void;
}

export function createLook(node: CodaNode, log: Logger): Look {
  // A connection of its own: the one that gets pushes can send nothing else.
  const redis = node.redis('cancel-check');
  let polling = false;
  let closed = false;
  let complaint = '';

  async function confirm(jobIds: readonly string[]): Promise<void> {
    try {
      for (let from = 0; from < jobIds.length; from += CHUNK) {
        if (closed) return;
        await confirmChunk(jobIds.slice(from, from + CHUNK));
      }
      complaint = '';
    } catch (thrown) {
      const text = `cancel signals cannot be read: ${messageOf(thrown)}`;
      if (!closed && text !== complaint) log.warn(text);
      complaint = text;
    }
  }

  async function confirmChunk(jobIds: readonly string[]): Promise<void> {
    const isCancelled = await whichExist(redis, jobIds.map(cancelKey));
    for (const [i, jobId] of jobIds.entries()) if (isCancelled[i] && !closed) node.jobs.cancel(jobId);
  }

  return {
    at(jobIds) {
      const held = new Set(node.jobs.cancellable());
      void confirm(jobIds.filter((jobId) => held.has(jobId)));
    },
    atAll() {
      void confirm(node.jobs.cancellable());
    },
    poll() {
      if (polling) return;
      polling = true;
      void confirm(node.jobs.cancellable()).finally(() => {
        polling = false;
      });
    },
    close() {
      closed = true;
    },
  };
}
