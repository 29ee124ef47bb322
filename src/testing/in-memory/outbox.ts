// The outbox of a node in memory: delivers at once, and tries again without a pause.
import type { Annotations } from '../../jobs/annotations.ts';
import type { Outcomes } from '../../jobs/endings.ts';
import type { SavedOutcome } from '../../jobs/job.ts';
import type { Delivery } from '../../outbox/delivery.ts';
import { originOf } from '../../outbox/origins.ts';
import type { HowToSave } from '../../outbox/outbox.ts';
import type { WaitingResult } from '../../outbox/overview.ts';
import { RecentlyDone } from '../../outbox/recently-done.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JobEnding, Ledger } from './playing.ts';

/** A real node tries for ever; a test wants to see how it ended. */
const MOST_ATTEMPTS = 20;

interface Entry {
  saved: SavedOutcome;
  stage: 'waiting' | 'posting' | 'settling';
}

export interface MemoryOutboxOptions {
  readonly jobs: Ledger;
  readonly deliver: (saved: SavedOutcome, attempt: number) => Promise<Delivery>;
  readonly cancel: (jobId: string) => void;
}

export class MemoryOutbox implements Outcomes {
  readonly done = new RecentlyDone();
  delivered = 0;
  refused = 0;
  lastDelivery: string | null = null;
  readonly #entries = new Map<string, Entry>();
  readonly #options: MemoryOutboxOptions;

  constructor(options: MemoryOutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  waiting(most: number): WaitingResult[] {
    const all = [...this.#entries.values()].filter(({ stage }) => stage !== 'settling');
    return all.slice(0, most).map(
      ({
        saved: {
          jobId,
          callbackUrl,
          outcome: { status },
          endedAt,
        },
      }) => ({
        jobId,
        origin: originOf(callbackUrl),
        status,
        endedAt,
        attempts: 0,
        error: null,
      }),
    );
  }

  cancellable(): string[] {
    return [...this.#entries.values()].flatMap(({ stage, saved }) =>
      stage === 'waiting' ? [saved.jobId] : [],
    );
  }

  async save(saved: SavedOutcome, { onDurable }: HowToSave = {}): Promise<void> {
    if (this.#entries.has(saved.jobId)) return;
    const entry: Entry = { saved, stage: 'waiting' };
    this.#entries.set(saved.jobId, entry);
    // As if a disk were at work.
    await nextTurn();
    onDurable?.();
    const { jobs, cancel } = this.#options;
    if (jobs.get(saved.jobId)?.script.cancel === 'delivering') cancel(saved.jobId);
    if (entry.stage === 'waiting') void this.#post(entry);
  }

  keepMeasured({ jobId, outcome }: SavedOutcome): Promise<void> {
    const playing = this.#options.jobs.get(jobId);
    if (playing !== undefined) playing.measured = outcome;
    return Promise.resolve();
  }

  annotate(jobId: string, annotations: Annotations): void {
    const entry = this.#entries.get(jobId);
    if (entry === undefined || entry.stage === 'settling') {
      throw new Error(`the outcome of job ${jobId} is delivered: it cannot be annotated any more`);
    }
    entry.saved = { ...entry.saved, annotations };
  }

  cancel(jobId: string): boolean {
    const entry = this.#entries.get(jobId);
    if (entry?.stage !== 'waiting') return false;
    this.#settle(entry, 'cancelled');
    return true;
  }

  async #post(entry: Entry): Promise<void> {
    entry.stage = 'posting';
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      const { kind } = await this.#options.deliver(entry.saved, attempt);
      if (kind === 'delivered') {
        this.delivered += 1;
        this.lastDelivery = new Date().toISOString();
        return this.#settle(entry, entry.saved.outcome.status);
      }
      if (kind === 'refused') {
        this.refused += 1;
        return this.#settle(entry, 'refused');
      }
      await nextTurn();
    }
    this.#settle(entry, 'undelivered');
  }

  #settle(entry: Entry, ending: JobEnding): void {
    entry.stage = 'settling';
    const { jobId } = entry.saved;
    this.#entries.delete(jobId);
    this.#options.jobs.get(jobId)?.end(ending);
  }
}
