// The bodies that report a job's outcome to the cloud (PROTOCOL §6).
// They have exactly these keys and no nulls: the cloud rejects anything else permanently.

/** How a job ended, if it is reported to the cloud. */
export type Outcome =
  | {
      readonly status: 'completed';
      readonly counts: Readonly<Record<string, number>>;
      readonly executionTimeMs: number;
      readonly shotsCompleted: number;
    }
  | { readonly status: 'failed'; readonly error: string };

export interface CompletedBody {
  readonly job_id: string;
  readonly status: 'completed';
  readonly counts: Readonly<Record<string, number>>;
  /** Milliseconds on the device. */
  readonly execution_time_ms: number;
  readonly shots_completed: number;
}

export interface FailedBody {
  readonly job_id: string;
  readonly status: 'failed';
  /** 1 to 500 characters. */
  readonly error: string;
}

export type WebhookBody = CompletedBody | FailedBody;

export const MAX_ERROR_CHARACTERS = 500;

/** The body that reports `outcome` (PROTOCOL §6). */
export function webhookBody(jobId: string, outcome: Outcome): WebhookBody {
  if (outcome.status === 'failed') {
    return { job_id: jobId, status: 'failed', error: boundedError(outcome.error) };
  }
  return {
    job_id: jobId,
    status: 'completed',
    counts: outcome.counts,
    execution_time_ms: outcome.executionTimeMs,
    shots_completed: outcome.shotsCompleted,
  };
}

/**
 * Shortens an error text to what the contract allows in webhooks and the status hash: 1 to 500 characters, counted as
 * code points. Characters that JSON stores may reject (NUL, single surrogates) become U+FFFD.
 */
export function boundedError(text: string): string {
  // 500 characters take at most 1000 UTF-16 units, so the rest of a long text can be ignored.
  const head = text.trim().slice(0, 2 * MAX_ERROR_CHARACTERS + 2);
  if (head === '') return 'the job failed without an error message';
  const characters = Array.from(head.replace(/[\0\p{Cs}]/gu, '\uFFFD'));
  if (characters.length <= MAX_ERROR_CHARACTERS) return characters.join('');
  return `${characters.slice(0, MAX_ERROR_CHARACTERS - 1).join('')}…`;
}
