// One outcome in the outbox, in memory and as records of the journal, and the origin that it goes to.
import type { Annotations } from '../jobs/annotations.ts';
import type { Ending, SavedOutcome } from '../jobs/job.ts';

export interface Entry {
  saved: SavedOutcome;
  readonly origin: Origin;
  stage: 'saving' | 'waiting' | 'posting' | 'settling';
  /** Since the start of this process. */
  attempts: number;
  /** Those of earlier ones that failed. */
  earlierAttempts: number;
  /** Why the last attempt failed. */
  reason: string | undefined;
  /** An attempt may have reached the cloud: from then on a cancel comes too late. */
  maybeSent: boolean;
  /** A cancel has suppressed it. */
  cancelled: boolean;
  /** Resolves once Redis has its terminal state; until then it is not forgotten. */
  statusWritten: Promise<void> | undefined;
  /** Bytes in memory, roughly. */
  weight: number;
}

/** Where results go, and how much of the outbox they take. */
export class Origin {
  /** `https://host:port/`, as it is in the callback. */
  readonly key: string;
  /** Its results that are to be posted now. */
  readonly due: Entry[] = [];
  posting = 0;
  count = 0;
  weight = 0;
  /** It has taken a result, or refused one, now or in an earlier run. */
  hasAnswered = false;
  /** Why the last attempt failed, if it did. */
  trouble: string | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get answers(): boolean {
    return this.hasAnswered && this.trouble === undefined;
  }
}

export type JournalRecord =
  | ({ readonly t: 'outcome' } & SavedOutcome)
  /** The cloud has the outcome, or will never have it: only Redis does not know yet. */
  | { readonly t: 'settled'; readonly jobId: string; readonly cancelled?: true }
  /** Plugins have noted more on its job, after the outcome was saved. */
  | { readonly t: 'annotated'; readonly jobId: string; readonly annotations: Annotations }
  | { readonly t: 'done'; readonly jobId: string }
  /** For people: how often its delivery has failed, and why the last time. */
  | { readonly t: 'attempt'; readonly jobId: string; readonly attempts: number; readonly reason: string }
  /** This origin has taken or refused a result. */
  | { readonly t: 'answered'; readonly origin: string };

const BYTES_EACH = 1024;
/** A count takes about this much, without its bits. */
const BYTES_PER_COUNT = 64;
/** A stream entry that brought the job takes about this much. */
export const BYTES_PER_MESSAGE = 128;
const MAX_REASON = 300;

export function newEntry(saved: SavedOutcome, origin: Origin): Entry {
  return {
    saved,
    origin,
    stage: 'saving',
    attempts: 0,
    earlierAttempts: 0,
    reason: undefined,
    maybeSent: false,
    cancelled: false,
    statusWritten: undefined,
    weight: weightOf(saved),
  };
}

export function bytesOf(annotations: Annotations | undefined): number {
  return annotations === undefined ? 0 : JSON.stringify(annotations).length;
}

function weightOf({ jobId, callbackUrl, messageIds, outcome, annotations }: SavedOutcome): number {
  const bytes =
    BYTES_EACH +
    jobId.length +
    callbackUrl.length +
    Math.max(0, messageIds.length - 1) * BYTES_PER_MESSAGE +
    bytesOf(annotations);
  if (outcome.status === 'failed') return bytes + outcome.error.length;
  const keys = Object.keys(outcome.counts);
  // All of the same length.
  return bytes + keys.length * (BYTES_PER_COUNT + (keys[0]?.length ?? 0));
}

export function attemptRecord({
  saved: { jobId },
  attempts,
  earlierAttempts,
  reason = '',
}: Entry): JournalRecord {
  return { t: 'attempt', jobId, attempts: earlierAttempts + attempts, reason: reason.slice(0, MAX_REASON) };
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
