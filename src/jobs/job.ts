// A job on its way through the node, and its outcome as it is saved. Types only: every room below the pipeline uses them.
import type { NativeGateIR } from '../protocol/ir.ts';
import type { Annotations, Json } from './annotations.ts';
import type { Outcome } from '../protocol/webhook.ts';

/** A job as plugins see it. It is frozen: to change it throws. */
export interface Job {
  readonly jobId: string;
  /** The stream entry that brought it. */
  readonly messageId: string;
  readonly callbackUrl: string;
  /** A frozen copy of the circuit that runs. */
  readonly ir: NativeGateIR;
  readonly shots: number;
  /** What plugins have noted on the job so far. */
  readonly annotations: Annotations;
  /** Notes a small JSON value on the job, also after its run, until its outcome is delivered. It goes with the outcome,
   *  over restarts too, to `mapResult`, `afterRun`, `onWebhook` and `afterDeliver`; the cloud does not get it. All notes of
   *  a job may take 4,096 characters as JSON. Throws a TypeError for what cannot be noted. */
  readonly annotate: (key: string, value: Json) => void;
}

/** A job that this node has and has not finished, as the job table keeps it. */
export type HeldJob = CheckingJob | PreparingJob | ReadyJob;

/** A job that was read from the stream and is being checked. */
export interface CheckingJob extends HeldFacts {
  stage: 'checking';
  /** A cancel has come meanwhile: it counts unless Redis knows an end of the job. */
  isCancelled?: true;
}

/** A job that plugins prepare, ahead of its turn. */
export interface PreparingJob extends HeldFacts {
  stage: 'preparing';
  readonly circuit: Circuit;
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
  /** How many bits the cloud expects in a result; set if plugins changed the circuit, else one for each measurement. */
  readonly bits?: number;
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
  /** The node surely had its entry then: it was asked for, and had not come yet. Monotonic milliseconds. */
  readonly leaseSince: number;
  /** What plugins see of it; made when the first of them looks. */
  view?: Job;
  annotations?: Annotations;
  /** Set once it has an outcome: hears of each further annotation, and throws if it comes too late. */
  onAnnotated?: (annotations: Annotations) => void;
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
  /** What plugins have noted on the job, if anything. Not for the cloud. */
  readonly annotations?: Annotations;
}

/** How a job ended, as Redis needs it: without the counts, which may be many. */
export interface Ending extends Pick<SavedOutcome, 'jobId' | 'messageIds' | 'endedAt'> {
  readonly outcome:
    { readonly status: 'completed' | 'cancelled' } | { readonly status: 'failed'; readonly error: string };
}
