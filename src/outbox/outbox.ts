// The outbox: an outcome is durable before anything says so, then delivered for as long as it takes, then forgotten.
//
//   save -> durable, and copied to Redis if that is wanted -> status sent, posted (again and again) -> acknowledged -> forgotten
//                  \-> cancelled before the first post -> acknowledged -> forgotten
//                            \-> refused for good: set aside, acknowledged, forgotten
//
// An outcome is forgotten once Redis has both its status and its acknowledgement; until then a start writes both
// again. A kill repeats the posts that were under way, at most one for each lane: a lane posts the next outcome
// only when the journal has the end of the last one.
import type { Trouble } from '../errors.ts';
import type { Annotations } from '../jobs/annotations.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { shellQuoted } from '../state/private-file.ts';
import type { Logger } from '../log.ts';
import { cloudRemedy } from '../net/cloud-trouble.ts';
import { Listeners, Waiters } from '../net/timing.ts';
import { MAX_CALLBACK_LENGTH } from '../protocol/job.ts';
import { journalPath } from '../state/layout.ts';
import { Aside } from './aside.ts';
import { Contents } from './contents.ts';
import type { Copies, DeliveryRoute, Statuses } from './delivery.ts';
import {
  attemptRecord,
  endingOf,
  isCancellable,
  outcomeRecord,
  settledRecord,
  type Entry,
  type JournalRecord,
  type Origin,
} from './entry.ts';
import { Journal } from './journal.ts';
import { Lanes } from './lanes.ts';
import { keyOf } from './origins.ts';
import type { WaitingResult } from './overview.ts';
import type { RecentlyDone } from './recently-done.ts';

/** Results that wait are kept in memory: of large ones, fewer than the operator allows. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface OutboxOptions {
  readonly directory: string;
  readonly log: Logger;
  readonly maxRetryDelayMs: number;
  /** Results that may wait. */
  readonly maxJobs: number;
  readonly onTrouble: (trouble: Trouble | undefined) => void;
  /** Called with the number of entries whenever it has changed, and whether no further one may come. */
  readonly onChange: (size: number, isFull: boolean) => void;
}

export interface HowToSave {
  /** The cloud may have it already: a cancel comes too late. */
  readonly maybeSent?: boolean;
  readonly onDurable?: (() => void) | undefined;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #contents: Contents;
  #journal!: Journal;
  readonly #lanes: Lanes;
  readonly #aside: Aside;
  readonly #onAnswer = new Listeners();
  /** Undefined until the node is connected. */
  #statuses: Statuses | undefined;
  #copies: Copies | undefined;
  #lastRefusal: string | undefined;
  #lastDelivery: number | undefined;
  #refused = 0;
  #delivered = 0;
  #closed = false;
  readonly #waitingForChange = new Waiters();

  private constructor(options: OutboxOptions) {
    this.#options = options;
    const { directory, log, maxRetryDelayMs, maxJobs } = options;
    this.#aside = new Aside(directory, log);
    this.#contents = new Contents({ jobs: maxJobs, bytes: MAX_BYTES });
    this.#lanes = new Lanes({
      log,
      maxRetryDelayMs,
      ends: {
        delivered: (entry) => {
          this.#lastDelivery = Date.now();
          this.#delivered += 1;
          this.#answered(entry.origin);
          return this.#settled(entry);
        },
        refused: (entry, reason, byCloud) => {
          const { jobId } = entry.saved;
          if (byCloud) this.#answered(entry.origin);
          const what = byCloud
            ? `the cloud refused the result of job ${jobId}`
            : `the result of job ${jobId} cannot be delivered`;
          void this.#setAside(entry, what, reason);
        },
        failed: (entry, reason) => this.#failed(entry, reason),
      },
    });
  }

  /** Opens the outbox of a state directory with what an earlier run left in it. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(options);
    outbox.#journal = await Journal.open(journalPath(options.directory), {
      log: options.log,
      onRecord: (record) => outbox.#contents.restore(record as JournalRecord),
      snapshot: () => outbox.#contents.records(),
      onTrouble: options.onTrouble,
    });
    if (outbox.size > 0) options.log.info(`${outbox.size} saved results of an earlier run will be delivered`);
    outbox.#changed();
    return outbox;
  }

  /** Outcomes that are not yet delivered and acknowledged. */
  get size(): number {
    return this.#contents.size;
  }

  /** The jobs that have left the outbox. */
  get done(): RecentlyDone {
    return this.#contents.done;
  }

  /** Why results cannot be delivered at the moment, if so. */
  get outage(): string | undefined {
    return this.#contents.outage?.reason;
  }

  /** The origin of a callback, if its job has to wait: origins that do not answer have their half of the outbox. */
  crowdedOut(callbackUrl: string): string | undefined {
    const { origins } = this.#contents;
    if (!origins.isCrowded || origins.find(callbackUrl)?.answers === true) return undefined;
    return keyOf(callbackUrl);
  }

  /** Calls `listener` when jobs that had to wait may not have to any more. */
  onRoom(listener: () => void): void {
    this.#onAnswer.add(listener);
  }

  /** Why the cloud last refused a result; undefined if it has refused none since the start. */
  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  /** What is wrong with the delivery of results, if anything. */
  get trouble(): Trouble | undefined {
    const { outage } = this.#contents;
    if (outage === undefined) return undefined;
    const { reason, origin } = outage;
    if (origin === undefined)
      return { text: `results cannot be delivered: ${reason}`, remedy: cloudRemedy(reason) };
    return {
      text: `results cannot be delivered to ${origin}: ${reason}`,
      remedy: `${cloudRemedy(reason)} Results to other origins are delivered. See those that wait with coda results --waiting. If nobody waits for them: coda results drop --waiting --all --origin ${shellQuoted(origin)}`,
    };
  }

  /** When the cloud last took an outcome, since the start; Unix time in milliseconds. */
  get lastDelivery(): number | null {
    return this.#lastDelivery ?? null;
  }

  /** When the job ended whose outcome has waited longest; ISO 8601, UTC. */
  get oldest(): string | null {
    const [entry] = this.#contents.all();
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

  /** The first `most` of the results that wait for their delivery, the oldest first. */
  waiting(most: number): WaitingResult[] {
    return this.#contents.waiting(most);
  }

  has(jobId: string): boolean {
    return this.#contents.get(jobId) !== undefined;
  }

  /** Whether the job of this stream entry has its outcome in the outbox. */
  hasMessage(messageId: string): boolean {
    return this.#contents.hasMessage(messageId);
  }

  /** Jobs whose outcome a cancel can still suppress. */
  cancellable(): Iterable<string> {
    return this.#contents.cancellable();
  }

  /** Starts delivering; called once the node is connected. */
  start({ statuses, copies, deliver }: DeliveryRoute): void {
    this.#statuses = statuses;
    this.#copies = copies;
    for (const entry of this.#contents.all()) {
      if (entry.stage === 'saving') continue;
      if (entry.stage === 'waiting' && copies !== undefined) {
        // The node may have died before its copy was there.
        entry.stage = 'saving';
        void copies.save(entry.saved).then(() => this.#saved(entry));
        continue;
      }
      // The state may not have been written before the node died.
      this.#writeStatus(entry);
      if (entry.stage === 'settling') void this.#settle(entry);
      else this.#post(entry);
    }
    this.#lanes.start(deliver);
  }

  /** Saves an outcome; resolves once it is durable. Delivery follows by itself, after `onDurable` and once the copy is there.
   *  A job that has an outcome in the outbox keeps it: it has only one. */
  async save(saved: SavedOutcome, { maybeSent = false, onDurable }: HowToSave = {}): Promise<void> {
    if (this.has(saved.jobId)) {
      for (const messageId of saved.messageIds) this.adopt(saved.jobId, messageId);
      return;
    }
    const entry = this.#contents.add(saved);
    entry.maybeSent = maybeSent;
    this.#changed();
    const copied = this.#copies?.save(saved);
    await this.#journal.append(outcomeRecord(entry), { durable: true });
    onDurable?.();
    if (copied === undefined) this.#saved(entry);
    else void copied.then(() => this.#saved(entry));
  }

  #saved(entry: Entry): void {
    // A cancel may have come while the disk, or Redis, was at work.
    if (entry.stage !== 'saving') return;
    entry.stage = 'waiting';
    this.#writeStatus(entry);
    this.#post(entry);
  }

  /** The process ends: what has not been saved yet is saved at once. */
  saveNow(): void {
    this.#journal.saveNow();
  }

  /** Takes back a result that had been set aside, of a job that is not in the outbox; resolves once it is durable. */
  async resubmit(saved: SavedOutcome): Promise<void> {
    const entry = this.#contents.add(saved);
    // The cloud has been asked before: a cancel comes too late. Its status was written then.
    entry.maybeSent = true;
    this.#changed();
    await this.#journal.append(outcomeRecord(entry), { durable: true });
    entry.stage = 'waiting';
    this.#post(entry);
  }

  /** Keeps what was measured for a job that is reported failed; resolves once that is durable. */
  async keepMeasured(saved: SavedOutcome, reason: string): Promise<void> {
    await this.#aside.measured(saved, reason);
  }

  /** Another stream entry brought the same job: it is acknowledged together with the first. */
  adopt(jobId: string, messageId: string): void {
    const entry = this.#contents.get(jobId);
    if (entry !== undefined) this.#contents.adopt(entry, messageId);
  }

  /** Gives a result up that waits for its delivery: it is acknowledged and forgotten. Returns whether it is gone, or
   *  was not there; false while it is being saved or posted. */
  drop(jobId: string): boolean {
    const entry = this.#contents.get(jobId);
    if (entry === undefined || entry.stage === 'settling') return true;
    if (entry.stage !== 'waiting') return false;
    this.#options.log.warn(`the result of job ${jobId} was dropped by the operator; it is not delivered`, {
      job: jobId,
    });
    void this.#settled(entry);
    return true;
  }

  /** What plugins have noted on a job meanwhile goes with its outcome. Throws if the outcome is delivered already. */
  annotate(jobId: string, annotations: Annotations): void {
    const entry = this.#contents.get(jobId);
    if (entry === undefined || entry.stage === 'settling') {
      throw new Error(`the outcome of job ${jobId} is delivered: it cannot be annotated any more`);
    }
    this.#contents.annotate(entry, annotations);
    const record: JournalRecord = { t: 'annotated', jobId, annotations };
    void this.#journal.append(record, { durable: false });
  }

  /** Suppresses the delivery of an outcome, unless it may have begun. Returns whether it did. */
  cancel(jobId: string): boolean {
    const entry = this.#contents.get(jobId);
    if (entry === undefined || !isCancellable(entry)) return false;
    entry.stage = 'settling';
    entry.cancelled = true;
    void this.#settleCancelled(entry);
    return true;
  }

  /** Resolves once nothing is left to deliver. */
  async empty(): Promise<void> {
    while (this.size > 0) await this.#waitingForChange.next();
  }

  /** Stops delivering and closes the file; results that are not delivered stay for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#lanes.close();
    this.#aside.close();
    await this.#journal.close();
  }

  #remove(entry: Entry): void {
    const { origins } = this.#contents;
    const wasCrowded = origins.isCrowded;
    this.#contents.remove(entry);
    if (wasCrowded && !origins.isCrowded) this.#onAnswer.notify();
  }

  #changed(): void {
    this.#waitingForChange.notify();
    this.#options.onChange(this.size, this.#contents.origins.isFull);
  }

  /** A journal may hold callbacks from before they had a limit. */
  #post(entry: Entry): void {
    const { jobId, callbackUrl } = entry.saved;
    if (callbackUrl.length <= MAX_CALLBACK_LENGTH) this.#lanes.add(entry);
    else {
      entry.stage = 'posting';
      const reason = `its callback_url has more than ${MAX_CALLBACK_LENGTH} characters`;
      void this.#setAside(entry, `the result of job ${jobId} cannot be delivered`, reason);
    }
  }

  #answered(origin: Origin): void {
    const wasKnown = origin.hasAnswered;
    if (!this.#contents.origins.answered(origin)) return;
    if (!wasKnown) this.#journal.note({ t: 'answered', origin: origin.key } satisfies JournalRecord);
    this.#changed();
    this.#onAnswer.notify();
  }

  #failed(entry: Entry, reason: string): void {
    entry.reason = reason;
    this.#journal.note(attemptRecord(entry));
    const isNew = entry.origin.trouble === undefined;
    this.#contents.origins.failed(entry.origin, reason);
    if (isNew) this.#changed();
  }

  #writeStatus(entry: Entry): void {
    entry.statusWritten = this.#statuses?.ended(endingOf(entry));
  }

  async #setAside(entry: Entry, what: string, reason: string): Promise<void> {
    this.#lastRefusal = reason;
    this.#refused += 1;
    await this.#aside.undelivered(entry.saved, what, reason);
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
    // Only now: whoever finds neither copy nor state would run the job.
    if (this.#copies !== undefined) await this.#copies.remove(entry.saved.jobId);
    if (this.#closed) return;
    if (entry.saved.messageIds !== acknowledged) return this.#settle(entry);
    this.#remove(entry);
    const { jobId } = entry.saved;
    void this.#journal.append({ t: 'done', jobId } satisfies JournalRecord, { durable: false });
    this.#changed();
  }
}
