// The results that the cloud does not have.
export interface Results {
  /** What the cloud refused, the oldest first, at most 200. */
  readonly refused: readonly RefusedRow[];
  /** What waits for its delivery, the oldest first, at most 200. */
  readonly undelivered: readonly UndeliveredRow[];
  readonly refusedCount: number;
  readonly undeliveredCount: number;
  /** Refused results that will be delivered once more. */
  readonly replayingCount: number;
  /** Messages that were no jobs. */
  readonly deadLetterCount: number | null;
  /** Files that cannot be read: one sentence each. */
  readonly problems: readonly string[];
}

export interface RefusedRow {
  readonly jobId: string;
  readonly status: 'completed' | 'failed';
  readonly refusedAt: number | null;
  readonly reason: string;
  readonly callbackOrigin: string;
}

export interface UndeliveredRow {
  readonly jobId: string;
  readonly status: 'completed' | 'failed';
  readonly endedAt: number | null;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string | null;
  readonly callbackOrigin: string;
  /** The operator has given it up; the node drops it as soon as no attempt is under way. */
  readonly isDropping: boolean;
}
