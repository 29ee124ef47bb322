// The last jobs that ended since the start, without their circuits and counts: for a node without a history, and for what
// the page is told at once.
import type { EndedJob } from '../../src/index.ts';
import type { JobRow } from './api.ts';

const MOST = 500;
/** Of an error in a row, and of one that is kept whole. */
const MOST_CHARACTERS = 200;
const MOST_KEPT = 4_000;

export interface SeenJob {
  readonly row: JobRow;
  readonly errorText: string | null;
  readonly where: string | null;
}

type RowFacts = Omit<JobRow, 'outcome' | 'error'>;

export function rowOf(job: RowFacts, outcome: JobRow['outcome'], error: string | null): JobRow {
  const { jobId, origin, circuit, sentAt, takenAt, queuedAt, startedAt, endedAt } = job;
  return { jobId, origin, outcome, error, circuit, sentAt, takenAt, queuedAt, startedAt, endedAt };
}

export class RecentJobs {
  readonly #ring: SeenJob[] = [];
  #count = 0;

  /** Jobs that ended since the start. */
  get count(): number {
    return this.#count;
  }

  add(ended: EndedJob): void {
    const { outcome, where } = ended;
    const errorText = outcome.status === 'failed' ? bounded(outcome.error) : null;
    const error = errorText === null ? null : shortened(errorText);
    this.#ring[this.#count % MOST] = {
      row: rowOf(ended, outcome.status, error),
      errorText,
      where,
    };
    this.#count += 1;
  }

  /** The last `most`, the last one first. */
  last(most: number): SeenJob[] {
    const jobs: SeenJob[] = [];
    for (let at = this.#count - 1; at >= 0 && jobs.length < Math.min(most, MOST); at -= 1) {
      const job = this.#ring[at % MOST];
      if (job !== undefined) jobs.push(job);
    }
    return jobs;
  }
}

export function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}

/** A copy of what is kept: a part of a text keeps all of it in memory. */
function bounded(text: string): string {
  return text.length > MOST_KEPT ? Buffer.from(`${text.slice(0, MOST_KEPT)}…`).toString() : text;
}
