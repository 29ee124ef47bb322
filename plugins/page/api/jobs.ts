// Jobs that have ended, and the figures of a circuit.
export interface CircuitFigures {
  readonly shots: number;
  readonly qubits: number;
  readonly gates: number;
  readonly measurements: number;
}

/** `dead-letter`: a message that was no job; its `jobId` is the id of its stream entry. */
export type JobOutcome = 'completed' | 'failed' | 'cancelled' | 'dead-letter';

/** A job that has ended, as a row of a list. */
export interface JobRow {
  readonly jobId: string;
  /** `local`: the operator ran it on this machine, and the cloud does not know it. */
  readonly origin: 'cloud' | 'local';
  readonly outcome: JobOutcome;
  /** Of a failed one, shortened to 200 characters. */
  readonly error: string | null;
  readonly circuit: CircuitFigures | null;
  /** When the cloud sent it; null if that is not known. */
  readonly sentAt: number | null;
  readonly takenAt: number | null;
  readonly queuedAt: number | null;
  /** Null if it has not run. */
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface JobsPage {
  /** The last one to end comes first. */
  readonly jobs: readonly JobRow[];
  /** For `before`: the page after this one; null if this is the last one. */
  readonly next: string | null;
}

/** All that is known of a job that has ended. */
export interface JobDetail extends JobRow {
  /** Of a failed one, whole. */
  readonly errorText: string | null;
  /** Of a failed one, where, for example `in the executor (./qpu.ts)`. */
  readonly where: string | null;
  readonly stack: string | null;
  /** What the executor said that it took. */
  readonly executionTimeMs: number | null;
  readonly shotsCompleted: number | null;
  readonly executor: string | null;
  /** Null if they were not kept (the job has none, or too many). */
  readonly counts: CountsShown | null;
  /** The circuit as an SVG document without styles of its own: the page's style sheet has them. Null if it was not kept. */
  readonly drawing: string | null;
  /** What plugins have noted on it; each value as JSON. */
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** The attempts to deliver the outcome, the first one first; of many, some between are left out. */
  readonly deliveries: readonly DeliveryAttempt[];
  /** What became of the outcome. `none`: the cloud does not get it; `cancelled`: the cloud cancelled the job after its end;
   *  null if it is not known. */
  readonly delivery: 'none' | 'waiting' | 'delivered' | 'refused' | 'cancelled' | null;
}

export interface CountsShown {
  /** The most frequent first, at most 64. */
  readonly top: readonly { readonly bits: string; readonly count: number }[];
  /** What is not in `top`: how many outcomes, and their counts together. */
  readonly others: number;
  readonly otherCounts: number;
  /** All counts together. */
  readonly total: number;
}

export interface DeliveryAttempt {
  /** When it ended. */
  readonly at: number;
  /** 1 for the first one of a start of the node. */
  readonly number: number;
  readonly kind: 'delivered' | 'refused' | 'retry';
  /** Why it was not delivered. */
  readonly reason: string | null;
}
