// What an executor hears of the jobs that are next, and which of them it may begin by itself when the running one has ended:
// the next one, as long as the node would start it too. That one is on the disk as started before it may begin. What has
// begun is a run like any other, whatever has changed meanwhile.
import { messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { HeldJob, ReadyJob } from '../jobs/job.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Admission } from '../kernel/admission.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import type { LoadedExecutor, OwnStart } from './executor.ts';
import { MARKED_AHEAD, type RunMarker } from './run-marker.ts';

export interface UpcomingOptions {
  readonly held: JobTable;
  readonly admission: Admission;
  readonly leases: { leaseEnd(job: HeldJob): number };
  readonly marker: Pick<RunMarker, 'isAhead' | 'isWary' | 'next'>;
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly log: Logger;
  readonly concurrency: number;
}

export class Upcoming {
  readonly #options: UpcomingOptions;
  readonly #ownStart: OwnStart | undefined;
  #allowed: ReadyJob | undefined;
  #until = 0;
  /** All that were allowed since the last run began: one that was recalled may have begun a moment before that. */
  readonly #candidates: ReadyJob[] = [];

  constructor(options: UpcomingOptions) {
    this.#options = options;
    const { loaded, admission, concurrency } = options;
    // With several runs at a time, the end of one is not the end of what is on the device.
    this.#ownStart = concurrency === 1 ? loaded.executor.ownStart : undefined;
    admission.onClose(() => this.recall());
  }

  announce(next: readonly ReadyJob[]): void {
    const { loaded, log } = this.#options;
    try {
      loaded.executor.upcoming?.(next);
    } catch (thrown) {
      log.warn(`upcoming of the executor (${loaded.source}) failed: ${messageOf(thrown)}`);
    }
  }

  /** Whenever something has changed while job `current` is on the device, or nothing is. `mayStart`: the node itself
   *  would start a job if the device was free. */
  update(current: string | null, mayStart: boolean): void {
    const { held } = this.#options;
    // The queue may have been shorter when the last run started.
    if (held.queued > 0 && held.queued <= MARKED_AHEAD) this.announce(held.peek(MARKED_AHEAD));
    if (this.#ownStart === undefined) return;
    if (current === null || !mayStart || !this.#allowFront(current, this.#ownStart)) this.recall();
  }

  #allowFront(after: string, ownStart: OwnStart): boolean {
    const { held, admission, leases, marker, hooks } = this.#options;
    const job = held.front;
    if (job === undefined || !admission.isOpen || marker.isWary) return false;
    if (isTapped(hooks.onJob) || isTapped(hooks.batchSize)) return false;
    const until = leases.leaseEnd(job);
    if (job === this.#allowed && until === this.#until) return true;
    const [messageId] = job.messageIds;
    if (!marker.isAhead(messageId)) marker.next(firstEntries(held.peek(MARKED_AHEAD)), 1);
    // Not if the disk is full.
    if (!marker.isAhead(messageId)) return false;
    if (job !== this.#allowed) this.#candidates.push(job);
    this.#allowed = job;
    this.#until = until;
    ownStart.allow(job, after, until);
    return true;
  }

  /** Nothing may begin by itself any more. What has begun is found all the same. */
  recall(): void {
    if (this.#allowed === undefined) return;
    this.#allowed = undefined;
    this.#ownStart?.recall();
  }

  /** The job that has begun by itself at the end of the last run, if one has; each job once. */
  takeBegun(): ReadyJob | undefined {
    const begun = this.#ownStart?.begun;
    const job = begun === undefined ? undefined : this.#candidates.find(({ jobId }) => jobId === begun);
    this.#allowed = undefined;
    this.#candidates.length = 0;
    return job;
  }
}

/** The entry of each job that stands for it. */
export function firstEntries(jobs: readonly ReadyJob[]): string[] {
  return jobs.map(({ messageIds }) => messageIds[0]);
}
