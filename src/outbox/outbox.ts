// The outbox: an outcome is durable before anything says so, then delivered for as long as it takes, then forgotten.
//
//   save -> durable -> status sent, posted (again and again) -> acknowledged -> forgotten
//                  \-> cancelled before the first post -> acknowledged -> forgotten
//                            \-> refused for good: set aside, acknowledged, forgotten
//
// An outcome is forgotten once Redis has both its status and its acknowledgement; until then a start writes both
// again. A kill repeats the posts that were under way, at most one for each lane: a lane posts the next outcome
// only when the journal has the end of the last one.
import type { Trouble } from '../errors.ts';
import type { Annotations } from '../jobs/annotations.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { cloudRemedy } from '../net/cloud-trouble.ts';
import { Waiters } from '../net/timing.ts';
import { journalPath } from '../state/layout.ts';
import type { DeliveryRoute, Statuses } from './delivery.ts';
import {
  endingOf,
  isCancellable,
  newEntry,
  outcomeRecord,
  settledRecord,
  type Entry,
  type JournalRecord,
} from './entry.ts';
import { Journal } from './journal.ts';
import { Lanes } from './lanes.ts';
import { RecentlyDone } from './recently-done.ts';
import { setResultAside } from './refused.ts';

/** Results that wait are kept in memory: of large ones, fewer than the operator allows. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface OutboxOptions {
  readonly directory: string;
  readonly log: Logger;
  readonly maxRetryDelayMs: number;
  readonly onTrouble: (trouble: Trouble | undefined) => void;
  /** Called with the number of entries whenever it has changed, and whether they take as much memory as they may. */
  readonly onChange: (size: number, isHeavy: boolean) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #messages = new Set<string>();
  /** The jobs that have left the outbox. */
  readonly done = new RecentlyDone();
  #journal!: Journal;
  readonly #lanes: Lanes;
  /** Undefined until the node is connected. */
  #statuses: Statuses | undefined;
  #weight = 0;
  #lastRefusal: string | undefined;
  #lastDelivery: number | undefined;
  #refused = 0;
  #delivered = 0;
  #closed = false;
  readonly #waitingForChange = new Waiters();

  private constructor(options: OutboxOptions) {
    this.#options = options;
    const { log, maxRetryDelayMs } = options;
    this.#lanes = new Lanes({
      log,
      maxRetryDelayMs,
      ends: {
        delivered: (entry) => {
          this.#lastDelivery = Date.now();
          this.#delivered += 1;
          return this.#settled(entry);
        },
        refused: (entry, reason) => void this.#setAside(entry, reason),
      },
    });
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
    return this.#lanes.outage;
  }

  /** Why the cloud refused the last result that it refused, if this process has seen one. */
  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  /** What is wrong with the delivery of results, if anything. */
  get trouble(): Trouble | undefined {
    const { outage } = this;
    if (outage === undefined) return undefined;
    return { text: `results cannot be delivered: ${outage}`, remedy: cloudRemedy(outage) };
  }

  /** When the cloud last took an outcome, since the start; Unix time in milliseconds. */
  get lastDelivery(): number | null {
    return this.#lastDelivery ?? null;
  }

  /** When the job ended whose outcome has waited longest; ISO 8601, UTC. */
  get oldest(): string | null {
    const [entry] = this.#entries.values();
    return entry?.saved.endedAt ?? null;
  }

  /** Outcomes that the cloud has taken since the start. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Outcomes that the cloud has refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  has(jobId: string): boolean {
    return this.#entries.has(jobId);
  }

  /** Whether the job of this stream entry has its outcome in the outbox. */
  hasMessage(messageId: string): boolean {
    return this.#messages.has(messageId);
  }

  /** Jobs whose outcome a cancel can still suppress. */
  *cancellable(): Iterable<string> {
    for (const [jobId, entry] of this.#entries) if (isCancellable(entry)) yield jobId;
  }

  /** Starts delivering; called once the node is connected. */
  start({ statuses, deliver }: DeliveryRoute): void {
    this.#statuses = statuses;
    for (const entry of this.#entries.values()) {
      if (entry.stage === 'saving') continue;
      // The state may not have been written before the node died.
      this.#writeStatus(entry);
      if (entry.stage === 'settling') void this.#settle(entry);
      else this.#lanes.add(entry);
    }
    this.#lanes.start(deliver);
  }

  /** Saves an outcome; resolves once it is durable. Delivery follows by itself.
   *  A job that has an outcome in the outbox keeps it: it has only one. */
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
    this.#lanes.add(entry);
  }

  /** Takes back a result that had been set aside, of a job that is not in the outbox; resolves once it is durable. */
  async resubmit(saved: SavedOutcome): Promise<void> {
    const entry = this.#add(saved);
    // The cloud has been asked before: a cancel comes too late. Its status was written then.
    entry.maybeSent = true;
    this.#changed();
    await this.#journal.append(outcomeRecord(entry), { durable: true });
    entry.stage = 'waiting';
    this.#lanes.add(entry);
  }

  /** Keeps what was measured for a job that is reported failed; resolves once that is durable. */
  async keepMeasured(saved: SavedOutcome, reason: string): Promise<void> {
    const { directory, log } = this.#options;
    log.error(`job ${saved.jobId} fails after its run; what was measured is set aside (coda results list)`);
    const because = `the job was reported failed, and this is what was measured: ${reason}`;
    await setResultAside(directory, saved, because, log, 'measured');
  }

  /** Another stream entry brought the same job: it is acknowledged together with the first. */
  adopt(jobId: string, messageId: string): void {
    const entry = this.#entries.get(jobId);
    if (entry === undefined || entry.saved.messageIds.includes(messageId)) return;
    entry.saved = { ...entry.saved, messageIds: [...entry.saved.messageIds, messageId] };
    this.#messages.add(messageId);
  }

  /** What plugins have noted on a job meanwhile goes with its outcome. Throws if the outcome is delivered already. */
  annotate(jobId: string, annotations: Annotations): void {
    const entry = this.#entries.get(jobId);
    if (entry === undefined || entry.stage === 'settling') {
      throw new Error(`the outcome of job ${jobId} is delivered: it cannot be annotated any more`);
    }
    entry.saved = { ...entry.saved, annotations };
    const record: JournalRecord = { t: 'annotated', jobId, annotations };
    void this.#journal.append(record, { durable: false });
  }

  /** Suppresses the delivery of an outcome, unless it may have begun. Returns whether it did. */
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
    while (this.#entries.size > 0) await this.#waitingForChange.next();
  }

  /** Stops delivering and closes the file; results that are not delivered stay for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#lanes.close();
    await this.#journal.close();
  }

  #restore(record: JournalRecord): void {
    const entry = this.#entries.get(record.jobId);
    if (record.t === 'outcome' && entry === undefined) {
      const { t: _, ...saved } = record;
      const restored = this.#add(saved);
      restored.stage = 'waiting';
      // An attempt may have been under way when the node died: a cancel must not contradict it.
      restored.maybeSent = true;
    } else if (record.t === 'annotated' && entry !== undefined) {
      entry.saved = { ...entry.saved, annotations: record.annotations };
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
    this.#waitingForChange.notify();
    this.#options.onChange(this.size, this.#weight > MAX_BYTES);
  }

  *#snapshot(): Iterable<JournalRecord> {
    for (const entry of this.#entries.values()) {
      yield outcomeRecord(entry);
      if (entry.stage === 'settling') yield settledRecord(entry);
    }
  }

  #writeStatus(entry: Entry): void {
    entry.statusWritten = this.#statuses?.ended(endingOf(entry));
  }

  async #setAside(entry: Entry, reason: string): Promise<void> {
    const { directory, log } = this.#options;
    this.#lastRefusal = reason;
    this.#refused += 1;
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

  /** The cancel is durable before its status is written: the next start would deliver the outcome otherwise. */
  async #settleCancelled(entry: Entry): Promise<void> {
    await this.#journal.append(settledRecord(entry), { durable: true });
    this.#writeStatus(entry);
    await this.#settle(entry);
  }

  /** The cloud has the outcome, or will not get it: acknowledge, then forget. */
  async #settle(entry: Entry): Promise<void> {
    if (this.#statuses === undefined) return;
    const acknowledged = entry.saved.messageIds;
    await this.#statuses.acknowledge(acknowledged);
    await entry.statusWritten;
    if (this.#closed) return;
    if (entry.saved.messageIds !== acknowledged) return this.#settle(entry);
    this.#remove(entry);
    const { jobId } = entry.saved;
    void this.#journal.append({ t: 'done', jobId } satisfies JournalRecord, { durable: false });
    this.#changed();
  }
}
