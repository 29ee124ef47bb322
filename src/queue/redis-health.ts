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
  #roundTripMs: number | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#connection = new ConnectionTrouble(redis);
    this.#timer = setInterval(() => this.#ping(), PING_EVERY_MS);
    redis.on('ready', () => this.#ping());
  }

  get healthy(): boolean {
    return this.#redis.status === 'ready' && performance.now() - this.#answeredAt < LATE_MS;
  }

  /** Why Redis is not healthy, if so. */
  get trouble(): Trouble | undefined {
    return this.healthy ? undefined : (this.#connection.trouble ?? redisTroubleOf('ETIMEDOUT', this.#redis));
  }

  get roundTripMs(): number {
    return this.#roundTripMs ?? 1;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #ping(): void {
    if (this.#redis.status !== 'ready') {
      void this.#connection.look();
      return;
    }
    if (this.#isAsking) return;
    this.#isAsking = true;
    const askedAt = performance.now();
    this.#redis
      .ping()
      .then(() => {
        this.#answeredAt = performance.now();
        const tookMs = this.#answeredAt - askedAt;
        this.#roundTripMs = ((this.#roundTripMs ?? tookMs) + tookMs) / 2;
      })
      // The connection is lost, and the next one begins with a PING.
      .catch(() => {})
      .finally(() => (this.#isAsking = false));
  }
}
