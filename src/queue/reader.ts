// Reads jobs from the stream on a connection of its own, as many as there is room for, and goes on by itself
// after every kind of trouble with Redis.
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { closeRedis, jitter, redisFault } from '../net/redis.ts';
import type { JobStream, StreamEntry } from './stream.ts';

/** An idle reader hears from Redis this often. */
const BLOCK_MS = 1_000;
/** An answer that is later than this is trouble. */
const LATE_MS = BLOCK_MS + 1_000;
const LONGEST_PAUSE_MS = 5_000;

export interface ReaderOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly log: Logger;
  /** How many jobs may be taken now. */
  readonly room: () => number;
  /** Takes up to `room` jobs that wait from before; says whether there were any. */
  readonly recover: (room: number) => Promise<boolean>;
  readonly take: (entries: readonly StreamEntry[]) => Promise<void>;
}

export class Reader {
  readonly #options: ReaderOptions;
  #started = false;
  /** Nothing has been read yet. */
  #isNew = true;
  #stopped = false;
  #wake: (() => void) | undefined;
  #trouble: string | undefined = 'no job has been read yet';
  /** When the read that is under way was sent; monotonic milliseconds. */
  #askedAt: number | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Why no jobs are read at the moment, if so. */
  get trouble(): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    const late = this.#askedAt !== undefined && performance.now() - this.#askedAt > LATE_MS;
    return late ? 'Redis does not answer the reader' : undefined;
  }

  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    void this.#run();
  }

  /** Looks again at once: there may be room now, or something to recover. */
  wake(): void {
    this.#wake?.();
  }

  /** No further job is read after this; a read under way is cut off, and what it brings stays pending. */
  stop(): void {
    this.#stopped = true;
    this.wake();
    closeRedis(this.#options.redis);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { room, recover, log } = this.#options;
    for (let pauseMs = 100; !this.#stopped;) {
      const count = room();
      if (count <= 0) {
        await this.#greet();
        await this.#pause();
        continue;
      }
      try {
        if (await recover(count)) continue;
        await this.#read(count);
        if (this.#trouble !== undefined) log.info('reading jobs');
        this.#trouble = undefined;
        this.#isNew = false;
        pauseMs = 100;
      } catch (thrown) {
        if (this.#stopped) return;
        const reason = redisFault(thrown);
        if (reason.startsWith('NOGROUP') && (await this.#createGroup())) continue;
        if (this.#trouble !== reason) log.warn(`jobs cannot be read: ${reason}; trying again`);
        this.#trouble = reason;
        await this.#pause(jitter(pauseMs));
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  async #read(count: number): Promise<void> {
    const { redis, stream, take } = this.#options;
    this.#askedAt = performance.now();
    try {
      // The first answer says that the node is ready, so it is not kept waiting for a job.
      const entries = await stream.read(redis, count, this.#trouble === undefined ? BLOCK_MS : 0);
      if (entries.length > 0) {
        take(entries)
          .catch((thrown: unknown) =>
            this.#options.log.warn(`jobs that were read stay pending for now: ${redisFault(thrown)}`),
          )
          // Those that needed no run have left room, and no end of a run will tell.
          .finally(() => this.wake());
      }
    } finally {
      this.#askedAt = undefined;
    }
  }

  /** With enough jobs taken nothing is read, and trouble that is over would be told of until a run ends. */
  async #greet(): Promise<void> {
    const { redis } = this.#options;
    if (this.#trouble === undefined || this.#isNew || redis.status !== 'ready') return;
    await redis.ping().then(
      () => (this.#trouble = undefined),
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

  #pause(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
