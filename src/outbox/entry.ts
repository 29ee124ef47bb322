// One outcome in the outbox, in memory and as records of the journal.
import type { Annotations } from '../jobs/annotations.ts';
import type { Ending, SavedOutcome } from '../jobs/job.ts';

export interface Entry {
  saved: SavedOutcome;
  stage: 'saving' | 'waiting' | 'posting' | 'settling';
  attempts: number;
  /** An attempt may have reached the cloud: from then on a cancel comes too late. */
  maybeSent: boolean;
  /** A cancel has suppressed it. */
  cancelled: boolean;
  /** Resolves once Redis has its terminal state; until then it is not forgotten. */
  statusWritten: Promise<void> | undefined;
  /** Bytes in memory, roughly. */
  readonly weight: number;
}

export type JournalRecord =
  | ({ readonly t: 'outcome' } & SavedOutcome)
  /** The cloud has the outcome, or will never have it: only Redis does not know yet. */
  | { readonly t: 'settled'; readonly jobId: string; readonly cancelled?: true }
  /** Plugins have noted more on its job, after the outcome was saved. */
  | { readonly t: 'annotated'; readonly jobId: string; readonly annotations: Annotations }
  | { readonly t: 'done'; readonly jobId: string };

/** A count takes about this much, without its bits. */
const BYTES_PER_COUNT = 64;

export function newEntry(saved: SavedOutcome): Entry {
  const { outcome } = saved;
  const counts = outcome.status === 'completed' ? Object.keys(outcome.counts).length : 0;
  return {
    saved,
    stage: 'saving',
    attempts: 0,
    maybeSent: false,
    cancelled: false,
    statusWritten: undefined,
    weight: 1024 + counts * BYTES_PER_COUNT,
  };
}

export function outcomeRecord({ saved }: Entry): JournalRecord {
  return { t: 'outcome', ...saved };
}

export function settledRecord({ saved: { jobId }, cancelled }: Entry): JournalRecord {
  return { t: 'settled', jobId, ...(cancelled ? { cancelled } : {}) };
}

export function endingOf({ saved: { jobId, messageIds, outcome, endedAt }, cancelled }: Entry): Ending {
  if (cancelled) {
    return { jobId, messageIds, endedAt: new Date().toISOString(), outcome: { status: 'cancelled' } };
  }
  if (outcome.status === 'failed') return { jobId, messageIds, endedAt, outcome };
  return { jobId, messageIds, endedAt, outcome: { status: 'completed' } };
}

export function isCancellable({ stage, maybeSent }: Entry): boolean {
  return (stage === 'saving' || stage === 'waiting') && !maybeSent;
}
