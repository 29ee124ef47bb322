// One run on the device: a job, or a batch of them, with cancel and deadline. Ends only when the device has really ended.
import { attributedMessageOf, ExecutorError, messageOf } from '../errors.ts';
import type { ExecutionResult, LoadedExecutor, RunContext } from '../executor/executor.ts';
import type { Hooks } from '../hooks.ts';
import type { Logger } from '../log.ts';
import { isTapped } from '../tap.ts';
import { checkResult } from '../protocol/result.ts';
import { boundedError, type Outcome } from '../protocol/webhook.ts';
import type { QueuedJob } from './held.ts';

export interface RunOptions {
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly log: Logger;
  /** 0: no limit. */
  readonly jobTimeoutMs: number;
  readonly cancelGraceMs: number;
  /** The device does not end a run that it was asked to end; undefined once it has. */
  readonly onStuck: (reason: string | undefined) => void;
  /** The deadline has passed, and the device still runs: the job's outcome does not wait for it. */
  readonly onTimedOut: (job: QueuedJob, outcome: Outcome) => void;
}

/** How a job of the run ended; undefined where it was cancelled, abandoned, or reported already. */
export type RunEnd = (job: QueuedJob) => Outcome | undefined;

export class Run {
  readonly jobs: readonly [QueuedJob, ...QueuedJob[]];
  readonly #options: RunOptions;
  readonly #abort = new AbortController();
  readonly #dropped = new Set<QueuedJob>();
  /** A job's result, or the Failure in its place. */
  readonly #ends = new Map<QueuedJob, unknown>();
  #deadline: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #timedOut: Outcome | undefined;
  #stuck = false;

  constructor(jobs: readonly [QueuedJob, ...QueuedJob[]], options: RunOptions) {
    this.jobs = jobs;
    this.#options = options;
  }

  /** Starts the device, at once where no plugin taps `onJob`, and resolves when the run has ended. Never rejects. */
  async start(): Promise<RunEnd> {
    const { jobTimeoutMs } = this.#options;
    if (jobTimeoutMs > 0) this.#deadline = setTimeout(() => this.#timeOut(), jobTimeoutMs);
    const ready = isTapped(this.#options.hooks.onJob) ? await this.#prepare() : this.jobs;
    await this.#execute(ready);
    clearTimeout(this.#deadline);
    clearTimeout(this.#grace);
    if (this.#stuck) this.#options.onStuck(undefined);
    return (job) => {
      if (this.#dropped.has(job)) return undefined;
      if (this.#timedOut !== undefined) return this.#timedOut;
      return outcomeOf(this.#ends.get(job), job);
    };
  }

  /** The job's outcome is of no interest any more; the device is stopped once that holds for all jobs of the run. */
  drop(job: QueuedJob, reason: string): void {
    this.#dropped.add(job);
    if (this.#dropped.size === this.jobs.length) this.#stop(reason);
  }

  #stop(reason: string): void {
    if (this.#abort.signal.aborted) return;
    const { cancelGraceMs, loaded, log, onStuck } = this.#options;
    this.#abort.abort(new ExecutorError(reason));
    this.#grace = setTimeout(() => {
      this.#stuck = true;
      const waited = `${cancelGraceMs / 1000} s after it was asked to stop (${reason})`;
      onStuck(`the executor (${loaded.source}) still runs job ${this.jobs[0].jobId} ${waited}`);
      if (this.#timedOut === undefined) return;
      for (const job of this.jobs) if (!this.#dropped.has(job)) this.#reportTimeOut(job, this.#timedOut);
    }, cancelGraceMs);
    const failed = (thrown: unknown): void =>
      log.warn(`cancelCurrentJob of the executor failed: ${messageOf(thrown)}`);
    try {
      Promise.resolve(loaded.executor.cancelCurrentJob?.()).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #timeOut(): void {
    const seconds = this.#options.jobTimeoutMs / 1000;
    this.#timedOut = { status: 'failed', error: `timed out after ${seconds} s` };
    this.#options.log.warn(`job ${this.jobs[0].jobId} has run for ${seconds} s; stopping it`);
    this.#stop(`timed out after ${seconds} s`);
  }

  #reportTimeOut(job: QueuedJob, outcome: Outcome): void {
    this.#dropped.add(job);
    this.#options.onTimedOut(job, outcome);
  }

  /** The jobs for which every `onJob` tap was content. */
  async #prepare(): Promise<QueuedJob[]> {
    const ready: QueuedJob[] = [];
    for (const job of this.jobs) {
      const { jobId, callbackUrl, messageIds, circuit } = job;
      try {
        await this.#options.hooks.onJob.promise({ jobId, callbackUrl, messageId: messageIds[0], ...circuit });
        ready.push(job);
      } catch (thrown) {
        this.#ends.set(job, new Failure(thrown));
      }
    }
    return ready;
  }

  async #execute(jobs: readonly QueuedJob[]): Promise<void> {
    const results = jobs.length > 1 ? await this.#tryBatch(jobs) : undefined;
    for (const [i, job] of jobs.entries()) {
      if (this.#dropped.has(job)) continue;
      if (results === undefined && !this.#abort.signal.aborted) this.#ends.set(job, await this.#runOne(job));
      else this.#ends.set(job, results?.[i] ?? new Failure(this.#abort.signal.reason));
    }
  }

  /** The result, or what was thrown in its place. */
  async #runOne({ jobId, circuit }: QueuedJob): Promise<unknown> {
    const { loaded, log } = this.#options;
    try {
      return await loaded.executor.run(circuit.ir, circuit.shots, { jobId, signal: this.#abort.signal, log });
    } catch (thrown) {
      return new Failure(thrown);
    }
  }

  /** The results of a batch, or undefined where the jobs are to run one by one. */
  async #tryBatch(queued: readonly QueuedJob[]): Promise<ExecutionResult[] | undefined> {
    const { hooks, log } = this.#options;
    const jobs = queued.map(({ jobId, circuit }) => ({ jobId, ...circuit }));
    const context: RunContext = { jobId: this.jobs[0].jobId, signal: this.#abort.signal, log };
    try {
      const results = await hooks.runBatch.promise({ jobs, context });
      return Array.isArray(results) && results.length === jobs.length ? results : undefined;
    } catch (thrown) {
      log.warn(`a batch of ${jobs.length} jobs failed, they run one by one: ${messageOf(thrown)}`);
      return undefined;
    }
  }
}

class Failure {
  readonly error: string;

  constructor(thrown: unknown) {
    this.error = boundedError(attributedMessageOf(thrown));
  }
}

function outcomeOf(end: unknown, job: QueuedJob): Outcome {
  if (end instanceof Failure) return { status: 'failed', error: end.error };
  try {
    const { counts, executionTimeMs, shotsCompleted } = checkResult(end, job.circuit.ir);
    return { status: 'completed', counts, executionTimeMs, shotsCompleted };
  } catch (thrown) {
    return { status: 'failed', error: boundedError(messageOf(thrown)) };
  }
}
