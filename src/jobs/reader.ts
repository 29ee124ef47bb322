// Reads jobs from the stream on a connection of its own, as many as there is room for, and goes on by itself
// after every kind of trouble with Redis.
import type { Redis } from 'ioredis';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { jitter } from '../redis.ts';
import type { JobStream, StreamEntry } from './stream.ts';

/** An idle reader hears from Redis this often. */
const BLOCK_MS = 1_000;
/** An answer that is later than this is trouble; later than that, the connection is given up. */
const LATE_MS = BLOCK_MS + 1_000;
const DEAD_MS = BLOCK_MS + 4_000;
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
  #loop: Promise<void> | undefined;
  #stopped = false;
  #wake: (() => void) | undefined;
  #trouble: string | undefined = 'no job has been read yet';
  /** When the read that is under way was sent; monotonic milliseconds. */
  #askedAt: number | undefined;
  /** Typical time from asking for waiting jobs to having them. */
  #fetchMs = 1;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Why no jobs are read at the moment, if so. */
  get trouble(): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    const late = this.#askedAt !== undefined && performance.now() - this.#askedAt > LATE_MS;
    return late ? 'Redis does not answer the reader' : undefined;
  }

  get fetchMs(): number {
    return this.#fetchMs;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Looks again at once: there may be room now, or something to recover. */
  wake(): void {
    this.#wake?.();
  }

  /** No further job is read after this; a read under way is cut off, and what it brings stays pending. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    this.#options.redis.disconnect();
    // disconnect() alone waits for the peer, which may be frozen.
    this.#options.redis.stream?.destroy();
    await this.#loop;
  }

  /** Drops a connection on which nothing comes any more. Called from time to time. */
  watch(): void {
    if (this.#askedAt === undefined || performance.now() - this.#askedAt < DEAD_MS) return;
    this.#options.log.warn('Redis does not answer the reader; connecting anew');
    this.#askedAt = performance.now();
    // Not disconnect(): that waits for the peer, which may be frozen.
    this.#options.redis.stream?.destroy();
  }

  async #run(): Promise<void> {
    const { room, recover, log } = this.#options;
    for (let pauseMs = 100; !this.#stopped;) {
      const count = room();
      if (count <= 0) {
        await this.#pause();
        continue;
      }
      try {
        if (await recover(count)) continue;
        await this.#read(count);
        if (this.#trouble !== undefined) log.info('reading jobs');
        this.#trouble = undefined;
        pauseMs = 100;
      } catch (thrown) {
        if (this.#stopped) return;
        const reason = messageOf(thrown);
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
    // A connection that is never made is watched as well.
    this.#askedAt = performance.now();
    try {
      await connected(redis);
      const asked = (this.#askedAt = performance.now());
      const entries = await orLost(redis, stream.read(redis, count, BLOCK_MS));
      const tookMs = performance.now() - asked;
      // A read that had to wait for jobs says nothing about the way to Redis.
      if (entries.length > 0 && tookMs < BLOCK_MS / 2) this.#fetchMs += (tookMs - this.#fetchMs) / 8;
      if (entries.length > 0) {
        take(entries).catch((thrown: unknown) =>
          this.#options.log.warn(`jobs that were read stay pending: ${messageOf(thrown)}`),
        );
      }
    } finally {
      this.#askedAt = undefined;
    }
  }

  async #createGroup(): Promise<boolean> {
    const { stream, redis, log } = this.#options;
    try {
      await stream.ensureGroup(redis);
      log.info(`created the consumer group ${stream.group}`);
      return true;
    } catch (thrown) {
      log.warn(`the consumer group ${stream.group} cannot be created: ${messageOf(thrown)}`);
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

/** Resolves once commands can be sent, or never can be again; a read that waited in a queue could not be told lost. */
async function connected(redis: Redis): Promise<void> {
  if (redis.status === 'ready' || redis.status === 'end') return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      redis.off('ready', done).off('end', done);
      resolve();
    };
    redis.on('ready', done).on('end', done);
  });
}

/** Rejects when the connection is lost: ioredis leaves a command that it does not send again unanswered for ever. */
function orLost<T>(redis: Redis, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new Error('the connection to Redis was lost'));
    redis.once('close', lost);
    answer.then(resolve, reject).finally(() => redis.off('close', lost));
  });
}
