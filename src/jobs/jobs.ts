// The job pipeline as plugins see it: `node.jobs`. Types only.
import type { DeviceFigures } from '../device/device-time.ts';
import type { Edge } from '../device/executor.ts';
import type { Hold } from '../device/holds.ts';
import type { RunOutcome } from '../device/result.ts';
import type { Admission } from '../kernel/admission.ts';
import type { WaitingResult } from '../outbox/overview.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import type { CircuitFigures } from './ended-job.ts';

export interface Jobs {
  /** The job that runs now; of a batch, its first. */
  readonly current: string | null;
  /** When the last run ended; ISO 8601, UTC. */
  readonly lastJobAt: string | null;
  /** Keeps jobs from being taken and started. */
  readonly admission: Admission;
  /** Resolves once the device is idle and the caller has it alone: no job is taken or started until it is released
   *  (`await using` does it). /ready, `coda status` and the log name the plugin and `reason`. Rejects if the node shuts down before that.
   *  Not for taps of `onJob`: the device is theirs, and waits for them. */
  hold(reason: string): Promise<Hold>;
  /** Runs a circuit of the operator between two jobs, as a job is run: after the running one, before those that wait. Plugins
   *  see it as any other job, and in `onEnd` its origin is `local`; the cloud hears nothing of it. No job is taken meanwhile.
   *  Resolves with its outcome; rejects if the circuit cannot run, or if it did not get the device. */
  runLocal(ir: NativeGateIR, run: LocalRun): Promise<LocalOutcome>;
  /** What the node has to do, and has done. */
  figures(): JobFigures;
  /** What the device does now, and how long it was at work since the start. */
  device(): DeviceFigures;
  /** The jobs on the device, or after it in `mapResult`. */
  running(): RunningJob[];
  /** The first `most` of the jobs that wait for the device here, in their order; those that are still checked come last. */
  waiting(most: number): WaitingJob[];
  /** The first `most` of the outcomes that are saved and not delivered, the oldest first. */
  undelivered(most: number): WaitingResult[];
  /** The jobs on which a cancel can still take effect. */
  cancellable(): string[];
  /** Cancels a job of this node; false if it is not here, or if it is too late. */
  cancel(jobId: string): boolean;
}

export interface LocalRun {
  readonly shots: number;
  /** For people, for example the name of its file. */
  readonly name?: string | undefined;
  /** Stops it, or gives it up before it has the device. */
  readonly signal?: AbortSignal | undefined;
  /** Called with its id when it is on the device. */
  readonly onStart?: ((jobId: string) => void) | undefined;
}

export interface LocalOutcome {
  readonly jobId: string;
  readonly outcome: RunOutcome | { readonly status: 'cancelled' };
  /** Of a failed one, where: continues "job … failed". */
  readonly where: string | null;
}

/** A job on the device. Times are Unix milliseconds. */
export interface RunningJob {
  readonly jobId: string;
  readonly origin: 'cloud' | 'local';
  readonly startedAt: number;
  readonly circuit: CircuitFigures;
  /** The pairs of qubits that its gates couple, each once, at most `most`. Looks at each gate. */
  couples(most: number): Edge[];
}

/** A job that waits for the device. */
export interface WaitingJob {
  readonly jobId: string;
  readonly stage: 'checking' | 'preparing' | 'queued';
  readonly takenAt: number;
  /** Null while it is checked. */
  readonly circuit: CircuitFigures | null;
}

/** A count is since the start of the node, of what is there now it says so. */
export interface JobFigures {
  /** Now: jobs that are taken and not on the device. */
  readonly queued: number;
  /** Now: jobs on the device, or after it in `mapResult`. */
  readonly running: number;
  /** Now: outcomes that are saved and not delivered. */
  readonly undelivered: number;
  /** Now: jobs in the stream that no node has taken; null if that is not known. */
  readonly backlog: number | null;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly delivered: number;
  /** Outcomes that the cloud has refused. */
  readonly refused: number;
  /** ISO 8601, UTC; null if there was none. */
  readonly lastRunAt: string | null;
  readonly lastDeliveryAt: string | null;
}
