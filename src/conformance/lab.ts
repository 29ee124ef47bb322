// Runs circuits on an executor as a node does: the same context, the same cancel, the same check of the result. Counts the
// shots that it asks for.
import { messageOf } from '../errors.ts';
import type { BatchJob, ExecutionResult, RunContext } from '../device/executor.ts';
import { checkResult } from '../device/result.ts';
import { silentLogger, type Logger } from '../log.ts';
import { endsWithin } from '../net/timing.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { watchLoop } from './loop-watch.ts';
import type { Subject, Terms } from './terms.ts';
import { Fault, LeftOut, type Finding } from './verdict.ts';

/** A run on its way. */
export interface Running {
  /** Settles as the executor's promise does; rejects with a Fault if that takes too long. */
  readonly result: Promise<unknown>;
  /** As a node cancels: the signal fires, and `cancelCurrentJob` is called. */
  cancel(): void;
  /** Fires the signal alone. */
  abort(): void;
}

/** A run that was long enough to be cancelled. */
export interface LongRun {
  readonly shots: number;
  readonly ms: number;
  /** The longest time in which the event loop did not turn. */
  readonly blockedMs: number;
}

/** The longest run, if all are too short to be cancelled. */
export interface ShortRun {
  readonly tooShort: LongRun;
}

export interface LabOptions {
  /** The most shots that it may ask for. */
  readonly budget?: number | undefined;
  /** What the executor gets. */
  readonly log?: Logger | undefined;
  readonly strays?: readonly string[] | undefined;
}

const STOPPED = 'it was stopped';
const LONG_MS = 500;
const FIRST_SHOTS = 1000;
const MOST_SHOTS = 100_000_000;
/** What the checks after those of the cancel ask for. */
const RESERVED_SHOTS = 1_100;

export class Lab {
  readonly terms: Terms;
  /** Errors so far that nobody has caught; undefined if others look after them. */
  readonly strays: readonly string[] | undefined;
  /** How long a cancelled run took to end, once one was cancelled. */
  cancelled: number | undefined;
  readonly #subject: Subject;
  readonly #budget: number;
  readonly #log: Logger;
  #shots = 0;
  #runs = 0;
  #stuck: string | undefined;
  /** Of the last run. */
  #cancel = (): void => {};
  #warnings: Finding[] = [];
  #long: Promise<LongRun | ShortRun> | undefined;

  constructor(
    subject: Subject,
    terms: Terms,
    { budget = Infinity, log = silentLogger, strays }: LabOptions = {},
  ) {
    this.#subject = subject;
    this.terms = terms;
    this.#budget = budget;
    this.#log = log;
    this.strays = strays;
  }

  /** Shots that were asked for so far. */
  get shots(): number {
    return this.#shots;
  }

  /** Shots that may still be asked for. */
  get left(): number {
    return this.#budget - this.#shots;
  }

  get isStopped(): boolean {
    return this.#stuck === STOPPED;
  }

  /** Why nothing can be run any more, if so. */
  get stuck(): string | undefined {
    return this.#stuck;
  }

  /** Notes what is odd, and no failure. */
  warn(what: string, how: string, why = ''): void {
    this.#warnings.push({ level: 'warning', what, why, how });
  }

  /** The warnings since the last call. */
  takeWarnings(): Finding[] {
    const warnings = this.#warnings;
    this.#warnings = [];
    return warnings;
  }

  /** Runs a circuit; throws a Fault if that fails, or if the result would not be taken. */
  async run(ir: NativeGateIR, shots: number): Promise<ExecutionResult> {
    return this.checked(await this.raw(ir, shots), ir);
  }

  /** A result as the node takes it; throws a Fault if it does not. */
  checked(value: unknown, ir: NativeGateIR): ExecutionResult {
    try {
      return checkResult(value, ir.measurements.length, undefined, '', true);
    } catch (thrown) {
      throw faultOf(thrown);
    }
  }

  /** Whatever a run returns; throws a Fault if it fails. */
  async raw(ir: NativeGateIR, shots: number): Promise<unknown> {
    try {
      return await this.start(ir, shots).result;
    } catch (thrown) {
      throw isVerdict(thrown) ? thrown : failedRun(thrown);
    }
  }

  start(ir: NativeGateIR, shots: number): Running {
    const { executor } = this.#subject;
    const irJson = executor.upcoming === undefined ? undefined : JSON.stringify(ir);
    return this.#start(shots, `a run of ${shots} shots`, (context) =>
      executor.run(ir, shots, { ...context, irJson }),
    );
  }

  /** Hands over several jobs at once; throws a Fault if that fails. */
  async batch(jobs: readonly Pick<BatchJob, 'ir' | 'shots'>[]): Promise<unknown> {
    const { executor } = this.#subject;
    const all = jobs.map(({ ir, shots }, i) => ({
      ir,
      shots,
      jobId: `check-${this.#runs + i + 1}`,
      irJson: executor.upcoming === undefined ? undefined : JSON.stringify(ir),
    }));
    const shots = jobs.reduce((sum, job) => sum + job.shots, 0);
    const running = this.#start(shots, `a batch of ${jobs.length} jobs`, (context) =>
      executor.batchRun?.(all, { ...context, jobId: all[0]?.jobId ?? '' }),
    );
    this.#runs += jobs.length;
    try {
      return await running.result;
    } catch (thrown) {
      throw isVerdict(thrown)
        ? thrown
        : new Fault(
            `batchRun failed for jobs that run one by one: ${messageOf(thrown)}`,
            'Have batchRun return one result for each job. If one job alone fails, put an Error in place of its result.',
          );
    }
  }

  /** Cancels what runs; nothing is run any more. */
  stop(): void {
    this.#stuck = STOPPED;
    this.#cancel();
  }

  /** Calls `cancelCurrentJob` with nothing running. */
  async cancelIdle(): Promise<void> {
    await this.#subject.executor.cancelCurrentJob?.();
  }

  close(): Promise<void> {
    return this.#subject.close();
  }

  /** What is open that was not before the executor was made. */
  stillOpen(): string {
    return this.#subject.stillOpen();
  }

  /** Looks for a number of shots whose run takes long enough to be cancelled; asked only once. */
  longRun(ir: () => NativeGateIR): Promise<LongRun | ShortRun> {
    return (this.#long ??= this.#findLongRun(ir));
  }

  /** How long one run takes, and how long it holds up the event loop. */
  async timed(ir: NativeGateIR, shots: number): Promise<LongRun> {
    const begin = performance.now();
    const watch = watchLoop();
    try {
      await this.run(ir, shots);
    } finally {
      watch.stop();
    }
    return { shots, ms: performance.now() - begin, blockedMs: watch.longestMs };
  }

  async #findLongRun(ir: () => NativeGateIR): Promise<LongRun | ShortRun> {
    const { longRun } = this.terms;
    let last = await this.timed(ir(), longRun ?? FIRST_SHOTS);
    while (last.ms < LONG_MS && longRun === undefined) {
      const factor = Math.min(100, Math.max(2, (1.5 * LONG_MS) / Math.max(last.ms, 1)));
      const shots = Math.min(MOST_SHOTS, Math.round(last.shots * factor));
      // As many again are needed to cancel one.
      if (shots === last.shots || 3 * shots > this.left - RESERVED_SHOTS) break;
      try {
        last = await this.timed(ir(), shots);
      } catch {
        // It has a limit: what it took is the longest run.
        break;
      }
    }
    return last.ms < LONG_MS ? { tooShort: last } : last;
  }

  #start(shots: number, what: string, call: (context: RunContext) => unknown): Running {
    if (this.#stuck !== undefined) throw new LeftOut(this.#stuck);
    this.#shots += shots;
    this.#runs += 1;
    const abort = new AbortController();
    const context: RunContext = { jobId: `check-${this.#runs}`, signal: abort.signal, log: this.#log };
    const settled = (async () => call(context))();
    const cancel = (): void => {
      abort.abort(new Error('cancelled by the check'));
      void (async () => this.#subject.executor.cancelCurrentJob?.())().catch(() => {});
    };
    this.#cancel = cancel;
    return {
      result: this.#withLimit(settled, what, cancel),
      cancel,
      abort: () => abort.abort(new Error('cancelled by the check')),
    };
  }

  async #withLimit(settled: Promise<unknown>, what: string, cancel: () => void): Promise<unknown> {
    const { timeoutMs, cancelGraceMs } = this.terms;
    if (await endsWithin(settled, timeoutMs)) return settled;
    cancel();
    const ended = await endsWithin(
      settled.catch(() => {}),
      cancelGraceMs,
    );
    if (!ended) this.#stuck = `${what} still holds the device`;
    throw new Fault(
      `${what} had not ended after ${timeoutMs / 1000} s${ended ? '' : `, nor ${cancelGraceMs / 1000} s after it was cancelled`}`,
      'Settle the promise of each run: with a result, or with an error that says why there is none. If the device is just slow, allow more time (--timeout, timeoutSec).',
    );
  }
}

function isVerdict(thrown: unknown): boolean {
  return thrown instanceof Fault || thrown instanceof LeftOut;
}

function failedRun(thrown: unknown): Fault {
  // Without the remedy of one of our errors: the check has its own.
  const [text = ''] = messageOf(thrown).split('\n  → ');
  return new Fault(
    `the run failed: ${text === '' ? 'without a message' : text}`,
    'Run this circuit: it is one that the cloud may send. If the device cannot, name a smaller one (--qubits, --target).',
  );
}

/** Errors of the node have their remedy in the message. */
function faultOf(thrown: unknown): Fault {
  const [what = '', how = ''] = messageOf(thrown).split('\n  → ');
  return new Fault(what, how === '' ? 'Return what the contract says.' : `Correct it: ${how}.`);
}
