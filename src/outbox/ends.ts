// How an outcome leaves the outbox. All ways out are here:
//
//   delivered   the cloud has it
//   refused     the cloud will never take it, or nothing can send it: it is set aside for the operator
//   cancelled   by the cloud, before the first attempt
//   dropped     by the operator, between two attempts
//
// In all four the journal gets the end, and Redis the acknowledgement; once Redis has that, the outcome is forgotten.
import type { Logger } from '../log.ts';
import type { Listeners } from '../net/timing.ts';
import type { Aside } from './aside.ts';
import type { Contents } from './contents.ts';
import type { DeliveryRoute } from './delivery.ts';
import {
  attemptRecord,
  endingOf,
  settledRecord,
  type Entry,
  type JournalRecord,
  type Origin,
} from './entry.ts';
import type { Journal } from './journal.ts';
import type { DeliveryEnds } from './lanes.ts';

export interface EndsOptions {
  readonly log: Logger;
  readonly contents: Contents;
  readonly journal: Journal;
  readonly aside: Aside;
  /** The number of entries has changed, or which origins answer. */
  readonly onChange: () => void;
  /** Notified when jobs that had to wait may not have to any more. */
  readonly onRoom: Listeners;
}

export class Ends implements DeliveryEnds {
  readonly #options: EndsOptions;
  /** Undefined until the node is connected. */
  #route: Omit<DeliveryRoute, 'deliver'> | undefined;
  #closed = false;
  /** Outcomes that the cloud has taken, and that are set aside, since the start. */
  readonly counts = { delivered: 0, refused: 0 };
  #lastDelivery: number | null = null;
  #lastRefusal: string | undefined;

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /** When the cloud last took an outcome, since the start; Unix time in milliseconds. */
  get lastDelivery(): number | null {
    return this.#lastDelivery;
  }

  /** Why the last outcome was refused; undefined if none was since the start. */
  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  start(route: Omit<DeliveryRoute, 'deliver'>): void {
    this.#route = route;
  }

  close(): void {
    this.#closed = true;
  }

  delivered(entry: Entry): Promise<void> {
    this.#lastDelivery = Date.now();
    this.counts.delivered += 1;
    this.#answered(entry.origin);
    return this.#settled(entry);
  }

  refused(entry: Entry, reason: string, byCloud: boolean): void {
    if (byCloud) this.#answered(entry.origin);
    void this.#setAside(entry, reason, byCloud);
  }

  failed(entry: Entry, reason: string): void {
    const { contents, journal, onChange } = this.#options;
    entry.reason = reason;
    journal.note(attemptRecord(entry));
    const isNew = entry.origin.trouble === undefined;
    contents.origins.failed(entry.origin, reason);
    if (isNew) onChange();
  }

  cancelled(entry: Entry): void {
    entry.stage = 'settling';
    entry.cancelled = true;
    void this.#settleCancelled(entry);
  }

  dropped(entry: Entry): void {
    const { jobId } = entry.saved;
    this.#options.log.warn(`the result of job ${jobId} was dropped by the operator; it is not delivered`, {
      job: jobId,
    });
    void this.#settled(entry);
  }

  writeStatus(entry: Entry): void {
    entry.statusWritten = this.#route?.statuses.ended(endingOf(entry));
  }

  /** The journal has the end of this one: acknowledge, then forget. */
  async settle(entry: Entry): Promise<void> {
    if (this.#route === undefined) return;
    const { statuses, copies } = this.#route;
    const acknowledged = entry.saved.messageIds;
    await statuses.acknowledge(acknowledged);
    await entry.statusWritten;
    // Only now: whoever finds neither copy nor state would run the job.
    if (copies !== undefined) await copies.remove(entry.saved.jobId);
    if (this.#closed) return;
    if (entry.saved.messageIds !== acknowledged) return this.settle(entry);
    this.#forget(entry);
  }

  #forget(entry: Entry): void {
    const { contents, journal, onChange, onRoom } = this.#options;
    const { origins } = contents;
    const wasCrowded = origins.isCrowded;
    contents.remove(entry);
    if (wasCrowded && !origins.isCrowded) onRoom.notify();
    const { jobId } = entry.saved;
    void journal.append({ t: 'done', jobId } satisfies JournalRecord, { durable: false });
    onChange();
  }

  #answered(origin: Origin): void {
    const { contents, journal, onChange, onRoom } = this.#options;
    const wasKnown = origin.hasAnswered;
    if (!contents.origins.answered(origin)) return;
    if (!wasKnown) journal.note({ t: 'answered', origin: origin.key } satisfies JournalRecord);
    onChange();
    onRoom.notify();
  }

  async #setAside(entry: Entry, reason: string, byCloud: boolean): Promise<void> {
    const { jobId } = entry.saved;
    this.#lastRefusal = reason;
    this.counts.refused += 1;
    const what = byCloud
      ? `the cloud refused the result of job ${jobId}`
      : `the result of job ${jobId} cannot be delivered`;
    await this.#options.aside.undelivered(entry.saved, what, reason);
    await this.#settled(entry);
  }

  /** Resolves once the journal has it. */
  async #settled(entry: Entry): Promise<void> {
    entry.stage = 'settling';
    void this.settle(entry);
    await this.#options.journal.append(settledRecord(entry), { durable: false });
  }

  /** The cancel is durable before its status is written: the next start would deliver the outcome otherwise. */
  async #settleCancelled(entry: Entry): Promise<void> {
    await this.#options.journal.append(settledRecord(entry), { durable: true });
    this.writeStatus(entry);
    await this.settle(entry);
  }
}
