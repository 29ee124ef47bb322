// What the outbox asks of others: to make one attempt of a delivery, and to tell Redis how a job ended.
import type { Ending, SavedOutcome } from '../jobs/job.ts';
import { isRecord, kindOf, shown } from '../protocol/text.ts';

/** How one attempt to deliver a result ended. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** Final: the cloud will never take it. `byCloud` is false if it was not asked. */
  | { readonly kind: 'refused'; readonly reason: string; readonly byCloud?: boolean }
  /** Try again, not before `afterMs` if the cloud said so. `sent`: the cloud may have got it all the same. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number; readonly sent: boolean };

const WANTED = "not { kind: 'delivered' }, { kind: 'refused', reason } or { kind: 'retry', reason, sent }";

/** What is wrong with the answer of a tap of `deliver`; undefined if nothing is. */
export function deliveryFault(answer: unknown): string | undefined {
  if (!isRecord(answer)) return `it returned ${kindOf(answer)}, ${WANTED}`;
  const { kind, reason, afterMs, sent } = answer;
  if (kind === 'delivered') return undefined;
  if (kind !== 'refused' && kind !== 'retry') return `the kind that it returned is ${shown(kind)}, ${WANTED}`;
  if (typeof reason !== 'string') return `its reason is ${kindOf(reason)}, not a text`;
  if (kind === 'refused') return undefined;
  if (typeof sent !== 'boolean') return `its sent is ${kindOf(sent)}, not true or false`;
  const isTime = typeof afterMs === 'number' && afterMs >= 0;
  return afterMs === undefined || isTime
    ? undefined
    : `its afterMs is ${shown(afterMs)}, not a number of milliseconds`;
}

/** What the outbox needs once the node is connected. */
export interface DeliveryRoute {
  /** Makes one attempt; the first is number 1. */
  readonly deliver: (saved: SavedOutcome, attempt: number) => Promise<Delivery>;
  readonly statuses: Statuses;
  /** Undefined if outcomes are on the disk alone. */
  readonly copies?: Copies | undefined;
}

/** Where each outcome has a second copy until its job is acknowledged. */
export interface Copies {
  /** Resolves once the copy is there, or is refused: the outcome does not wait for ever. */
  save(saved: SavedOutcome): Promise<void>;
  /** Resolves once it is gone. */
  remove(jobId: string): Promise<void>;
}

/** Where the end of a job is made known, so that no node runs it again. Both resolve once Redis has it. */
export interface Statuses {
  /** The terminal state of a job. */
  ended(ending: Ending): Promise<void>;
  acknowledge(messageIds: readonly string[]): Promise<void>;
}
