// One run on the device: a job, or a batch of them, with cancel and deadline. Ends only when the device has really ended.
// A batch that fails leaves its jobs to be run one by one, each in a run of its own.
import { ExecutorDiedError, ExecutorError, messageOf, type Trouble } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { ReadyJob } from '../jobs/job.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import { boundedError, type Outcome } from '../protocol/webhook.ts';
import { BeforeRun, contextOf } from './before-run.ts';
import type { LoadedExecutor } from './executor.ts';
import { Failure, type FailureCause } from './failure.ts';
import { bitsOf, checkResult, type OddResults, type RunOutcome } from './result.ts';

/** Takes the outcome of a job that was on the device; resolves once it is saved. */
export interface RunEndings {
  ran(job: ReadyJob, outcome: RunOutcome, cause: FailureCause | undefined): Promise<void>;
  /** The job fails without a result, or before its run has ended. */
  failed(job: ReadyJob, error: string): Promise<void>;
  /** Keeps what was measured for the operator, as the job fails; resolves once that is on disk. */
  keep(job: ReadyJob, measured: Outcome, reason: string): Promise<void>;
}

const STUCK_REMEDY =
  'Restart the node (coda stop, coda start) to continue now. Have the executor end a run when its signal fires, or in cancelCurrentJob.';

export interface RunOptions {
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly log: Logger;
  /** For the code that runs: its lines carry the job. */
  readonly runLog: Logger;
  /** For one job; a batch has as many times that. 0: no limit. */
  readonly jobTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly odd: OddResults;
  /** Hears of an outcome that does not wait for the end of the run. */
  readonly endings: Pick<RunEndings, 'ran'>;
}

const NONE: readonly ReadyJob[] = [];

export class Run {
  /** Monotonic milliseconds. */
  readonly startedAt = performance.now();
  readonly jobs: readonly [ReadyJob, ...ReadyJob[]];
  readonly #options: RunOptions;
  /** Made when it is first asked for: most runs end before that. */
  #abort: AbortController | undefined;
  /** The jobs that go to the device: those that no plugin refused. */
  #ready: readonly ReadyJob[] = [];
  readonly #dropped = new Set<ReadyJob>();
  /** By job: its result, or a Failure in place of one. */
  readonly #ends = new Map<ReadyJob, unknown>();
  #deadline: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #timedOut: Outcome | undefined;
  #stuck: Trouble | undefined;
  /** Set while a tap of `onJob` has the device. */
  #before: BeforeRun | undefined;
  #died: ExecutorDiedError | undefined;

  constructor(jobs: readonly [ReadyJob, ...ReadyJob[]], options: RunOptions) {
    this.jobs = jobs;
    this.#options = options;
  }

  /** Why the executor is unhealthy, if it is: it, or a plugin before it, was asked to end this run, and has not. */
  get stuck(): Trouble | undefined {
    return this.#stuck ?? this.#before?.stuck;
  }

  /** Whether the executor has not been called yet. */
  get isBeforeDevice(): boolean {
    return this.#before !== undefined;
  }

  /** Starts the device, at once if no plugin taps `onJob`. Calls `onEnd` when the run has ended, in a later turn. */
  start(onEnd: () => void): void {
    const isPrepared = !isTapped(this.#options.hooks.onJob) || this.jobs[0].isPrepared === true;
    if (isPrepared) this.#run(this.jobs, onEnd);
    else void this.#passBefore().then((ready) => this.#run(ready, onEnd));
  }

  /** Why the run has no outcome, if the executor died in it. */
  get died(): ExecutorDiedError | undefined {
    return this.#died;
  }

  /** Its job is not tried again. */
  giveUp(job: ReadyJob, thrown: ExecutorError): void {
    this.#ends.set(job, this.#failure(thrown));
  }

  /** Jobs without an outcome, of a batch that failed or of an executor that died: each must run alone. */
  get again(): readonly ReadyJob[] {
    return this.#ends.size === this.jobs.length ? NONE : this.jobs.filter((job) => !this.#isOver(job));
  }

  /** How a job of this run ended; undefined if it was cancelled, abandoned, or reported already. */
  outcomeOf(job: ReadyJob): RunOutcome | undefined {
    if (this.#dropped.has(job)) return undefined;
    if (this.#timedOut !== undefined && this.#ready.includes(job)) return this.#timedOut;
    return outcomeOf(this.#ends.get(job), job, this.#options);
  }

  /** Whether the executor has returned something for a job whose outcome still matters. */
  hasResult(job: ReadyJob): boolean {
    if (this.#dropped.has(job) || (this.#timedOut !== undefined && this.#ready.includes(job))) return false;
    return this.#ends.has(job) && !(this.#ends.get(job) instanceof Failure);
  }

  /** What it returned. */
  resultOf(job: ReadyJob): unknown {
    return this.#ends.get(job);
  }

  /** What failed a job of this run. */
  causeOf(job: ReadyJob): FailureCause | undefined {
    if (this.#timedOut !== undefined && this.#ready.includes(job)) return undefined;
    const end = this.#ends.get(job);
    if (end instanceof Failure) return end;
    return { where: `in the check of its result, from the executor (${this.#options.loaded.source})` };
  }

  /** Fires when the device is to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get #controller(): AbortController {
    return (this.#abort ??= new AbortController());
  }

  /** With callbacks: every further promise between two runs would keep the device waiting. */
  #run(ready: readonly ReadyJob[], onEnd: () => void): void {
    this.#ready = ready;
    this.#startDeadline(ready.length);
    const [job] = ready;
    if (job === undefined || ready.length > 1) {
      void this.#runBatch(ready).then(() => this.#end(onEnd));
      return;
    }
    this.#device(job).then(
      (result) => {
        this.#ends.set(job, result);
        this.#end(onEnd);
      },
      (thrown: unknown) => {
        if (thrown instanceof ExecutorDiedError) this.#died = thrown;
        else this.#ends.set(job, this.#failure(thrown));
        this.#end(onEnd);
      },
    );
  }

  #failure(thrown: unknown): Failure {
    return new Failure(`in the executor (${this.#options.loaded.source})`, thrown);
  }

  #device({ jobId, circuit: { ir, shots, irJson } }: ReadyJob): Promise<unknown> {
    const { loaded, runLog } = this.#options;
    try {
      return Promise.resolve(loaded.executor.run(ir, shots, contextOf(this, jobId, runLog, irJson)));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #end(onEnd: () => void): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#grace);
    onEnd();
  }

  #isOver(job: ReadyJob): boolean {
    const isReported = this.#timedOut !== undefined && this.#ready.includes(job);
    return isReported || this.#ends.has(job) || this.#dropped.has(job);
  }

  /** The job's outcome no longer matters; the device is stopped once that is so for all jobs of the run. */
  drop(job: ReadyJob, reason: string): void {
    this.#dropped.add(job);
    if (this.#before !== undefined) {
      if (this.#before.job === job) this.#before.stop(reason);
    } else if (this.#dropped.size === this.jobs.length) this.#stop(reason);
  }

  #stop(reason: string): void {
    if (this.signal.aborted) return;
    const { cancelGraceMs, loaded, log } = this.#options;
    this.#controller.abort(new ExecutorError(reason));
    this.#grace = setTimeout(() => {
      const waited = `${cancelGraceMs / 1000} s after it was asked to stop (${reason})`;
      this.#stuck = {
        text: `the executor (${loaded.source}) still runs job ${this.jobs[0].jobId} ${waited}`,
        remedy: STUCK_REMEDY,
      };
      if (this.#timedOut !== undefined) this.#reportTimeOut(this.#timedOut);
    }, cancelGraceMs);
    // A node that has given up the run may end.
    this.#grace.unref();
    const failed = (thrown: unknown): void =>
      log.warn(`cancelCurrentJob of the executor failed: ${messageOf(thrown)}`, { job: this.jobs[0].jobId });
    try {
      Promise.resolve(loaded.executor.cancelCurrentJob?.()).catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #startDeadline(jobs: number): void {
    const ms = this.#options.jobTimeoutMs * jobs;
    // A longer delay than this would make Node's timer fire at once.
    if (ms > 0) this.#deadline = setTimeout(() => this.#timeOut(ms / 1000), Math.min(ms, 2 ** 31 - 1));
  }

  #timeOut(seconds: number): void {
    const error = `timed out after ${seconds} s`;
    this.#timedOut = { status: 'failed', error };
    const { jobId } = this.jobs[0];
    this.#options.log.warn(`job ${jobId} has run for ${seconds} s; stopping it`, { job: jobId });
    this.#stop(error);
  }

  /** The deadline has passed, and the device still runs: the outcomes do not wait for it. */
  #reportTimeOut(outcome: Outcome): void {
    for (const job of this.jobs) this.#report(job, outcome, undefined);
  }

  #report(job: ReadyJob, outcome: Outcome, cause: FailureCause | undefined): void {
    if (this.#dropped.has(job)) return;
    this.#dropped.add(job);
    void this.#options.endings.ran(job, outcome, cause);
  }

  /** The jobs that passed every `onJob` tap and were not cancelled meanwhile. */
  async #passBefore(): Promise<ReadyJob[]> {
    const ready: ReadyJob[] = [];
    for (const job of this.jobs) {
      if (this.#dropped.has(job)) continue;
      this.#before = new BeforeRun(job, this.#options);
      const failure = await this.#before.pass((late) =>
        this.#report(job, { status: 'failed', error: late.error }, late),
      );
      if (failure === undefined) ready.push(job);
      else this.#ends.set(job, failure);
    }
    this.#before = undefined;
    return ready.filter((job) => !this.#dropped.has(job));
  }

  /** Sets the results of a batch; none if its jobs must run one by one. */
  async #runBatch(ready: readonly ReadyJob[]): Promise<void> {
    if (ready.length === 0) return;
    const { hooks, log, runLog } = this.#options;
    const jobs = ready.map(({ jobId, circuit }) => ({ jobId, ...circuit }));
    const context = contextOf(this, jobs[0]?.jobId ?? '', runLog);
    try {
      const results: readonly unknown[] | undefined = await hooks.runBatch.promise({ jobs, context });
      if (!Array.isArray(results) || results.length !== ready.length) return;
      for (const [i, job] of ready.entries()) this.#ends.set(job, results[i]);
    } catch (thrown) {
      if (thrown instanceof ExecutorDiedError) this.#died = thrown;
      if (this.#died !== undefined || this.signal.aborted) return;
      log.warn(`a batch of ${jobs.length} jobs failed, they run one by one: ${messageOf(thrown)}`);
    }
  }
}

function outcomeOf(end: unknown, { jobId, circuit }: ReadyJob, { odd, hooks }: RunOptions): RunOutcome {
  if (end instanceof Failure) return { status: 'failed', error: end.error };
  try {
    if (isTapped(hooks.afterRun)) {
      return { status: 'completed', ...checkResult(end, bitsOf(circuit), odd, jobId, true) };
    }
    const { counts, executionTimeMs, shotsCompleted } = checkResult(end, bitsOf(circuit), odd, jobId);
    return { status: 'completed', counts, executionTimeMs, shotsCompleted };
  } catch (thrown) {
    return { status: 'failed', error: boundedError(messageOf(thrown)) };
  }
}
