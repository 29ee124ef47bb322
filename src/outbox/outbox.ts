// The outbox: an outcome is durable before anything says so, then delivered for as long as it takes, then forgotten.
//
//   save -> durable, and copied to Redis if that is wanted -> status sent, posted (again and again) -> acknowledged -> forgotten
//                  \-> cancelled before the first post -> acknowledged -> forgotten
//                            \-> refused for good: set aside, acknowledged, forgotten
//
// How it leaves is in ends.ts. An outcome is forgotten once Redis has both its status and its acknowledgement; until then
// a start writes both again. A kill repeats the posts that were under way, at most one for each lane: a lane posts the
// next outcome only when the journal has the end of the last one.
import type { Trouble } from '../errors.ts';
import type { Annotations } from '../jobs/annotations.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { Listeners, Waiters } from '../net/timing.ts';
import { MAX_CALLBACK_LENGTH } from '../protocol/job.ts';
import { journalPath } from '../state/layout.ts';
import { Aside } from './aside.ts';
import { Contents } from './contents.ts';
import type { Copies, DeliveryRoute } from './delivery.ts';
import { Ends } from './ends.ts';
import { isCancellable, outcomeRecord, type Entry, type JournalRecord } from './entry.ts';
import { Journal } from './journal.ts';
import { Lanes } from './lanes.ts';
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
  readonly #journal: Journal;
  readonly #ends: Ends;
  readonly #lanes: Lanes;
  readonly #aside: Aside;
  /** Undefined until the node is connected, and if outcomes are on the disk alone. */
  #copies: Copies | undefined;
  readonly #onRoom = new Listeners();
  readonly #waitingForChange = new Waiters();

  private constructor(options: OutboxOptions, contents: Contents, journal: Journal) {
    this.#options = options;
    this.#contents = contents;
    this.#journal = journal;
    const { directory, log, maxRetryDelayMs } = options;
    this.#aside = new Aside(directory, log);
    const onChange = (): void => this.#changed();
    this.#ends = new Ends({ log, contents, journal, aside: this.#aside, onChange, onRoom: this.#onRoom });
    this.#lanes = new Lanes({ log, maxRetryDelayMs, ends: this.#ends });
  }

  /** Opens the outbox of a state directory with what an earlier run left in it. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { directory, log, maxJobs, onTrouble } = options;
    const contents = new Contents({ jobs: maxJobs, bytes: MAX_BYTES });
    const journal = await Journal.open(journalPath(directory), {
      log,
      onRecord: (record) => contents.restore(record as JournalRecord),
      snapshot: () => contents.records(),
      onTrouble,
    });
    const outbox = new Outbox(options, contents, journal);
    if (outbox.size > 0) log.info(`${outbox.size} saved results of an earlier run will be delivered`);
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
    return this.#contents.origins.crowdedOut(callbackUrl);
  }

  /** Calls `listener` when jobs that had to wait may not have to any more. */
  onRoom(listener: () => void): void {
    this.#onRoom.add(listener);
  }

  /** What is wrong with the delivery of results, if anything. */
  get trouble(): Trouble | undefined {
    return this.#contents.trouble;
  }

  /** When the job ended whose outcome has waited longest; ISO 8601, UTC. */
  get oldest(): string | null {
    return this.#contents.oldest;
  }

  /** How outcomes have left since the start of the node. */
  get ends(): Pick<Ends, 'counts' | 'lastDelivery' | 'lastRefusal'> {
    return this.#ends;
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
  start(route: DeliveryRoute): void {
    const { copies, deliver } = route;
    this.#ends.start(route);
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
      this.#ends.writeStatus(entry);
      if (entry.stage === 'settling') void this.#ends.settle(entry);
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
    this.#ends.writeStatus(entry);
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
    this.#ends.dropped(entry);
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
    this.#ends.cancelled(entry);
    return true;
  }

  /** Resolves once nothing is left to deliver. */
  async empty(): Promise<void> {
    while (this.size > 0) await this.#waitingForChange.next();
  }

  /** Stops delivering and closes the file; results that are not delivered stay for the next start. */
  async close(): Promise<void> {
    this.#ends.close();
    this.#lanes.close();
    this.#aside.close();
    await this.#journal.close();
  }

  #changed(): void {
    this.#waitingForChange.notify();
    this.#options.onChange(this.size, this.#contents.origins.isFull);
  }

  /** A journal may hold callbacks from before they had a limit. */
  #post(entry: Entry): void {
    if (entry.saved.callbackUrl.length <= MAX_CALLBACK_LENGTH) this.#lanes.add(entry);
    else {
      entry.stage = 'posting';
      const reason = `its callback_url has more than ${MAX_CALLBACK_LENGTH} characters`;
      this.#ends.refused(entry, reason, false);
    }
  }
}
