// The jobs that the Python process may begin by itself, each the moment the run before it has ended: a start is no message
// to the node and one back. What it has begun waits here until the node asks for the run.
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
  /** In the order in which they have begun. */
  readonly #begun: Begun[] = [];

  constructor(ahead: CircuitsAhead, host: () => PythonHost | undefined) {
    this.#ahead = ahead;
    this.#host = host;
  }

  allow(next: readonly UpcomingJob[], after: string, until: number): void {
    const jobs: { id: string; shots: number; circuit: string }[] = [];
    for (const { jobId, circuit } of next) {
      // A circuit that is not sent ahead goes with its run.
      const name = this.#ahead.nameOf(jobId, circuit.irJson);
      if (name === undefined) break;
      jobs.push({ id: jobId, shots: circuit.shots, circuit: name });
    }
    this.#host()?.control({ t: 'next', after, jobs, until: ORIGIN_MS + until });
  }

  recall(): void {
    this.#host()?.control({ t: 'next', after: '', jobs: [], until: 0 });
  }

  get begun(): string | undefined {
    return this.#begun[0]?.id;
  }

  /** The answer of a run: it may name the run that has begun after it. */
  follow(answer: Head): void {
    const id = answer['next'];
    if (typeof id === 'string') this.#begun.push({ id, answer: undefined });
  }

  /** The answer of a run that the node has not asked for yet. */
  keep(id: string, answer: Head): void {
    const begun = this.#begun.find((one) => one.id === id);
    if (begun === undefined) return;
    begun.answer = answer;
    this.follow(answer);
  }

  /** The node asks for the run: whether it has begun, and its answer, if that is here. */
  take(jobId: string): { readonly answer: Head | undefined } | undefined {
    return this.begun === jobId ? this.#begun.shift() : undefined;
  }

  /** The process is gone. */
  clear(): void {
    this.#begun.length = 0;
  }
}
