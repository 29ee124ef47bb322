// A job on its way through the node, and its outcome as it is saved. Types only: every room below the pipeline uses them.
import type { NativeGateIR } from '../protocol/ir.ts';
import type { Outcome } from '../protocol/webhook.ts';

/** A job as plugins see it. */
export interface Job {
  readonly jobId: string;
  /** The stream entry that brought it. */
  readonly messageId: string;
  readonly callbackUrl: string;
  readonly ir: NativeGateIR;
  readonly shots: number;
}

/** A job that this node has and has not finished, as the job table keeps it. */
export type HeldJob = CheckingJob | ReadyJob;

/** A job that was read from the stream and is being checked. */
export interface CheckingJob extends HeldFacts {
  stage: 'checking';
}

/** A job that is ready for the device, or on it. */
export interface ReadyJob extends HeldFacts {
  stage: 'queued' | 'running';
  readonly circuit: Circuit;
  /** Set once its batch has failed. */
  runsAlone?: true;
  /** Set once the plugins have prepared the device for it: not again. */
  isPrepared?: boolean;
}

export interface Circuit {
  readonly ir: NativeGateIR;
  readonly shots: number;
  /** As the cloud sent it; kept only for an executor with `upcoming`. */
  readonly irJson?: string | undefined;
}

/** What is known of a held job at every stage. */
export interface HeldFacts {
  readonly jobId: string;
  readonly callbackUrl: string;
  /** All stream entries that brought it; the first is the one that runs. */
  readonly messageIds: [string, ...string[]];
  /** Memory that it takes, roughly. */
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly heldSince: number;
}

/** An outcome as the outbox keeps it: all that is needed to deliver it, also after a restart. */
export interface SavedOutcome {
  readonly qpuId: string;
  readonly jobId: string;
  /** All stream entries that brought the job; usually one. */
  readonly messageIds: readonly string[];
  readonly callbackUrl: string;
  readonly outcome: Outcome;
  /** ISO 8601, UTC. */
  readonly endedAt: string;
}

/** How a job ended, as Redis needs it: without the counts, which may be many. */
export interface Ending extends Pick<SavedOutcome, 'jobId' | 'messageIds' | 'endedAt'> {
  readonly outcome:
    { readonly status: 'completed' | 'cancelled' } | { readonly status: 'failed'; readonly error: string };
}
