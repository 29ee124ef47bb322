// Writes the history: takes what the hooks tell, keeps lines in memory for a moment, and writes them together. Whatever is
// wrong with the disk, it costs lines of the history and one warning, and nobody waits.
import type { DeviceFigures } from '../device/device-time.ts';
import { messageOf } from '../errors.ts';
import type { EndedJob, IdleGap } from '../jobs/ended-job.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { RepeatFilter } from '../log.ts';
import { CountedLines } from '../log/counted-lines.ts';
import type { Delivery } from '../outbox/delivery.ts';
import { historyDirectory, nodeFolder } from '../state/layout.ts';
import { writeRemedy } from '../state/private-file.ts';
import { AgeWatch } from './age.ts';
import { Bytes } from './bytes.ts';
import { DetailKeeper, type DetailOptions } from './details.ts';
import { Earlier } from './earlier.ts';
import { SeriesWriter } from './files.ts';
import type { History, HistoryEntry, HistoryQuery } from './history.ts';
import { addAttemptLine, addCancelLine, addJobLine, addShortLine } from './lines.ts';
import { DeviceWatch, Tally } from './minute.ts';
import { isToDeliver, parseLine } from './parse.ts';
import { findJob, listJobs, readTrend } from './read.ts';
import type { DeliveryAttempt, JobRecord, Period } from './record.ts';

const FLUSH_AFTER_MS = 1_000;
/** So much is written without waiting for that. */
const FLUSH_BYTES = 256 * 1024;
/** If the disk does not keep up, what is more than this is lost. */
const MOST_BYTES = 8 * 1024 * 1024;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The minutes' share of the space. */
const MINUTES_SHARE = 1 / 4;
/** All of the first attempts to deliver a result are recorded; of later ones the 16th, the 32nd and so on, and the last. */
const ALL_ATTEMPTS = 8;
const NOT_DELIVERED: JobRecord['delivery'] = { state: 'none', at: null, attempts: [] };
const WAITING: JobRecord['delivery'] = { state: 'waiting', at: null, attempts: [] };

export interface RecorderOptions extends DetailOptions {
  readonly stateDir: string;
  readonly maxMb: number;
  /** 0: records are not removed for their age. */
  readonly maxDays: number;
}

export class Recorder implements History {
  readonly #options: RecorderOptions;
  readonly #directory: string;
  readonly #jobs: SeriesWriter;
  readonly #minutes: SeriesWriter;
  readonly #tally = new Tally();
  readonly #device = new DeviceWatch(this.#tally);
  readonly #details: DetailKeeper;
  readonly #earlier: Earlier;
  readonly #listeners = new Set<(entry: HistoryEntry) => void>();
  readonly #troubles = new RepeatFilter();
  readonly #failures = new CountedLines((left, seconds) =>
    this.#options.log.error(
      `listeners of the history have failed ${left} more times in the last ${seconds} s`,
    ),
  );
  readonly #age = new AgeWatch();
  readonly #lines = new Bytes();
  /** The last flush that was asked for, and how many have not ended. Each waits for the one before. */
  #writing: Promise<void> | undefined;
  #flushes = 0;
  #reading: Promise<unknown> = Promise.resolve();
  #flushTimer: NodeJS.Timeout | undefined;
  #minuteTimer: NodeJS.Timeout | undefined;
  #minuteBegan = performance.now();
  #minuteFrom = Date.now();
  #figures: (() => DeviceFigures) | undefined;
  #closed = false;

  constructor(options: RecorderOptions) {
    const { stateDir, maxMb, maxDays } = options;
    this.#options = options;
    this.#directory = historyDirectory(nodeFolder(stateDir));
    const maxBytes = maxMb * 1024 * 1024;
    const maxAgeMs = maxDays === 0 ? Infinity : maxDays * DAY_MS;
    const shared = { folder: this.#directory, maxAgeMs };
    this.#jobs = new SeriesWriter({ ...shared, series: 'jobs', maxBytes: maxBytes * (1 - MINUTES_SHARE) });
    this.#minutes = new SeriesWriter({ ...shared, series: 'minutes', maxBytes: maxBytes * MINUTES_SHARE });
    this.#details = new DetailKeeper(options);
    this.#earlier = new Earlier(this.#directory, this.#details, (lines) => {
      this.#begin();
      this.#lines.text(lines);
      this.#added();
    });
  }

  /** From now on each minute is written, also one in which nothing happens. */
  start(figures: () => DeviceFigures): void {
    this.#figures = figures;
    this.#minuteBegan = performance.now();
    this.#minuteFrom = Date.now();
    this.#minuteTimer = setInterval(() => void this.#flush(), MINUTE_MS).unref();
    // Soon there is a first minute: that the node runs is seen from it.
    this.#added();
  }

  ended(ended: EndedJob): void {
    const { outcome, startedAt, endedAt, sentAt, takenAt } = ended;
    const tally = this.#tally;
    tally.counts[outcome.status] += 1;
    if (startedAt !== null) {
      tally.wait.add(startedAt - (sentAt < takenAt ? sentAt : takenAt));
      tally.run.add(endedAt - startedAt);
    }
    this.#earlier.endedHere(endedAt);
    const details = this.#details.detailsOf(ended);
    const from = this.#begin();
    addJobLine(this.#lines, ended, details);
    this.#addedJob(from);
  }

  attempted(
    { jobId, endedAt, outcome, messageIds, annotations }: SavedOutcome,
    number: number,
    delivery: Delivery,
  ): void {
    const at = Date.now();
    const { kind } = delivery;
    const { counts } = this.#tally;
    if (kind !== 'retry') {
      counts[kind] += 1;
      if (kind === 'delivered') this.#tally.delivery.add(at - this.#earlier.timeOf(endedAt));
    } else if (number > ALL_ATTEMPTS && !Number.isInteger(Math.log2(number))) return;
    const reason = delivery.kind === 'delivered' ? null : this.#details.shortened(delivery.reason);
    const attempt: DeliveryAttempt = { number, at, kind, reason };
    const noted = kind === 'retry' ? undefined : annotations;
    if (this.#earlier.isEarlier(endedAt)) {
      const line = new Bytes();
      addAttemptLine(line, jobId, attempt, noted);
      this.#earlier.add({ jobId, endedAt, outcome, messageIds }, line.since(0));
    } else {
      this.#begin();
      addAttemptLine(this.#lines, jobId, attempt, noted);
      this.#added();
    }
    if (this.#listeners.size > 0) this.#tell({ kind: 'attempt', jobId, attempt });
  }

  /** The cloud has cancelled a job whose result was to be delivered. */
  cancelled(jobId: string): void {
    const at = Date.now();
    this.#tally.counts.cancelled += 1;
    this.#begin();
    addCancelLine(this.#lines, jobId, at);
    this.#added();
    this.#tell({ kind: 'cancelled', jobId, at });
  }

  deadLetter(messageId: string, reason: string): void {
    this.#tally.counts.deadLetters += 1;
    const sentAt = Number.parseInt(messageId, 10);
    const record = { jobId: messageId, outcome: 'dead-letter', sentAt, endedAt: Date.now() } as const;
    const error = this.#details.text(reason);
    const from = this.#begin();
    addShortLine(this.#lines, { ...record, executionTimeMs: null, shotsCompleted: null }, { error });
    this.#addedJob(from);
  }

  gap(gap: IdleGap): void {
    this.#device.gap(gap);
  }

  async recent(n: number): Promise<JobRecord[]> {
    return [...(await this.list({ limit: n })).jobs];
  }

  async find(jobId: string): Promise<JobRecord | undefined> {
    return this.#inTurn(() => findJob(this.#directory, jobId));
  }

  async list(query: HistoryQuery): Promise<Awaited<ReturnType<History['list']>>> {
    return this.#inTurn(() => listJobs(this.#directory, query));
  }

  async trend(since: number, bucketMs: number): Promise<Period[]> {
    return this.#inTurn(() => readTrend(this.#directory, since, Math.max(MINUTE_MS, bucketMs)));
  }

  onRecord(listener: (entry: HistoryEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Writes what is there. Nothing is recorded afterwards. */
  async close(): Promise<void> {
    clearInterval(this.#minuteTimer);
    clearTimeout(this.#flushTimer);
    await this.#earlier.settled();
    await this.#flush();
    this.#closed = true;
    await this.#jobs.close();
    await this.#minutes.close();
  }

  /** Reads what is written by then, one after another: between two pieces of many files, the device would wait for long. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const turn = this.#reading.then(async () => {
      await this.#flush();
      return read();
    });
    this.#reading = turn.catch(() => {});
    return turn;
  }

  /** Returns where the next line begins. If the disk does not keep up, what waits for it is lost. */
  #begin(): number {
    if (this.#lines.length > MOST_BYTES) {
      this.#lines.take();
      this.#isLost(new Error('the disk does not keep up'));
    }
    return this.#lines.length;
  }

  #added(): void {
    if (this.#lines.length > FLUSH_BYTES && this.#writing === undefined) void this.#flush();
    else this.#flushTimer ??= setTimeout(() => void this.#flush(), FLUSH_AFTER_MS).unref();
  }

  #addedJob(from: number): void {
    const text = this.#listeners.size === 0 ? undefined : this.#lines.since(from);
    this.#added();
    const line = text === undefined ? undefined : parseLine(text);
    if (line?.is !== 'job') return;
    const { job } = line;
    const delivery = isToDeliver(job.origin, job.outcome) ? WAITING : NOT_DELIVERED;
    this.#tell({ kind: 'job', job: { ...job, delivery, place: '' } });
  }

  /** Resolves once all that is known at this moment is written, or lost. Never rejects. */
  #flush(): Promise<void> {
    this.#flushes += 1;
    return (this.#writing = this.#writeAfter(this.#writing));
  }

  async #writeAfter(before: Promise<void> | undefined): Promise<void> {
    await before;
    try {
      await this.#write();
      this.#isWritten();
    } catch (thrown) {
      this.#isLost(thrown);
    }
    this.#flushes -= 1;
    if (this.#flushes === 0) this.#writing = undefined;
  }

  async #write(): Promise<void> {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#closed) return;
    if (this.#lines.length > 0) await this.#jobs.write(this.#lines.take());
    await this.#writeMinute();
    if (!this.#age.isDue()) return;
    await this.#jobs.removeOld();
    await this.#minutes.removeOld();
  }

  /** The minute that is not over yet is written, too, and replaced by the next flush. */
  async #writeMinute(): Promise<void> {
    if (this.#figures === undefined) return;
    this.#device.look(this.#figures());
    const now = performance.now();
    this.#tally.coveredMs = now - this.#minuteBegan;
    const isOver = this.#tally.coveredMs >= MINUTE_MS;
    const line = this.#tally.line(this.#minuteFrom);
    if (isOver) {
      this.#tally.clear();
      this.#minuteBegan = now;
      this.#minuteFrom = Date.now();
    }
    await this.#minutes.write(Buffer.from(line), isOver);
  }

  #isWritten(): void {
    if (this.#troubles.clear()) this.#options.log.info('the history is written again');
  }

  #isLost(thrown: unknown): void {
    const text = messageOf(thrown);
    if (!this.#troubles.isNew(text)) return;
    this.#options.log.warn(
      `the history of jobs cannot be written: ${text}; jobs are not touched by that\n  → ${writeRemedy(thrown, this.#directory)}`,
    );
  }

  #tell(entry: HistoryEntry): void {
    for (const listener of this.#listeners) {
      try {
        listener(entry);
      } catch (thrown) {
        if (!this.#failures.hasRoom()) continue;
        this.#options.log.error(`a listener of the history failed: ${messageOf(thrown)}`);
      }
    }
  }
}
