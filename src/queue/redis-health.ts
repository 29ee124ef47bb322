// Knows whether Redis answers, from a PING every second. A silent connection is closed by net/redis.ts.
import type { Redis } from 'ioredis';
import type { Trouble } from '../errors.ts';
import { ConnectionTrouble } from '../net/connection-trouble.ts';
import { redisTroubleOf } from '../net/redis-trouble.ts';

const PING_EVERY_MS = 1_000;
/** Without an answer for this long, Redis is not healthy. */
const LATE_MS = 2_000;

export class RedisHealth {
  readonly #redis: Redis;
  readonly #connection: ConnectionTrouble;
  readonly #timer: NodeJS.Timeout;
  #answeredAt = -Infinity;
  #isAsking = false;
  /** An answer should be there by now, and is not although this process had the time to read it. */
  #isLate = false;
  #roundTripMs: number | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#connection = new ConnectionTrouble(redis);
    this.#timer = setInterval(() => this.#ping(), PING_EVERY_MS);
    redis.on('ready', () => {
      this.#isLate = false;
      this.#ping();
    });
  }

  get healthy(): boolean {
    const isSilent = this.#isLate && performance.now() - this.#answeredAt >= LATE_MS;
    return this.#redis.status === 'ready' && this.#answeredAt > 0 && !isSilent;
  }

  /** Monotonic milliseconds. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** Why Redis is not healthy, if so; not before it has had the time to answer. */
  get trouble(): Trouble | undefined {
    if (this.healthy) return undefined;
    const isNew = !this.#isLate && (this.#redis.status === 'ready' || this.#answeredAt < 0);
    return this.#connection.trouble ?? (isNew ? undefined : redisTroubleOf('ETIMEDOUT', this.#redis));
  }

  get roundTripMs(): number {
    return this.#roundTripMs ?? 1;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #ping(): void {
    if (this.#redis.status !== 'ready') {
      this.#isLate = true;
      void this.#connection.look();
      return;
    }
    if (this.#isAsking) {
      // After a time in which the event loop stood still, the answer may be there unread.
      setImmediate(() => (this.#isLate ||= this.#isAsking));
      return;
    }
    this.#isAsking = true;
    const askedAt = performance.now();
    this.#redis
      .ping()
      .then(() => {
        this.#answeredAt = performance.now();
        this.#isLate = false;
        const tookMs = this.#answeredAt - askedAt;
        this.#roundTripMs = ((this.#roundTripMs ?? tookMs) + tookMs) / 2;
      })
      // The connection is lost, and the next one begins with a PING.
      .catch(() => {})
      .finally(() => (this.#isAsking = false));
  }
}
