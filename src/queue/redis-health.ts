// Knows whether Redis answers, from a PING every second. A silent connection is closed by net/redis.ts.
import type { Redis } from 'ioredis';
import { messageOf } from '../errors.ts';
import { maskUrlPasswords } from '../log.ts';

const PING_EVERY_MS = 1_000;
/** Without an answer for this long, Redis is not healthy. */
const LATE_MS = 2_000;

export class RedisHealth {
  readonly #redis: Redis;
  readonly #timer: NodeJS.Timeout;
  #answeredAt = -Infinity;
  #isAsking = false;
  #roundTripMs: number | undefined;
  /** Why the last attempt to connect failed. */
  #fault: string | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#timer = setInterval(() => this.#ping(), PING_EVERY_MS);
    redis.on('ready', () => {
      this.#fault = undefined;
      this.#ping();
    });
    redis.on('error', (error) => (this.#fault = maskUrlPasswords(messageOf(error))));
  }

  get healthy(): boolean {
    return this.#redis.status === 'ready' && performance.now() - this.#answeredAt < LATE_MS;
  }

  /** Why Redis is not healthy, if so, in the server's own words if it said anything. */
  get trouble(): string | undefined {
    if (this.healthy) return undefined;
    return `Redis does not answer${this.#fault === undefined ? '' : `: ${this.#fault}`}`;
  }

  get roundTripMs(): number {
    return this.#roundTripMs ?? 1;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #ping(): void {
    if (this.#redis.status !== 'ready' || this.#isAsking) return;
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
