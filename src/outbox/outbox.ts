// The outbox: an outcome is durable before anything says so, then delivered for as long as it takes, then forgotten.
//
//   save -> durable -> status sent, posted (again and again) -> acknowledged -> forgotten
//                  \-> cancelled before the first post -> acknowledged -> forgotten
//                            \-> refused for good: set aside, acknowledged, forgotten
//
// An outcome is forgotten once Redis has both its status and its acknowledgement; until then a start writes both
// again. A kill repeats the posts that were under way, at most one for each lane: a lane posts the next outcome
// only when the journal has the end of the last one.
import { messageOf } from '../errors.ts';
import type { Delivery } from '../hooks.ts';
import type { Logger } from '../log.ts';
import { jitter } from '../net/redis.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { journalPath } from '../state/layout.ts';
import { Journal } from './journal.ts';
import {
  endingOf,
  isCancellable,
  newEntry,
  outcomeRecord,
  settledRecord,
  type Entry,
  type JournalRecord,
} from './entry.ts';
import { RecentlyDone } from './recently-done.ts';
import type { RedisWrites } from '../queue/redis-writes.ts';
import { setResultAside } from './refused.ts';

/** Posts under way at the same time; while the cloud is away, only a few keep asking. */
const LANES = 64;
const LANES_IN_OUTAGE = 2;
const FIRST_RETRY_MS = 1_000;
/** Results that wait are kept in memory: of large ones, fewer than the operator allows. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface OutboxOptions {
  readonly directory: string;
  readonly log: Logger;
  readonly maxRetryDelayMs: number;
  readonly onTrouble: (reason: string | undefined) => void;
  /** Called with the number of entries whenever it has changed, and whether they take as much memory as they may. */
  readonly onChange: (size: number, isHeavy: boolean) => void;
}

/** What the outbox needs once the node is connected. */
export interface DeliveryRoute {
  readonly deliver: (saved: SavedOutcome, attempt: number) => Promise<Delivery>;
  readonly writes: RedisWrites;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #messages = new Set<string>();
  /** The jobs that are not in here any more. */
  readonly done = new RecentlyDone();
  #journal!: Journal;
  #route: DeliveryRoute | undefined;
  readonly #due: Entry[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #weight = 0;
  #posting = 0;
  #outage: string | undefined;
  #closed = false;
  readonly #waitingForChange: (() => void)[] = [];

  private constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Opens the outbox of a state directory with what an earlier run left in it. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(options);
    const { journal, records } = await Journal.open(journalPath(options.directory), {
      log: options.log,
      snapshot: () => outbox.#snapshot(),
      onTrouble: options.onTrouble,
    });
    outbox.#journal = journal;
    for (const record of records) outbox.#restore(record as JournalRecord);
    if (outbox.size > 0) options.log.info(`${outbox.size} saved results of an earlier run will be delivered`);
    outbox.#changed();
    return outbox;
  }

  /** Outcomes that are not yet delivered and acknowledged. */
  get size(): number {
    return this.#entries.size;
  }

  /** Why nothing can be delivered at the moment, if so. */
  get outage(): string | undefined {
    return this.#outage;
  }

  has(jobId: string): boolean {
    return this.#entries.has(jobId);
  }

  /** Whether the outcome of the job that this stream entry brought is saved. */
  hasMessage(messageId: string): boolean {
    return this.#messages.has(messageId);
  }

  /** Jobs whose outcome a cancel can still suppress. */
  *cancellable(): Iterable<string> {
    for (const [jobId, entry] of this.#entries) if (isCancellable(entry)) yield jobId;
  }

  /** Starts delivering; called once the node is connected. */
  start(route: DeliveryRoute): void {
    this.#route = route;
    for (const entry of this.#entries.values()) {
      if (entry.stage === 'saving') continue;
      // Whether the state was written before the node died is not known.
      this.#writeStatus(entry);
      if (entry.stage === 'settling') void this.#settle(entry);
      else this.#due.push(entry);
    }
    this.#pump();
  }

  /** Saves an outcome; resolves once it is durable. Delivery follows by itself.
   *  A job that has an outcome in here keeps it: it has only one. */
  async save(saved: SavedOutcome): Promise<void> {
    if (this.has(saved.jobId)) {
      for (const messageId of saved.messageIds) this.adopt(saved.jobId, messageId);
      return;
    }
    const entry = this.#add(saved);
    this.#changed();
    await this.#journal.append(outcomeRecord(entry), { durable: true });
    // A cancel may have come while the disk was at work.
    if (entry.stage !== 'saving') return;
    entry.stage = 'waiting';
    this.#writeStatus(entry);
    this.#due.push(entry);
    this.#pump();
  }

  /** Takes a result back in that had been set aside, of a job that is not in here; resolves once it is durable. */
  async resubmit(saved: SavedOutcome): Promise<void> {
    const entry = this.#add(saved);
    // The cloud has been asked before: a cancel comes too late. Its status was written then.
    entry.maybeSent = true;
    this.#changed();
    await this.#journal.append(outcomeRecord(entry), { durable: true });
    entry.stage = 'waiting';
    this.#due.push(entry);
    this.#pump();
  }

  /** Another stream entry brought the same job: it is acknowledged together with the first. */
  adopt(jobId: string, messageId: string): void {
    const entry = this.#entries.get(jobId);
    if (entry === undefined || entry.saved.messageIds.includes(messageId)) return;
    entry.saved = { ...entry.saved, messageIds: [...entry.saved.messageIds, messageId] };
    this.#messages.add(messageId);
  }

  /** Suppresses the delivery of an outcome, unless it may have begun. Says whether it did. */
  cancel(jobId: string): boolean {
    const entry = this.#entries.get(jobId);
    if (entry === undefined || !isCancellable(entry)) return false;
    entry.stage = 'settling';
    entry.cancelled = true;
    void this.#settleCancelled(entry);
    return true;
  }

  /** Resolves once nothing is left to deliver. */
  async empty(): Promise<void> {
    while (this.#entries.size > 0) await new Promise<void>((resolve) => this.#waitingForChange.push(resolve));
  }

  /** Stops delivering and closes the file; what is not delivered stays for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#journal.close();
  }

  #restore(record: JournalRecord): void {
    const entry = this.#entries.get(record.jobId);
    if (record.t === 'outcome' && entry === undefined) {
      const { t: _, ...saved } = record;
      const restored = this.#add(saved);
      restored.stage = 'waiting';
      // Whether an attempt was under way when the node died is not known: a cancel must not contradict it.
      restored.maybeSent = true;
    } else if (record.t === 'settled' && entry !== undefined) {
      entry.stage = 'settling';
      entry.cancelled = record.cancelled ?? false;
    } else if (record.t === 'done' && entry !== undefined) {
      this.#remove(entry);
    }
  }

  #add(saved: SavedOutcome): Entry {
    const entry = newEntry(saved);
    this.#entries.set(saved.jobId, entry);
    this.#weight += entry.weight;
    for (const messageId of saved.messageIds) this.#messages.add(messageId);
    return entry;
  }

  #remove(entry: Entry): void {
    const { saved, weight } = entry;
    this.done.add(endingOf(entry));
    for (const messageId of saved.messageIds) this.#messages.delete(messageId);
    this.#entries.delete(saved.jobId);
    this.#weight -= weight;
  }

  #changed(): void {
    for (const wake of this.#waitingForChange.splice(0)) wake();
    this.#options.onChange(this.size, this.#weight > MAX_BYTES);
  }

  *#snapshot(): Iterable<JournalRecord> {
    for (const entry of this.#entries.values()) {
      yield outcomeRecord(entry);
      if (entry.stage === 'settling') yield settledRecord(entry);
    }
  }

  #writeStatus(entry: Entry): void {
    const writes = this.#route?.writes;
    entry.statusWritten = writes?.ended(endingOf(entry));
  }

  #pump(): void {
    if (this.#route === undefined || this.#closed) return;
    const lanes = this.#outage === undefined ? LANES : LANES_IN_OUTAGE;
    while (this.#posting < lanes) {
      const entry = this.#due.shift();
      if (entry === undefined) return;
      if (entry.stage === 'waiting') void this.#post(entry, this.#route);
    }
  }

  /** One attempt; it occupies its lane until the journal knows how it ended. Never rejects. */
  async #post(entry: Entry, route: DeliveryRoute): Promise<void> {
    entry.stage = 'posting';
    entry.attempts += 1;
    this.#posting += 1;
    const delivery = await route
      .deliver(entry.saved, entry.attempts)
      .catch((thrown: unknown): Delivery => ({ kind: 'retry', reason: messageOf(thrown), sent: false }));
    if (delivery.kind !== 'retry') this.#outageEnds();
    if (delivery.kind === 'delivered') await this.#settled(entry);
    else if (delivery.kind === 'refused') void this.#setAside(entry, delivery.reason);
    else if (!this.#closed) this.#retryLater(entry, delivery);
    this.#posting -= 1;
    this.#pump();
  }

  #outageEnds(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#options.log.info('results are delivered again');
  }

  async #setAside(entry: Entry, reason: string): Promise<void> {
    const { directory, log } = this.#options;
    log.error(
      `the cloud refused the result of job ${entry.saved.jobId}: ${reason}; it is set aside (coda results list)`,
    );
    await setResultAside(directory, entry.saved, reason, log);
    await this.#settled(entry);
  }

  /** Resolves once the journal has it. */
  async #settled(entry: Entry): Promise<void> {
    entry.stage = 'settling';
    void this.#settle(entry);
    await this.#journal.append(settledRecord(entry), { durable: false });
  }

  /** Nobody is told of the cancel before it is durable: a start would deliver the outcome otherwise. */
  async #settleCancelled(entry: Entry): Promise<void> {
    await this.#journal.append(settledRecord(entry), { durable: true });
    this.#writeStatus(entry);
    await this.#settle(entry);
  }

  #retryLater(entry: Entry, delivery: Delivery & { kind: 'retry' }): void {
    entry.stage = 'waiting';
    entry.maybeSent ||= delivery.sent;
    const { maxRetryDelayMs, log } = this.#options;
    const backoffMs = Math.min(maxRetryDelayMs, FIRST_RETRY_MS * 2 ** Math.min(entry.attempts - 1, 20));
    const delayMs = Math.max(delivery.afterMs ?? 0, jitter(backoffMs));
    if (this.#outage === undefined) {
      log.warn(`a result could not be delivered, it will be tried again until it is: ${delivery.reason}`);
    }
    log.debug(
      `job ${entry.saved.jobId}: attempt ${entry.attempts} failed, next in ${Math.round(delayMs)} ms`,
    );
    this.#outage = delivery.reason;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#due.push(entry);
      this.#pump();
    }, delayMs);
    this.#timers.add(timer);
  }

  /** The outcome needs nothing of the cloud any more: acknowledge, then forget. */
  async #settle(entry: Entry): Promise<void> {
    if (this.#route === undefined) return;
    const acknowledged = entry.saved.messageIds;
    await this.#route.writes.acknowledge(acknowledged);
    await entry.statusWritten;
    if (this.#closed) return;
    if (entry.saved.messageIds !== acknowledged) return this.#settle(entry);
    this.#remove(entry);
    const { jobId } = entry.saved;
    void this.#journal.append({ t: 'done', jobId } satisfies JournalRecord, { durable: false });
    this.#changed();
  }
}
