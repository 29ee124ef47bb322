// Jobs that ended before this process began, and are delivered by it. The process that ran one has usually recorded it, and
// only the delivery is new. If that process was killed too soon, the outcome that was saved says what is known of the job.
import type { SavedOutcome } from '../jobs/job.ts';
import type { DetailKeeper } from './details.ts';
import { Bytes } from './bytes.ts';
import { addShortLine } from './lines.ts';
import { recordedJobs } from './read.ts';

type Saved = Pick<SavedOutcome, 'jobId' | 'endedAt' | 'outcome' | 'messageIds'>;

interface Open {
  /** Its own line, if it turns out that there is none. */
  readonly record: string;
  /** The attempts: they belong behind it. */
  attempts: string;
}

export class Earlier {
  readonly #directory: string;
  readonly #details: DetailKeeper;
  readonly #add: (lines: string) => void;
  #begunMs = Date.now();
  #begunAt = new Date(this.#begunMs).toISOString();
  /** Jobs that are not looked up yet. */
  readonly #open = new Map<string, Open>();
  readonly #known = new Set<string>();
  #looking: Promise<void> | undefined;
  #lastIso = '';
  #lastTime = 0;

  constructor(directory: string, details: DetailKeeper, add: (lines: string) => void) {
    this.#directory = directory;
    this.#details = details;
    this.#add = add;
  }

  /** Unix milliseconds of the ISO text `endedAt`; many jobs end in the same millisecond. */
  timeOf(endedAt: string): number {
    if (endedAt !== this.#lastIso) {
      this.#lastIso = endedAt;
      this.#lastTime = Date.parse(endedAt);
    }
    return this.#lastTime;
  }

  /** Whether a job that ended then may be one of an earlier process. Both texts are ISO 8601, UTC. */
  isEarlier(endedAt: string): boolean {
    return endedAt < this.#begunAt;
  }

  /** A job of this process has ended: if that was before the process began, the clock was set back. */
  endedHere(endedAt: number): void {
    if (endedAt >= this.#begunMs) return;
    this.#begunMs = Math.floor(endedAt);
    this.#begunAt = new Date(this.#begunMs).toISOString();
  }

  /** An attempt to deliver such a job has ended. Its line is written at once if the job was looked up before. */
  add(saved: Saved, attempt: string): void {
    const { jobId } = saved;
    if (this.#known.has(jobId)) return this.#add(attempt);
    const open = this.#open.get(jobId);
    if (open === undefined) this.#open.set(jobId, { record: this.#recordOf(saved), attempts: attempt });
    else open.attempts += attempt;
    this.#looking ??= this.#look();
  }

  /** Resolves once no job is left to look up. */
  async settled(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking;
  }

  /** Looks up all that wait. Never rejects: who cannot be read has no record. */
  async #look(): Promise<void> {
    do {
      // Those of the same moment are looked up together.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const ids = new Set(this.#open.keys());
      const found = await recordedJobs(this.#directory, ids).catch(() => new Set<string>());
      for (const jobId of ids) {
        const { record = '', attempts = '' } = this.#open.get(jobId) ?? {};
        this.#open.delete(jobId);
        this.#known.add(jobId);
        this.#add(found.has(jobId) ? attempts : record + attempts);
      }
    } while (this.#open.size > 0);
    this.#looking = undefined;
  }

  #recordOf({ jobId, endedAt, outcome, messageIds }: Saved): string {
    const [messageId = ''] = messageIds;
    const sentAt = Number.parseInt(messageId, 10);
    const known = { jobId, sentAt: Number.isNaN(sentAt) ? null : sentAt, endedAt: Date.parse(endedAt) };
    const line = new Bytes();
    if (outcome.status === 'failed') {
      const nothing = { executionTimeMs: null, shotsCompleted: null };
      const error = this.#details.text(outcome.error);
      addShortLine(line, { ...known, ...nothing, outcome: 'failed' }, { error });
    } else {
      const { executionTimeMs, shotsCompleted } = outcome;
      addShortLine(line, { ...known, outcome: 'completed', executionTimeMs, shotsCompleted }, {});
    }
    return line.since(0);
  }
}
