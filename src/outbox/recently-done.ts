// The jobs that were done last. Redis may lose its newest writes, in a crash or a failover, and then delivers their
// entries again: they are known here, and do not run again.
import type { Ending } from '../jobs/job.ts';

/** Remember at least this many: the most a node can finish in the second a server may lose. */
const LEAST = 5_000;

export class RecentlyDone {
  /** By entry. Two maps, since one map whose oldest entries are deleted one by one is slow. */
  #newer = new Map<string, Ending>();
  #older = new Map<string, Ending>();

  add(ending: Ending): void {
    for (const messageId of ending.messageIds) this.#newer.set(messageId, ending);
    if (this.#newer.size < LEAST) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  /** How the job of this entry ended. By both ids: an empty server, with its clock set back, may reuse an entry id. */
  find(jobId: string, messageId: string): Ending | undefined {
    const ending = this.#newer.get(messageId) ?? this.#older.get(messageId);
    return ending?.jobId === jobId ? ending : undefined;
  }
}
