// Reads jobs from the stream on a connection of its own, as many as there is room for. Continues by itself after every
// kind of trouble with Redis.
import type { Redis } from 'ioredis';
import type { JobTable } from '../jobs/job-table.ts';
import type { Admission } from '../kernel/admission.ts';
import { RepeatFilter, type Logger } from '../log.ts';
import { closeRedis, jitter, redisFault } from '../net/redis.ts';
import { Pause } from '../net/timing.ts';
import type { Intake } from './intake.ts';
import type { Recovery } from './recovery.ts';
import type { JobStream } from './stream.ts';

/** An idle reader gets an answer of Redis this often. */
const BLOCK_MS = 1_000;
/** An answer that is later than this is trouble. */
const LATE_MS = BLOCK_MS + 1_000;
const LONGEST_PAUSE_MS = 5_000;

/** Says how many jobs may be taken now. */
export interface Prefetching {
  room(): number;
}

export interface ReaderOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly held: JobTable;
  readonly admission: Admission;
  readonly prefetch: Prefetching;
  readonly recovery: Recovery;
  readonly intake: Intake;
  readonly log: Logger;
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #pause = new Pause();
  readonly #faults = new RepeatFilter();
  #started = false;
  #stopped = false;
  /** Something has been read. */
  #hasRead = false;
  /** When the read that is under way was sent; monotonic milliseconds. */
  #askedAt: number | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { redis, held, admission, recovery } = options;
    const wake = (): void => this.#pause.wake();
    held.onRoom(wake);
    admission.onOpen(wake);
    recovery.onSwept(wake);
    redis.on('ready', wake);
    // A reply that was lost with the connection exists only in the pending list.
    redis.on('close', () => void recovery.sweep());
  }

  /** Why no jobs are read at the moment, if so. */
  get trouble(): string | undefined {
    if (this.#knownTrouble !== undefined) return this.#knownTrouble;
    const late = this.#askedAt !== undefined && performance.now() - this.#askedAt > LATE_MS;
    return late ? 'Redis does not answer the reader' : undefined;
  }

  get #knownTrouble(): string | undefined {
    return this.#faults.last ?? (this.#hasRead ? undefined : 'no job has been read yet');
  }

  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    void this.#run();
  }

  /** No further job is read after this; a read under way is cut off, and its jobs stay pending. */
  stop(): void {
    this.#stopped = true;
    this.#pause.wake();
    closeRedis(this.#options.redis);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { prefetch, recovery, log } = this.#options;
    for (let pauseMs = 100; !this.#stopped;) {
      const count = prefetch.room();
      if (count <= 0) {
        // Begun before the probe: room that comes meanwhile ends it.
        const pause = this.#pause.wait();
        await this.#probe();
        await pause;
        continue;
      }
      try {
        if (await recovery.take(count)) continue;
        await this.#read(count);
        const wasSilent = this.#knownTrouble !== undefined;
        this.#faults.clear();
        this.#hasRead = true;
        if (wasSilent) log.info('reading jobs');
        pauseMs = 100;
      } catch (thrown) {
        if (this.#stopped) return;
        const reason = redisFault(thrown);
        if (reason.startsWith('NOGROUP') && (await this.#createGroup())) continue;
        if (this.#faults.isNew(reason)) log.warn(`jobs cannot be read: ${reason}; trying again`);
        await this.#pause.wait(jitter(pauseMs));
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  async #read(count: number): Promise<void> {
    const { redis, stream, intake, log } = this.#options;
    this.#askedAt = performance.now();
    try {
      // The first answer says that the node is ready, so it is not kept waiting for a job.
      const entries = await stream.read(redis, count, this.#knownTrouble === undefined ? BLOCK_MS : 0);
      if (entries.length > 0) {
        intake
          .take(entries)
          .catch((thrown: unknown) =>
            log.warn(`jobs that were read stay pending for now: ${redisFault(thrown)}`),
          );
      }
    } finally {
      this.#askedAt = undefined;
    }
  }

  /** A full queue stops reading, so a past fault would stay reported; PING clears it. */
  async #probe(): Promise<void> {
    const { redis } = this.#options;
    if (this.#faults.last === undefined || !this.#hasRead || redis.status !== 'ready') return;
    await redis.ping().then(
      () => this.#faults.clear(),
      () => {},
    );
  }

  async #createGroup(): Promise<boolean> {
    const { stream, redis, log } = this.#options;
    try {
      await stream.ensureGroup(redis);
      log.info(`created the consumer group ${stream.group}`);
      return true;
    } catch (thrown) {
      log.warn(`the consumer group ${stream.group} cannot be created: ${redisFault(thrown)}`);
      return false;
    }
  }
}
