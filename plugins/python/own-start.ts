// The job that the Python process may begin by itself, the moment the run before it has ended: its start is no message to
// the node and one back. What it has begun waits here until the node asks for the run.
import type { UpcomingJob } from '../../src/index.ts';
import type { OwnStart } from '../../src/kit.ts';
import type { CircuitsAhead } from './ahead.ts';
import type { Head, PythonHost } from './host.ts';

/** On Linux, Python's clock and this one are the same. */
export const HAS_PYTHONS_CLOCK = process.platform === 'linux';
/** On that clock, when performance.now() was 0. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

interface Begun {
  readonly id: string;
  /** It may be over before the node has asked for it. */
  answer: Head | undefined;
}

export class PythonStart implements OwnStart {
  readonly #ahead: CircuitsAhead;
  readonly #host: () => PythonHost | undefined;
  #begun: Begun | undefined;

  constructor(ahead: CircuitsAhead, host: () => PythonHost | undefined) {
    this.#ahead = ahead;
    this.#host = host;
  }

  allow({ jobId, circuit }: UpcomingJob, after: string, until: number): void {
    // A circuit that is not sent ahead goes with its run.
    if (!this.#ahead.has(jobId)) return this.recall();
    this.#host()?.control({ t: 'next', after, id: jobId, shots: circuit.shots, until: ORIGIN_MS + until });
  }

  recall(): void {
    this.#host()?.control({ t: 'next' });
  }

  get begun(): string | undefined {
    return this.#begun?.id;
  }

  /** The answer of a run: it may name the run that has begun after it. */
  follow(answer: Head): void {
    const id = answer['next'];
    if (typeof id === 'string') this.#begun = { id, answer: undefined };
  }

  /** The answer of a run that the node has not asked for yet. */
  keep(id: string, answer: Head): void {
    if (this.#begun?.id === id) this.#begun.answer = answer;
  }

  /** The node asks for the run: whether it has begun, and its answer, if that is here. */
  take(jobId: string): { readonly answer: Head | undefined } | undefined {
    if (this.#begun?.id !== jobId) return undefined;
    const begun = this.#begun;
    this.#begun = undefined;
    return begun;
  }

  /** The process is gone. */
  clear(): void {
    this.#begun = undefined;
  }
}
