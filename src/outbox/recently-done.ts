// The jobs that were done last. Redis may forget its last moments, in a crash or a failover, and then brings their
// entries again: they are known here, and are not run again.
import type { SavedOutcome } from '../jobs/job.ts';

/** At least so many are known: about what a node can do at most in the second that a server may lose. */
const LEAST = 5_000;

/** How a job ended: what Redis is told of it. */
export interface Ending extends Pick<SavedOutcome, 'jobId' | 'messageIds' | 'endedAt'> {
  readonly outcome:
    { readonly status: 'completed' | 'cancelled' } | { readonly status: 'failed'; readonly error: string };
}

export class RecentlyDone {
  /** By entry. Two of them, since a map whose oldest entries are deleted one by one is slow. */
  #newer = new Map<string, Ending>();
  #older = new Map<string, Ending>();

  add(ending: Ending): void {
    for (const messageId of ending.messageIds) this.#newer.set(messageId, ending);
    if (this.#newer.size < LEAST) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  /** How the job of this entry ended. A server that is empty, with its clock set back, may use an id again: hence both. */
  find(jobId: string, messageId: string): Ending | undefined {
    const ending = this.#newer.get(messageId) ?? this.#older.get(messageId);
    return ending?.jobId === jobId ? ending : undefined;
  }
}
