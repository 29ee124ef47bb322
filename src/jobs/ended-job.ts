// How a job of this node ended, and how the device spent its time: what the hooks `onEnd` and `afterGap` tell those who keep
// a record. Types only. All times are Unix milliseconds.
import type { Annotations } from './annotations.ts';
import type { TraceContext } from '../protocol/trace-context.ts';
import type { Outcome } from '../protocol/webhook.ts';
import type { Job } from './job.ts';

/** A job that has its outcome, or is cancelled. Frozen. It keeps its circuit in memory: take from it what you need. */
export interface EndedJob {
  readonly jobId: string;
  /** The stream entry that brought it. */
  readonly messageId: string;
  /** `local`: the operator ran it on this machine (`coda run`), and the cloud does not know it. */
  readonly origin: 'cloud' | 'local';
  /** Null if its circuit could not be read. */
  readonly circuit: CircuitFigures | null;
  /** The job as other hooks show it, made when it is first looked at; null if its circuit could not be read. */
  readonly job: Job | null;
  /** Of a local run, with `memory` and `metadata` if its executor returned them. */
  readonly outcome: Outcome | { readonly status: 'cancelled' };
  /** What plugins have noted on it so far. */
  readonly annotations: Annotations;
  /** Of a failed one, where: continues "job … failed", for example `in the executor (./qpu.ts)`. */
  readonly where: string | null;
  /** Of a failed one, what was thrown, if anything. */
  readonly thrown: unknown;
  /** The trace context of its message; null if it has none. */
  readonly trace: TraceContext | null;
  /** Size of its message, in characters. */
  readonly bytes: number;
  /** When the cloud wrote it to the stream, by the clock of Redis. */
  readonly sentAt: number;
  /** When this node took it. */
  readonly takenAt: number;
  /** When it was checked and prepared: from here on it waited for the device alone. Null if it never was. */
  readonly queuedAt: number | null;
  /** When its run began, of a batch the run of all; null if it has not run. */
  readonly startedAt: number | null;
  /** When its run ended; without one, when it got its outcome. */
  readonly endedAt: number;
}

/** How large a circuit is, without the circuit. */
export interface CircuitFigures {
  readonly shots: number;
  readonly qubits: number;
  readonly gates: number;
  readonly measurements: number;
}

/**
 * Why nothing ran:
 *
 * - `between runs`: the next job was ready, and started at once
 * - `no jobs`: there was none
 * - `preparing`: jobs were checked, or plugins prepared them
 * - `closed`: no job is taken or started, for example in a pause, or while a plugin or a local run has the device
 * - `redis`: Redis does not answer
 * - `held up`: a job was ready, and could not start: its lease is not sure, or the last result is not safe yet
 */
export type IdleReason = 'between runs' | 'no jobs' | 'preparing' | 'closed' | 'redis' | 'held up';

/** A time in which the device had nothing to do, for one reason. If the reason changes, another gap begins. Frozen. */
export interface IdleGap {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly reason: IdleReason;
  /** The reason as a sentence for the operator. */
  readonly text: string;
}
