// The device's own loop: the next run starts first, the bookkeeping of the last one comes after it.
import type { LoadedExecutor } from './executor.ts';
import type { Hooks } from '../hooks.ts';
import type { Logger } from '../log.ts';
import { batchSize } from './batch-size.ts';
import type { Outcome } from '../protocol/webhook.ts';
import type { JobTable, QueuedJob } from '../jobs/job-table.ts';
import { Run, type RunOptions } from './run.ts';

/** An executor that keeps the event loop for longer than this is named in the log. */
const BLOCKED_MS = 1_000;
const WATCH_MS = 250;

export interface RunnerOptions {
  readonly held: JobTable;
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly log: Logger;
  readonly concurrency: number;
  readonly jobTimeoutMs: number;
  readonly cancelGraceMs: number;
  /** Whether this job may start now. */
  readonly mayStart: (job: QueuedJob) => boolean;
  /** The jobs are about to go to the device. */
  readonly onStarting: (jobs: readonly QueuedJob[]) => void;
  /** The jobs are on the device. */
  readonly onStarted: (jobs: readonly QueuedJob[]) => void;
  readonly onOutcome: (job: QueuedJob, outcome: Outcome) => void;
  /** The run of a job has ended, whatever became of its outcome. */
  readonly onEnded: (job: QueuedJob) => void;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #runOptions: RunOptions;
  readonly #runs = new Set<Run>();
  #started = false;
  #stopped = false;
  readonly #waitingForEnd: (() => void)[] = [];
  #stuck: string | undefined;
  #runMs = 10;
  #watch: NodeJS.Timeout | undefined;
  /** The job that was last on the device, and until when; monotonic milliseconds. */
  #last = { jobId: '', endedAt: -Infinity };

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#runOptions = {
      ...options,
      onTimedOut: options.onOutcome,
      onStuck: (reason) => (this.#stuck = reason),
    };
  }

  /** The job that runs, of several the first. */
  get current(): string | null {
    const [run] = this.#runs;
    return run?.jobs[0].jobId ?? null;
  }

  /** Why the executor is unhealthy, if it is. */
  get stuck(): string | undefined {
    return this.#stuck;
  }

  /** Typical time of one job on the device. */
  get runMs(): number {
    return this.#runMs;
  }

  start(): void {
    this.#started = true;
    this.#startNext();
    this.#watchEventLoop();
  }

  /** There may be a job to start now. */
  wake(): void {
    this.#startNext();
  }

  /** A cancel for a running job; the caller has recorded it. */
  drop(job: QueuedJob, reason: string): void {
    for (const run of this.#runs) if (run.jobs.includes(job)) run.drop(job, reason);
  }

  /** Starts nothing more, and resolves once every run has ended. */
  async drain(): Promise<void> {
    this.#stopped = true;
    while (this.#runs.size > 0) await new Promise<void>((resolve) => this.#waitingForEnd.push(resolve));
    clearInterval(this.#watch);
  }

  /** Gives the running jobs up without an outcome: they stay pending and run again after the next start. */
  abandon(reason: string): void {
    this.#stopped = true;
    for (const run of this.#runs) for (const job of run.jobs) run.drop(job, reason);
    clearInterval(this.#watch);
  }

  #startNext(): void {
    while (this.#runs.size < this.#options.concurrency) {
      const jobs = this.#next();
      if (jobs === undefined) return;
      this.#start(jobs);
    }
  }

  #next(): [QueuedJob, ...QueuedJob[]] | undefined {
    const { held, hooks, log, mayStart } = this.#options;
    const first = held.front;
    if (!this.#started || this.#stopped || first === undefined || !mayStart(first)) return undefined;
    const size = held.queued > 1 && !first.runsAlone ? batchSize(hooks, held.queued, log) : 1;
    const [job, ...more] = held.dequeue(size);
    return job === undefined ? undefined : [job, ...more];
  }

  #start(jobs: [QueuedJob, ...QueuedJob[]]): void {
    const { onStarting, onStarted } = this.#options;
    const run = new Run(jobs, this.#runOptions);
    this.#runs.add(run);
    onStarting(jobs);
    const startedAt = performance.now();
    run.start(() => this.#ended(run, startedAt));
    onStarted(jobs);
  }

  #ended(run: Run, startedAt: number): void {
    const { held, onOutcome, onEnded } = this.#options;
    const { jobs, again } = run;
    this.#runs.delete(run);
    const endedAt = performance.now();
    this.#last = { jobId: jobs[0].jobId, endedAt };
    this.#runMs += ((endedAt - startedAt) / jobs.length - this.#runMs) / 8;
    // Before the next run is chosen: these come first.
    for (const job of again) onEnded(job);
    held.requeue(again);
    this.#startNext();
    // The device is at work again; what is left does not hold it up.
    for (const job of jobs) {
      if (again.includes(job)) continue;
      const outcome = run.outcomeOf(job);
      if (outcome !== undefined) onOutcome(job, outcome);
      onEnded(job);
    }
    if (this.#runs.size === 0) for (const resolve of this.#waitingForEnd.splice(0)) resolve();
  }

  /** An executor that computes on the event loop holds up heartbeats, cancels and `/health`: say who it is. */
  #watchEventLoop(): void {
    let last = performance.now();
    this.#watch = setInterval(() => {
      const now = performance.now();
      const blockedMs = now - last - WATCH_MS;
      // Of a run that blocked until its end, the end comes before this look.
      const jobId = this.current ?? (this.#last.endedAt >= last ? this.#last.jobId : undefined);
      last = now;
      if (blockedMs < BLOCKED_MS || jobId === undefined) return;
      this.#options.log.warn(
        `the event loop was blocked for ${(blockedMs / 1000).toFixed(1)} s while job ${jobId} ran: ` +
          `the executor (${this.#options.loaded.source}) should do long work in a child process or a worker thread`,
      );
    }, WATCH_MS).unref();
  }
}
