// What is kept of a job beside its figures: the error, the stack, the circuit, the counts. All of it is bounded, and only so
// many jobs a second have it: more would fill the files within minutes, and take time from the jobs.
import type { EndedJob } from '../jobs/ended-job.ts';
import type { Logger } from '../log.ts';
import { circuitJson, type Details } from './lines.ts';

/** Jobs a second of which more is kept than figures and the error. */
const PER_SECOND = 50;
const LONGEST_TEXT = 500;
const LONGEST_STACK = 4_000;
const LONGEST_MASKED = 100_000;
/** Of an error's causes, so many are kept. */
const MOST_CAUSES = 4;

export interface DetailOptions {
  /** Of larger ones nothing is kept. */
  readonly limits: {
    /** Gates and measurements of a circuit. */
    readonly gates: number;
    /** Different outcomes in the counts. */
    readonly counts: number;
  };
  /** Where the executor comes from; asked when the first job has ended. */
  readonly executor: () => string;
  /** Knows the secrets. */
  readonly log: Logger;
}

export class DetailKeeper {
  readonly #options: DetailOptions;
  /** As JSON. */
  #executor: string | undefined;
  #second = 0;
  #left = PER_SECOND;

  constructor(options: DetailOptions) {
    this.#options = options;
  }

  detailsOf(ended: EndedJob): Details | undefined {
    const { outcome, where, thrown, endedAt } = ended;
    const isKept = this.#takes(endedAt);
    if (!isKept && outcome.status !== 'failed') return undefined;
    const executor = (this.#executor ??= JSON.stringify(this.#options.executor()));
    if (outcome.status !== 'failed') {
      return { executor, circuit: this.#circuitOf(ended), counts: this.#countsOf(ended) };
    }
    const error = this.text(outcome.error);
    const told = { executor, error, ...(where === null ? {} : { where: this.text(where) }) };
    if (!isKept) return told;
    const stack = stackOf(thrown);
    const circuit = this.#circuitOf(ended);
    return stack === '' ? { ...told, circuit } : { ...told, stack: this.text(stack, LONGEST_STACK), circuit };
  }

  /** A text as JSON, without secrets, and not longer than `most` characters. */
  text(text: string, most = LONGEST_TEXT): string {
    return JSON.stringify(this.shortened(text, most));
  }

  shortened(text: string, most = LONGEST_TEXT): string {
    // Cut twice: a secret that the first cut goes through is behind the second one.
    const masked = this.#options.log.masked(text.slice(0, LONGEST_MASKED));
    return masked.length > most ? `${masked.slice(0, most - 1)}…` : masked;
  }

  #takes(endedAt: number): boolean {
    // The clock may go back.
    if (Math.abs(endedAt - this.#second) >= 1_000) {
      this.#second = endedAt;
      this.#left = PER_SECOND;
    }
    this.#left -= 1;
    return this.#left >= 0;
  }

  #circuitOf(ended: EndedJob): string | undefined {
    const { circuit } = ended;
    if (circuit === null || circuit.gates + circuit.measurements > this.#options.limits.gates)
      return undefined;
    const { job } = ended;
    return job === null ? undefined : circuitJson(job.ir);
  }

  #countsOf({ outcome }: EndedJob): string | undefined {
    if (outcome.status !== 'completed') return undefined;
    let count = 0;
    for (const _ in outcome.counts) if ((count += 1) > this.#options.limits.counts) return undefined;
    return JSON.stringify(outcome.counts);
  }
}

/** The stacks of an error and of its causes; empty if it has none. */
function stackOf(thrown: unknown): string {
  const stacks: string[] = [];
  let error = thrown;
  try {
    while (error instanceof Error && stacks.length < MOST_CAUSES) {
      const { stack }: { stack?: unknown } = error;
      if (typeof stack === 'string') stacks.push(stack);
      error = error.cause;
    }
  } catch {
    // Whoever throws an error can make its stack unreadable.
  }
  return stacks.join('\ncaused by ');
}
