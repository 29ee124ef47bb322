// The history as other plugins see it: the service that the built-in plugin `history` provides. Types, and its key.
import { serviceKey } from '../kernel/services.ts';
import type { DeliveryAttempt, JobRecord, Period, RecordedOutcome } from './record.ts';

export interface History {
  /** The last `n` jobs, the newest first. */
  recent(n: number): Promise<JobRecord[]>;
  /** Undefined if it is not (or no longer) in the history. */
  find(jobId: string): Promise<JobRecord | undefined>;
  list(query: HistoryQuery): Promise<JobPage>;
  /** What happened since then (Unix milliseconds), in stretches of `bucketMs`, of a minute or more; the oldest first.
   *  A stretch in which no node ran is left out. */
  trend(since: number, bucketMs: number): Promise<Period[]>;
  /** Calls `listener` for whatever is recorded, from now on. While somebody listens, each job costs a little more.
   *  Returns how to end it. */
  onRecord(listener: (entry: HistoryEntry) => void): () => void;
}

export interface HistoryQuery {
  /** Jobs that ended at or after this; Unix milliseconds. */
  readonly since?: number;
  /** Jobs that ended before this. */
  readonly until?: number;
  readonly outcome?: RecordedOutcome;
  /** A part of the job's id or of its error, in any case of letters. */
  readonly search?: string;
  /** Only records that are older than the one at this place. */
  readonly before?: string;
  /** Only records that are newer than the one at this place. */
  readonly after?: string;
  /** Default 100. */
  readonly limit?: number;
}

export interface JobPage {
  /** The newest first. */
  readonly jobs: readonly JobRecord[];
  /** Whether there may be more, before the last one's place. */
  readonly more: boolean;
}

export type HistoryEntry =
  /** A job has ended, or a message was none. */
  | { readonly kind: 'job'; readonly job: JobRecord }
  | { readonly kind: 'attempt'; readonly jobId: string; readonly attempt: DeliveryAttempt }
  /** The cloud cancelled a job after its end: its result is not delivered. */
  | { readonly kind: 'cancelled'; readonly jobId: string; readonly at: number };

/** Undefined from `services.find` if there is no history. */
export const HISTORY = serviceKey<History>('history');
