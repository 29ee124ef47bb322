// A job on its way through the node, and its outcome as it is saved.
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
