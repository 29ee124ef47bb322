// What the history knows of a job, and of a stretch of time. Types only. Times are Unix milliseconds, durations milliseconds.
import type { Annotations } from '../jobs/annotations.ts';
import type { CircuitFigures, IdleReason } from '../jobs/ended-job.ts';
import type { NativeGateIR } from '../protocol/ir.ts';

/** `dead-letter`: a message that was no job. */
export const OUTCOMES = ['completed', 'failed', 'cancelled', 'dead-letter'] as const;
export type RecordedOutcome = (typeof OUTCOMES)[number];

/** One job, or a message that was none. */
export interface JobRecord {
  /** Of a dead letter, the id of its stream entry. */
  readonly jobId: string;
  readonly origin: 'cloud' | 'local';
  readonly outcome: RecordedOutcome;
  /** When it was written to the stream, by the clock of Redis. */
  readonly sentAt: number | null;
  /** When the node took it. */
  readonly takenAt: number | null;
  /** When it was ready for the device; null if it never was. */
  readonly queuedAt: number | null;
  /** When its run began; null if it has not run, and if that is not known. */
  readonly startedAt: number | null;
  readonly endedAt: number;
  /** Of a failed one: what the cloud was told. */
  readonly error: string | null;
  /** Where it failed: continues "job … failed". */
  readonly where: string | null;
  /** The stack of what was thrown, shortened. */
  readonly stack: string | null;
  /** How large its circuit was; null if it could not be read. */
  readonly circuit: CircuitFigures | null;
  /** Size of its message in characters; null if that is not known. */
  readonly bytes: number | null;
  /** What the executor has measured. */
  readonly executionTimeMs: number | null;
  readonly shotsCompleted: number | null;
  /** Where the executor comes from. Of completed jobs, only the first 50 a second have it, as well as `ir` and `counts`. */
  readonly executor: string | null;
  readonly annotations: Annotations;
  /** The circuit that ran, and the counts; null if they were not kept, such as large ones. */
  readonly ir: RecordedCircuit | null;
  readonly counts: Readonly<Record<string, number>> | null;
  readonly delivery: RecordedDelivery;
  /** Where the record is: the `before` that asks for those before it. */
  readonly place: string;
}

/** What `layOut` of the room `drawing` draws. */
export type RecordedCircuit = Pick<NativeGateIR, 'num_qubits' | 'gates' | 'measurements'>;

export interface RecordedDelivery {
  /** `none`: there is nothing to deliver. `waiting` also if the end of it was never written. `cancelled`: the cloud
   *  cancelled the job after its end. */
  readonly state: 'none' | 'waiting' | 'delivered' | 'refused' | 'cancelled';
  /** When that came to be; null while it waits. */
  readonly at: number | null;
  /** The oldest first. Of many, the first ones, some between, and the last. */
  readonly attempts: readonly DeliveryAttempt[];
}

/** An attempt to deliver a result. */
export interface DeliveryAttempt {
  /** 1 for the first attempt of its process. */
  readonly number: number;
  /** When it ended. */
  readonly at: number;
  readonly kind: 'delivered' | 'refused' | 'retry';
  /** Why it failed; null if it did not. */
  readonly reason: string | null;
}

/** What happened in a stretch of time. */
export interface Period {
  readonly from: number;
  readonly until: number;
  /** How much of it a node ran. */
  readonly coveredMs: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly deadLetters: number;
  readonly delivered: number;
  readonly refused: number;
  /** How long the device was at work. */
  readonly busyMs: number;
  /** How long it was not, by reason; the longest first. */
  readonly idle: readonly IdleTime[];
  /** From when a job was taken to the begin of its run. */
  readonly wait: Spread | null;
  /** Its run. */
  readonly run: Spread | null;
  /** From its end until the cloud had its result. */
  readonly delivery: Spread | null;
}

export interface IdleTime {
  readonly reason: IdleReason;
  readonly ms: number;
  /** The longest gap for this reason; null if none has ended or lasts. */
  readonly longest: LongestGap | null;
}

export interface LongestGap {
  readonly startedAt: number;
  readonly ms: number;
  /** The reason as a sentence for the operator. */
  readonly text: string;
}

/** Of many durations: percentiles to within 5 %, and the exact maximum. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}
