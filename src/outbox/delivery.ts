// What the outbox asks of others: to make one attempt of a delivery, and to tell Redis how a job ended.
import type { Ending, SavedOutcome } from '../jobs/job.ts';

/** How one attempt to deliver a result ended. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** Final: the cloud will never take it. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Try again, not before `afterMs` if the cloud said so. `sent`: the cloud may have got it all the same. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number; readonly sent: boolean };

/** What the outbox needs once the node is connected. */
export interface DeliveryRoute {
  /** Makes one attempt; the first is number 1. */
  readonly deliver: (saved: SavedOutcome, attempt: number) => Promise<Delivery>;
  readonly statuses: Statuses;
}

/** Where the end of a job is made known, so that no node runs it again. Both resolve once Redis has it. */
export interface Statuses {
  /** The terminal state of a job. */
  ended(ending: Ending): Promise<void>;
  acknowledge(messageIds: readonly string[]): Promise<void>;
}
