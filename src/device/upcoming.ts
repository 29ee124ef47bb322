// What an executor hears of the jobs that are next, and which of them it may begin by itself when the running one has ended:
// those that the node would start too. They are on the disk as started before they may begin. What has begun is a run like
// any other, whatever has changed meanwhile.
import { messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { HeldJob, ReadyJob } from '../jobs/job.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Admission } from '../kernel/admission.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import type { LoadedExecutor, OwnStart } from './executor.ts';
import { MARKED_AHEAD, type RunMarker } from './run-marker.ts';

/** So many jobs are always marked ahead: one more than the next. */
const SOONEST = 2;
const NONE: readonly ReadyJob[] = [];

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
  /** What may begin, in this order. */
  #allowed: readonly ReadyJob[] = NONE;
  #until = 0;
  /** All that were allowed and may have begun: also one that was recalled a moment too late. */
  #candidates: readonly ReadyJob[] = NONE;

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
    const next = current !== null && mayStart && this.#isPlain ? this.#marked() : NONE;
    if (current === null || next.length === 0) return this.recall();
    const until = Math.min(...next.map((job) => this.#options.leases.leaseEnd(job)));
    const isKnown = until === this.#until && isSame(next, this.#allowed);
    if (isKnown) return;
    this.#candidates = [...this.#candidates.filter((job) => !next.includes(job)), ...next];
    this.#allowed = next;
    this.#until = until;
    this.#ownStart.allow(next, current, until);
  }

  /** Whether nothing stands between two runs but the device. */
  get #isPlain(): boolean {
    const { admission, marker, hooks } = this.#options;
    return admission.isOpen && !marker.isWary && !isTapped(hooks.onJob) && !isTapped(hooks.batchSize);
  }

  /** The next jobs, as far as they are on the disk as started; none if the disk is full. */
  #marked(): readonly ReadyJob[] {
    const { held, marker } = this.#options;
    const next = held.peek(MARKED_AHEAD);
    marker.next(firstEntries(next), SOONEST);
    const unmarked = next.findIndex(({ messageIds }) => !marker.isAhead(messageIds[0]));
    return unmarked < 0 ? next : next.slice(0, unmarked);
  }

  /** Nothing may begin by itself any more. What has begun is found all the same. */
  recall(): void {
    if (this.#allowed.length === 0) return;
    this.#allowed = NONE;
    this.#ownStart?.recall();
  }

  /** The job that has begun by itself at the end of the last run, if one has; each job once. */
  takeBegun(): ReadyJob | undefined {
    const begun = this.#ownStart?.begun;
    const job = begun === undefined ? undefined : this.#candidates.find(({ jobId }) => jobId === begun);
    const others = (jobs: readonly ReadyJob[]): readonly ReadyJob[] => jobs.filter((one) => one !== job);
    // If none has begun, none of the others will, until they are allowed again.
    this.#allowed = job === undefined ? NONE : others(this.#allowed);
    this.#candidates = job === undefined ? NONE : others(this.#candidates);
    return job;
  }
}

function isSame(some: readonly ReadyJob[], others: readonly ReadyJob[]): boolean {
  return some.length === others.length && some.every((job, index) => job === others[index]);
}

/** The entry of each job that stands for it. */
export function firstEntries(jobs: readonly ReadyJob[]): string[] {
  return jobs.map(({ messageIds }) => messageIds[0]);
}
