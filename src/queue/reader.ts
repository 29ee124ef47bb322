// Reads jobs from the stream on a connection of its own, as many as there is room for. Continues by itself after every
// kind of trouble with Redis.
import type { Redis } from 'ioredis';
import type { Trouble } from '../errors.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Admission } from '../kernel/admission.ts';
import type { Logger } from '../log.ts';
import { ConnectionTrouble } from '../net/connection-trouble.ts';
import { lookIntoTrouble, redisTrouble, redisTroubleOf } from '../net/redis-trouble.ts';
import { closeRedis, isConnectionFault, jitter } from '../net/redis.ts';
import { endsWithin, Pause } from '../net/timing.ts';
import type { Entries } from './entries.ts';
import type { Intake } from './intake.ts';
import type { Recovery } from './recovery.ts';
import { isGroupMissing, type JobStream } from './stream.ts';

/** An idle reader gets an answer of Redis this often. */
const BLOCK_MS = 1_000;
/** An answer that is later than this is trouble. */
const LATE_MS = BLOCK_MS + 1_000;
const LONGEST_PAUSE_MS = 5_000;

const NOT_YET: Trouble = {
  text: 'no job has been read yet',
  remedy: 'The node has only just started, or waits for Redis. It continues by itself.',
};

/** Says how many jobs may be taken now. */
export interface Prefetching {
  room(): number;
}

export interface ReaderOptions {
  /** The connection of `entries`. */
  readonly redis: Redis;
  readonly entries: Entries;
  readonly stream: JobStream;
  readonly held: JobTable;
  readonly admission: Admission;
  readonly prefetch: Prefetching;
  readonly recovery: Recovery;
  readonly intake: Intake;
  readonly leaseMs: number;
  readonly log: Logger;
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #pause = new Pause();
  readonly #connection: ConnectionTrouble;
  /** Why the last attempt to read failed. */
  #fault: Trouble | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  /** Something has been read. */
  #hasRead = false;
  /** When the read that is under way was sent; monotonic milliseconds. */
  #askedAt: number | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#connection = new ConnectionTrouble(options.redis);
    const { redis, held, admission, recovery } = options;
    const wake = (): void => this.#pause.wake();
    held.onRoom(wake);
    admission.onOpen(wake);
    recovery.onSwept(wake);
    redis.on('ready', wake);
    // A reply that was lost with the connection exists only in the pending list.
    redis.on('close', () => void recovery.sweep());
  }

  /** Why no jobs are read, if so, as was to be seen when Redis last answered: a later silence may be this process's own. */
  troubleBy(answeredAt: number): Trouble | undefined {
    if (this.#knownTrouble !== undefined) return this.#knownTrouble;
    const late = this.#askedAt !== undefined && answeredAt - this.#askedAt > LATE_MS;
    return late ? redisTroubleOf('ETIMEDOUT', this.#options.redis) : undefined;
  }

  get #knownTrouble(): Trouble | undefined {
    return this.#fault ?? (this.#hasRead ? undefined : NOT_YET);
  }

  start(): void {
    if (this.#stopped) return;
    this.#running ??= this.#run();
  }

  /** No further job is read after this; what a read under way still brings stays pending. Resolves once Redis knows, or
   *  that read has ended by itself: until then Redis would give the next job to it, and nobody would run that job before
   *  the lease is over. A tunnel that goes down with the node may keep the goodbye from Redis. */
  async stop(): Promise<void> {
    const { redis } = this.#options;
    const running = this.#askedAt === undefined ? undefined : this.#running;
    this.#stopped = true;
    this.#pause.wake();
    if (running !== undefined && redis.status === 'ready') {
      redis.disconnect();
      await endsWithin(running, LATE_MS);
    }
    closeRedis(redis);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { prefetch, recovery, entries, log } = this.#options;
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
        if (await recovery.take(count, entries)) continue;
        await this.#read(count);
        const wasSilent = this.#knownTrouble !== undefined;
        this.#fault = undefined;
        this.#hasRead = true;
        if (wasSilent) log.info('reading jobs');
        pauseMs = 100;
      } catch (thrown) {
        if (this.#stopped) return;
        if (isGroupMissing(thrown) && (await this.#createGroup())) continue;
        // Begun before the look: a connection that is back meanwhile ends it.
        const pause = this.#pause.wait(jitter(pauseMs));
        if (!isGroupMissing(thrown)) this.#fault = await this.#faultOf(thrown);
        await pause;
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  async #read(count: number): Promise<void> {
    const { redis, entries, intake, leaseMs, log } = this.#options;
    // A job that is given to the request at its end is taken in with most of its lease.
    const blockMs = Math.min(BLOCK_MS, Math.floor(leaseMs / 2));
    const askedAt = (this.#askedAt = performance.now());
    try {
      // The first answer says that the node is ready, so it is not kept waiting for a job.
      const found = await entries.read(count, this.#knownTrouble === undefined ? blockMs : 0);
      if (found !== undefined && found.length > 0 && !this.#stopped) {
        intake
          .take(found, askedAt)
          .catch((thrown: unknown) =>
            log.warn(`jobs that were read stay pending for now: ${redisTrouble(thrown, redis).text}`),
          );
      }
    } finally {
      this.#askedAt = undefined;
    }
  }

  /** A full queue stops reading, so a past fault would stay reported; PING clears it. */
  async #probe(): Promise<void> {
    const { redis } = this.#options;
    if (this.#fault === undefined || !this.#hasRead || redis.status !== 'ready') return;
    await redis.ping().then(
      () => (this.#fault = undefined),
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
      this.#fault = await this.#faultOf(thrown);
      return false;
    }
  }

  /** A lost connection says nothing itself of why. */
  async #faultOf(thrown: unknown): Promise<Trouble> {
    const known = isConnectionFault(thrown) ? this.#connection.trouble : undefined;
    const fault = known ?? (await lookIntoTrouble(thrown, this.#options.redis));
    this.#options.log.debug(`jobs cannot be read: ${fault.text}`);
    return fault;
  }
}
