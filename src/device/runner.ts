// The device's own loop.
//
//   queued -> begun: marked on disk, then the executor runs it -> executing: written to Redis, the next runs marked on disk
//          -> ended: the next run starts FIRST, then the outcome is handed over (hand-over.ts)
//                \-> its batch failed, or the executor died: back to the front of the queue, to run alone
//
// An executor in another process may begin the next job by itself (upcoming.ts).
//
// A cancelled or overdue run occupies the device until the executor has really ended it. Nothing starts while the
// admission is closed, or while the node cannot be sure that the next job is still its own.
import { ExecutorError, type ExecutorDiedError, type Trouble } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { HeldJob, ReadyJob } from '../jobs/job.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Admission } from '../kernel/admission.ts';
import type { BusyTaps } from '../kernel/busy-taps.ts';
import type { Logger } from '../log.ts';
import { Waiters } from '../net/timing.ts';
import { batchSize } from './batch-size.ts';
import type { DeviceTime } from './device-time.ts';
import { watchEventLoop } from './event-loop.ts';
import type { LoadedExecutor } from './executor.ts';
import { HandOver } from './hand-over.ts';
import { MARKED_AHEAD, type RunMarker } from './run-marker.ts';
import type { OddResults } from './result.ts';
import { Run, type RunEndings, type RunOptions } from './run.ts';
import { firstEntries, Upcoming } from './upcoming.ts';

/** Which jobs are still this node's own. */
export interface Leases {
  hasLease(job: HeldJob): boolean;
  /** Until when it surely is, of performance.now(). */
  leaseEnd(job: HeldJob): number;
  /** Calls `listener` whenever leases have been renewed. */
  onSwept(listener: () => void): void;
}

/** Where the start of a job is made known; nothing waits for it. */
export interface StartStatuses {
  executing(jobId: string, messageId: string): Promise<void>;
  /** The job is not run here any more: that it was executing is not said after what another node says of it. */
  withdrawStart(jobId: string): void;
}

/** What the runner tells of the starts and ends of runs. */
export type RunMarks = Pick<
  RunMarker,
  'begin' | 'next' | 'isAhead' | 'end' | 'forget' | 'died' | 'isStrict' | 'isWary'
>;

export interface RunnerOptions {
  readonly held: JobTable;
  readonly admission: Admission;
  readonly leases: Leases;
  readonly marker: RunMarks;
  /** Hears when the device is at work. */
  readonly time: Pick<DeviceTime, 'began' | 'ended' | 'settled'>;
  readonly statuses: StartStatuses;
  readonly endings: RunEndings;
  readonly loaded: LoadedExecutor;
  readonly odd: OddResults;
  readonly hooks: Hooks;
  readonly busyTaps: BusyTaps;
  readonly log: Logger;
  /** An entry that is tried again was started so often without an outcome. */
  readonly onStartLost: (messageId: string, starts: number) => void;
  readonly concurrency: number;
  readonly maxDeliveries: number;
  readonly jobTimeoutMs: number;
  readonly cancelGraceMs: number;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #runOptions: RunOptions;
  readonly #runs = new Set<Run>();
  readonly #handOver: HandOver;
  #started = false;
  #stopped = false;
  readonly #waitingForEnd = new Waiters();
  /** Only for an executor that wants to hear of the next jobs. */
  readonly #upcoming: Upcoming | undefined;
  #runMs = 10;
  #stopWatching: (() => void) | undefined;
  /** The job that was last on the device, and until when; monotonic milliseconds. */
  #last = { jobId: '', endedAt: -Infinity };

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#runOptions = { ...options, runLog: options.log.child('', { job: () => this.#onlyJob }) };
    const startNext = (): void => this.#startNext();
    this.#handOver = new HandOver(options, () => this.#settled());
    options.held.onQueued(startNext);
    if (options.loaded.executor.upcoming !== undefined) {
      this.#upcoming = new Upcoming(options);
      options.held.onUnqueued(startNext);
    }
    options.admission.onOpen(startNext);
    options.leases.onSwept(startNext);
  }

  /** The job that runs, of several the first. */
  get current(): string | null {
    const [run] = this.#runs;
    return run?.jobs[0].jobId ?? null;
  }

  /** The job that runs, if there is no other. */
  get #onlyJob(): string | undefined {
    const [run] = this.#runs;
    return run?.jobs.length === 1 && this.#runs.size === 1 ? run.jobs[0].jobId : undefined;
  }

  /** When it started; Unix time in milliseconds. */
  get currentSince(): number | null {
    const [run] = this.#runs;
    return run === undefined ? null : Date.now() - (performance.now() - run.startedAt);
  }

  /** Why the executor is unhealthy, if it is. */
  get stuck(): Trouble | undefined {
    for (const { stuck } of this.#runs) if (stuck !== undefined) return stuck;
    return undefined;
  }

  /** Typical time of one job on the device. */
  get runMs(): number {
    return this.#runMs;
  }

  start(): void {
    this.#started = true;
    this.#startNext();
    const { loaded, busyTaps, log } = this.#options;
    this.#stopWatching = watchEventLoop({
      // A run that blocked until its end has ended before anybody looks.
      jobSince: (since) => this.current ?? (this.#last.endedAt >= since ? this.#last.jobId : undefined),
      executor: loaded.source,
      busyTaps,
      log,
    });
  }

  /** Gives a running job up; the caller has recorded why, and how it ends. */
  drop(job: ReadyJob, reason: string): void {
    for (const run of this.#runs) if (run.jobs.includes(job)) run.drop(job, reason);
  }

  /** Reports a job failed at once that is on the device or after it. What it has measured is kept for the operator. */
  fail(job: ReadyJob, error: string): void {
    if (this.#handOver.fail(job, error)) return;
    this.drop(job, error);
    void this.#options.endings.failed(job, error);
  }

  /** Resolves once nothing is on the device. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await this.#waitingForEnd.next();
  }

  /** Starts nothing more, and resolves once every run has ended. A job that a plugin still prepares in `onJob` is given
   *  back: it is not on the device yet. */
  async drain(reason: string): Promise<void> {
    this.#stopped = true;
    this.#upcoming?.recall();
    for (const run of this.#runs) {
      if (!run.isBeforeDevice) continue;
      for (const job of run.jobs) {
        run.drop(job, reason);
        this.#options.held.release(job);
      }
    }
    while (this.#runs.size > 0 || !this.#handOver.isSettled) await this.#waitingForEnd.next();
    this.#stopWatching?.();
  }

  /** Gives the running jobs up without an outcome: they stay pending and run again after the next start. */
  abandon(reason: string): void {
    this.#stopped = true;
    this.#upcoming?.recall();
    for (const run of this.#runs) for (const job of run.jobs) run.drop(job, reason);
    this.#stopWatching?.();
  }

  #startNext(): void {
    const begun = this.#runs.size === 0 ? this.#upcoming?.takeBegun() : undefined;
    if (begun !== undefined) this.#take(begun);
    while (this.#runs.size < this.#options.concurrency && this.#handOver.letsStart) {
      const jobs = this.#next();
      if (jobs === undefined) return;
      this.#start(jobs);
    }
    this.#upcoming?.update(this.current, !this.#stopped && this.#handOver.letsStart);
  }

  /** A job that has begun by itself. If it was cancelled just before that, its run is stopped, and nobody waits for its
   *  outcome; the device is free when it has ended. */
  #take(job: ReadyJob): void {
    const isHeld = this.#options.held.dequeueBegun(job);
    job.isPrepared = true;
    const run = this.#start([job], isHeld);
    if (!isHeld) run.drop(job, 'the job is no longer in the queue');
  }

  #next(): [ReadyJob, ...ReadyJob[]] | undefined {
    const { held, admission, leases, hooks, log } = this.#options;
    const first = held.front;
    if (!this.#started || this.#stopped || first === undefined) return undefined;
    if (!admission.isOpen || !leases.hasLease(first)) return undefined;
    const size = held.queued > 1 && !first.runsAlone ? batchSize(hooks, held.queued, log) : 1;
    const [job, ...more] = held.dequeue(size);
    return job === undefined ? undefined : [job, ...more];
  }

  #start(jobs: [ReadyJob, ...ReadyJob[]], isHeld = true): Run {
    const { marker, statuses, held, time } = this.#options;
    const run = new Run(jobs, this.#runOptions);
    this.#runs.add(run);
    marker.begin(firstEntries(jobs));
    run.start(() => this.#ended(run));
    // The device is at work; what follows does not hold it up.
    for (const job of jobs) job.startedAt = run.startedAt;
    time.began(run.startedAt);
    if (isHeld) for (const { jobId, messageIds } of jobs) void statuses.executing(jobId, messageIds[0]);
    const next = held.peek(MARKED_AHEAD * jobs.length);
    marker.next(firstEntries(next), jobs.length);
    this.#upcoming?.announce(next);
    held.announceRoom();
    return run;
  }

  #ended(run: Run): void {
    const { held, marker, time } = this.#options;
    const { jobs, died } = run;
    if (died !== undefined) this.#countStarts(run, died);
    const { again } = run;
    this.#runs.delete(run);
    const endedAt = performance.now();
    this.#last = { jobId: jobs[0].jobId, endedAt };
    for (const job of jobs) job.endedAt = endedAt;
    if (this.#runs.size === 0) time.ended(endedAt);
    this.#runMs += ((endedAt - run.startedAt) / jobs.length - this.#runMs) / 8;
    // Before the next run is chosen: these jobs come first.
    if (died === undefined) for (const job of again) marker.end(job.messageIds[0]);
    held.requeue(again, died === undefined);
    this.#handOver.begin(run);
    // After a crash the outcome is saved first: the next job may be the one that kills the node.
    const savesFirst = marker.isStrict;
    if (!savesFirst) this.#startNext();
    // The device is at work again; what is left does not hold it up.
    this.handOver();
    if (savesFirst) this.#startNext();
    if (this.#runs.size > 0) return;
    time.settled();
    this.#waitingForEnd.notify();
  }

  /** The executor died in this run: a start of each of its jobs, which may have been the last one, if a job of the run may
   *  be the cause. */
  #countStarts(run: Run, died: ExecutorDiedError): void {
    const { marker, onStartLost, maxDeliveries, log } = this.#options;
    for (const job of run.again) {
      const [messageId] = job.messageIds;
      if (!died.counts) {
        log.warn(`job ${job.jobId} runs again: ${died.message}`, { job: job.jobId });
        marker.end(messageId);
        continue;
      }
      const starts = marker.died(messageId);
      if (starts < maxDeliveries) {
        log.warn(`job ${job.jobId} runs again, after ${starts} of ${maxDeliveries} starts: ${died.message}`, {
          job: job.jobId,
        });
        onStartLost(messageId, starts);
      } else {
        const text = `the job was started ${starts} times without an outcome; it is not tried again: ${died.message}`;
        run.giveUp(job, new ExecutorError(text, { cause: died }));
      }
    }
  }

  /** Hands over what has ended. For the exit of the process, which may come out of the start of the next run. */
  handOver(): void {
    this.#handOver.complete();
  }

  /** A result that nothing was to start beside, or that plugins have mapped, is handed over. */
  #settled(): void {
    if (this.#handOver.isSettled) this.#waitingForEnd.notify();
    this.#startNext();
  }
}
