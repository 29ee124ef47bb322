// The outbox: an outcome is durable before anything says so, then delivered for as long as it takes, then forgotten.
//
//   save -> durable -> status written -> posted (again and again) -> acknowledged -> forgotten
//                          \-> cancelled before the first post -> acknowledged -> forgotten
//                                      \-> refused for good: set aside, acknowledged, forgotten
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Delivery } from '../hooks.ts';
import type { Logger } from '../log.ts';
import { jitter } from '../redis.ts';
import type { SavedOutcome } from './job.ts';
import { Journal } from './journal.ts';
import type { RedisWrites } from './redis-writes.ts';
import { setResultAside } from './set-aside.ts';

/** Posts under way at the same time; while the cloud is away, only a few keep asking. */
const LANES = 64;
const LANES_IN_OUTAGE = 2;
const FIRST_RETRY_MS = 1_000;

export interface OutboxOptions {
  readonly directory: string;
  readonly log: Logger;
  readonly maxRetryDelayMs: number;
  readonly onTrouble: (reason: string | undefined) => void;
  /** Called whenever the number of entries has changed. */
  readonly onChange: () => void;
}

/** What the outbox needs once the node is connected. */
export interface DeliveryRoute {
  readonly deliver: (saved: SavedOutcome, attempt: number) => Promise<Delivery>;
  readonly writes: RedisWrites;
}

interface Entry {
  saved: SavedOutcome;
  stage: 'saving' | 'waiting' | 'posting' | 'settling';
  attempts: number;
  /** An attempt may have reached the cloud: from then on a cancel comes too late. */
  maybeSent: boolean;
}

type JournalRecord =
  | ({ readonly t: 'outcome' } & SavedOutcome)
  /** The cloud has the outcome, or will never have it: only the acknowledgement is missing. */
  | { readonly t: 'settled'; readonly jobId: string }
  | { readonly t: 'done'; readonly jobId: string };

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #messages = new Set<string>();
  #journal!: Journal;
  #route: DeliveryRoute | undefined;
  readonly #due: Entry[] = [];
  readonly #timers = new Map<NodeJS.Timeout, Entry>();
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
    const { journal, records } = await Journal.open(join(options.directory, 'outbox.journal'), {
      log: options.log,
      snapshot: () => outbox.#snapshot(),
      onTrouble: options.onTrouble,
    });
    outbox.#journal = journal;
    for (const record of records) outbox.#restore(record as JournalRecord);
    if (outbox.size > 0) options.log.info(`${outbox.size} saved results of an earlier run will be delivered`);
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
      if (entry.stage === 'settling') void this.#settle(entry);
      else if (entry.stage === 'waiting') this.#due.push(entry);
    }
    this.#pump();
  }

  /** Saves an outcome; resolves once it is durable. Delivery follows by itself. */
  async save(saved: SavedOutcome): Promise<void> {
    const entry: Entry = { saved, stage: 'saving', attempts: 0, maybeSent: false };
    this.#add(entry);
    this.#changed();
    await this.#journal.append(recordOf(entry), { durable: true });
    // A cancel may have come while the disk was at work.
    if (entry.stage !== 'saving') return;
    entry.stage = 'waiting';
    void this.#route?.writes.outcome(entry.saved);
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
    void this.#journal.append({ t: 'settled', jobId } satisfies JournalRecord, { durable: true });
    void this.#route?.writes.cancelled(entry.saved);
    void this.#settle(entry);
    return true;
  }

  /** Resolves once nothing is left to deliver. */
  async empty(): Promise<void> {
    while (this.#entries.size > 0) await new Promise<void>((resolve) => this.#waitingForChange.push(resolve));
  }

  /** Stops delivering and closes the file; what is not delivered stays for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.keys()) clearTimeout(timer);
    await this.#journal.close();
  }

  #restore(record: JournalRecord): void {
    if (record.t === 'outcome') {
      const { t: _, ...saved } = record;
      // Whether an attempt was under way when the node died is not known: a cancel must not contradict it.
      this.#add({ saved, stage: 'waiting', attempts: 0, maybeSent: true });
    } else if (record.t === 'settled') {
      const entry = this.#entries.get(record.jobId);
      if (entry !== undefined) entry.stage = 'settling';
    } else {
      this.#remove(record.jobId);
    }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.saved.jobId, entry);
    for (const messageId of entry.saved.messageIds) this.#messages.add(messageId);
  }

  #changed(): void {
    for (const wake of this.#waitingForChange.splice(0)) wake();
    this.#options.onChange();
  }

  #remove(jobId: string): void {
    for (const messageId of this.#entries.get(jobId)?.saved.messageIds ?? [])
      this.#messages.delete(messageId);
    this.#entries.delete(jobId);
  }

  *#snapshot(): Iterable<JournalRecord> {
    for (const [jobId, entry] of this.#entries) {
      yield recordOf(entry);
      if (entry.stage === 'settling') yield { t: 'settled', jobId };
    }
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

  async #post(entry: Entry, route: DeliveryRoute): Promise<void> {
    entry.stage = 'posting';
    entry.attempts += 1;
    this.#posting += 1;
    const delivery = await route
      .deliver(entry.saved, entry.attempts)
      .catch((thrown: unknown): Delivery => ({ kind: 'retry', reason: messageOf(thrown), sent: false }));
    this.#posting -= 1;
    if (this.#closed) return;
    if (delivery.kind === 'retry') this.#retryLater(entry, delivery);
    else await this.#delivered(entry, delivery);
    this.#pump();
  }

  async #delivered(entry: Entry, delivery: Exclude<Delivery, { kind: 'retry' }>): Promise<void> {
    const { jobId } = entry.saved;
    if (this.#outage !== undefined) {
      this.#outage = undefined;
      this.#options.log.info('results are delivered again');
    }
    if (delivery.kind === 'refused') {
      this.#options.log.error(
        `the cloud refused the result of job ${jobId}: ${delivery.reason}; it is set aside`,
      );
      await setResultAside(this.#options.directory, entry.saved, delivery.reason, this.#options.log);
    }
    entry.stage = 'settling';
    void this.#journal.append({ t: 'settled', jobId } satisfies JournalRecord, { durable: false });
    void this.#settle(entry);
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
    this.#timers.set(timer, entry);
  }

  /** The outcome needs nothing of the cloud any more: acknowledge, then forget. */
  async #settle(entry: Entry): Promise<void> {
    if (this.#route === undefined) return;
    const acknowledged = entry.saved.messageIds;
    await this.#route.writes.acknowledge(acknowledged);
    if (this.#closed) return;
    if (entry.saved.messageIds !== acknowledged) return this.#settle(entry);
    const { jobId } = entry.saved;
    this.#remove(jobId);
    void this.#journal.append({ t: 'done', jobId } satisfies JournalRecord, { durable: false });
    this.#changed();
  }
}

function recordOf({ saved }: Entry): JournalRecord {
  return { t: 'outcome', ...saved };
}

function isCancellable(entry: Entry): boolean {
  return (entry.stage === 'saving' || entry.stage === 'waiting') && !entry.maybeSent;
}
