// The executor that the node sees. Its runs go to the Python process; if that dies, it is started again.
//
//   up -> the process exits -> down: its runs have no outcome, the node starts none
//    ^                          |
//    \--- started again <-------/   at once, then after growing pauses
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ExecutorDiedError,
  ExecutorError,
  messageOf,
  type BatchJob,
  type Device,
  type ExecutionResult,
  type Executor,
  type Logger,
  type NativeGateIR,
  type RunContext,
  type UpcomingJob,
} from '../../src/index.ts';
import { isRecord } from '../../src/kit.ts';
import { CircuitsAhead, textOf } from './ahead.ts';
import { isEdges, resultOf, settled, showTraceback } from './answers.ts';
import type { Head, PythonHost } from './host.ts';
import { HAS_PYTHONS_CLOCK, PythonStart } from './own-start.ts';
import { HostWatch } from './watch.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/** A process whose executor is made, and what it said of it. */
export interface Ready {
  readonly host: PythonHost;
  readonly ready: Head;
}

interface Pending {
  /** The circuits that Python has for it. */
  readonly circuits: string | readonly string[] | undefined;
  readonly resolve: (value: Head) => void;
  readonly reject: (error: unknown) => void;
}

/** The runs that the Python process has, by the id of the job, of a batch of its first one. */
export type Runs = Map<string, Pending>;

export interface BridgeOptions {
  readonly first: Ready;
  readonly again: () => Promise<Ready>;
  readonly runs: Runs;
  readonly cancelGraceMs: number;
  /** How often the device's edges are read again. */
  readonly edgesEveryMs: number;
  readonly log: Logger;
}

export class PythonExecutor implements Executor {
  /** Only if the Python executor has it. */
  readonly batchRun?: NonNullable<Executor['batchRun']>;
  readonly ownStart: PythonStart | undefined;
  /** Called when the process has died, and when it is there again. */
  onChange: () => void = () => {};
  readonly #options: BridgeOptions;
  readonly #runs: Runs;
  readonly #ahead = new CircuitsAhead();
  readonly #end = new AbortController();
  #host: PythonHost | undefined;
  #watch: HostWatch | undefined;
  #down: string | undefined;
  /** The job because of which the node itself ends the process. */
  #culprit: string | undefined;
  #edges: unknown;
  #edgesReadAt = 0;
  /** Deaths since the last run that had an outcome. */
  #deaths = 0;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#runs = options.runs;
    this.ownStart = HAS_PYTHONS_CLOCK ? new PythonStart(this.#ahead, () => this.#host) : undefined;
    const { first } = options;
    if (first.ready['batch'] === true) this.batchRun = (jobs, context) => this.#batchRun(jobs, context);
    this.#use(first);
  }

  /** Why there is no process at the moment, if so. */
  get down(): string | undefined {
    return this.#down;
  }

  /** What holds the process up, if something does. */
  get trouble(): string | undefined {
    return this.#watch?.trouble;
  }

  get host(): PythonHost | undefined {
    return this.#host;
  }

  get device(): Device {
    const edges = this.#edges;
    return isEdges(edges) ? { directedEdges: edges } : {};
  }

  async run(
    ir: NativeGateIR,
    shots: number,
    { jobId, signal, irJson }: RunContext,
  ): Promise<ExecutionResult> {
    const circuit = this.#ahead.take(jobId, irJson);
    const begun = this.ownStart?.take(jobId);
    if (begun !== undefined) {
      this.#host?.output.forgetEarlier();
      return resultOf(
        begun.answer === undefined ? await this.#answerOf(jobId, circuit, signal) : settled(begun.answer),
      );
    }
    const host = this.#up();
    const body = circuit === undefined ? textOf(ir, irJson) : undefined;
    const head = { t: 'run', id: jobId, shots, circuit };
    return resultOf(await this.#ask(host, head, body, jobId, circuit, signal));
  }

  /** Hears of the next jobs, whose circuits are sent ahead. */
  upcoming(jobs: readonly UpcomingJob[]): void {
    if (this.#host !== undefined) this.#ahead.update(jobs, this.#host);
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#watch?.stop();
    await this.#host?.close();
  }

  async #batchRun(jobs: readonly BatchJob[], { jobId, signal }: RunContext): Promise<ExecutionResult[]> {
    const host = this.#up();
    const circuits = jobs.map(
      (job) => this.#ahead.take(job.jobId, job.irJson) ?? this.#ahead.send(job.ir, job.irJson, host),
    );
    const batch = jobs.map((job, index) => ({ id: job.jobId, shots: job.shots, circuit: circuits[index] }));
    const head = { t: 'batch', id: jobId, jobs: batch };
    const { list } = await this.#ask(host, head, undefined, jobId, circuits, signal);
    if (!Array.isArray(list)) throw new ExecutorError('the Python host sent no list of results');
    return list.map((entry: unknown) => resultOf(isRecord(entry) ? entry : {}));
  }

  #up(): PythonHost {
    if (this.#host !== undefined) return this.#host;
    throw new ExecutorDiedError(this.#down ?? 'the Python process is closed');
  }

  #ask(
    host: PythonHost,
    head: Head,
    body: string | undefined,
    jobId: string,
    circuits: Pending['circuits'],
    signal: AbortSignal,
  ): Promise<Head> {
    if (this.#runs.size === 0) host.output.forget();
    const answer = this.#answerOf(jobId, circuits, signal);
    host.control(head, body);
    return answer;
  }

  #answerOf(jobId: string, circuits: Pending['circuits'], signal: AbortSignal): Promise<Head> {
    return new Promise((resolve, reject) => {
      const pending = { circuits, resolve, reject };
      this.#runs.set(jobId, pending);
      signal.addEventListener('abort', () => this.#stop(jobId, pending), { once: true });
    });
  }

  /** Asks Python to end a run; ends the process if it does not. */
  #stop(jobId: string, pending: Pending): void {
    const host = this.#host;
    if (host === undefined || this.#runs.get(jobId) !== pending) return;
    host.control({ t: 'cancel', id: jobId });
    const { cancelGraceMs, log } = this.#options;
    setTimeout(() => {
      if (this.#runs.get(jobId) !== pending) return;
      const why = `job ${jobId} did not end within ${cancelGraceMs / 1000} s of being asked to stop`;
      log.warn(`${why}: the Python process is ended`);
      this.#culprit ??= jobId;
      host.kill(`was ended by the node: ${why}`);
    }, cancelGraceMs).unref();
  }

  #use({ host, ready }: Ready): void {
    this.#host = host;
    this.#down = undefined;
    this.#edges = ready['edges'];
    this.#edgesReadAt = performance.now();
    this.#watch = new HostWatch(host, () => this.#readEdges(host));
    host.onAnswer = (head) => this.#take(host, head);
    void host.exited.then(() => {
      this.#lose();
      void this.#recover(host);
    });
  }

  #readEdges(host: PythonHost): void {
    if (performance.now() - this.#edgesReadAt < this.#options.edgesEveryMs) return;
    this.#edgesReadAt = performance.now();
    host.control({ t: 'edges' });
  }

  #take(host: PythonHost, head: Head): void {
    if (head.t === 'beat') this.#watch?.beat();
    if (head.t === 'edges') this.#edges = head['edges'];
    const { id } = head;
    if (typeof id !== 'string') return;
    if (head.t === 'error') showTraceback(host, head['traceback']);
    if (head['out_of_memory'] === true) {
      this.#culprit ??= id;
      host.retire(`ran out of memory: ${String(head['message'])}`);
      this.#lose();
    } else {
      this.#deaths = 0;
    }
    const pending = this.#runs.get(id);
    if (pending === undefined) {
      this.ownStart?.keep(id, head);
      return;
    }
    this.#runs.delete(id);
    this.ownStart?.follow(head);
    // If it was cancelled before it took its circuits, they are still there.
    if (head.t === 'ended') {
      for (const name of [pending.circuits ?? []].flat()) host.ahead({ t: 'forget', id: name });
    }
    settle(head, pending);
  }

  /** Nothing is to be started in the process any more. */
  #lose(): void {
    this.#watch?.stop();
    this.#host = undefined;
    this.#ahead.clear();
    this.#down = 'the Python process of the executor has died';
    if (this.#end.signal.aborted) this.#down = 'the Python process is closed';
    else this.onChange();
  }

  /** Whatever the process was asked has no outcome, unless the answer is already on its way. */
  async #recover(host: PythonHost): Promise<void> {
    const { log } = this.#options;
    const end = await host.ended;
    const text = `the Python process of the executor ${end}`;
    const isClosing = this.#end.signal.aborted;
    this.#down = text;
    this.#deaths += 1;
    if (!isClosing) log.warn(`${text}; it is started again`);
    const culprit = this.#culprit;
    this.#culprit = undefined;
    this.ownStart?.clear();
    for (const [id, { reject }] of [...this.#runs]) {
      this.#runs.delete(id);
      reject(new ExecutorDiedError(text, { counts: culprit === undefined || culprit === id }));
    }
    if (!isClosing) await this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    const { again, log } = this.#options;
    const { signal } = this.#end;
    for (; !signal.aborted; this.#deaths += 1) {
      try {
        // The first time at once.
        await sleep(pauseAfter(this.#deaths), undefined, { signal });
        const ready = await again();
        if (signal.aborted) return;
        this.#use(ready);
        log.info('the Python process of the executor is there again', { pid: ready.host.pid });
        this.onChange();
        return;
      } catch (thrown) {
        if (signal.aborted) return;
        this.#down = `the Python process of the executor cannot be started again: ${messageOf(thrown).split('\n  → ')[0]}`;
        this.onChange();
      }
    }
  }
}

function pauseAfter(deaths: number): number {
  return deaths <= 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (deaths - 2), LONGEST_PAUSE_MS);
}

function settle(head: Head, { resolve, reject }: Pending): void {
  try {
    resolve(settled(head));
  } catch (thrown) {
    reject(thrown);
  }
}
