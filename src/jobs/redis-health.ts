// Knows whether Redis answers, from a PING every second; drops a connection on which nothing comes any more.
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';

const PING_EVERY_MS = 1_000;
/** Without an answer for this long, Redis is not healthy. */
const LATE_MS = 2_000;
/** Without an answer for this long, the connection is given up. */
const DEAD_MS = 5_000;

export interface RedisHealthOptions {
  readonly redis: Redis;
  readonly log: Logger;
  /** Called every second, for others that watch a connection. */
  readonly onTick: () => void;
}

export class RedisHealth {
  readonly #options: RedisHealthOptions;
  readonly #timer: NodeJS.Timeout;
  #answeredAt = -Infinity;
  #askedAt: number | undefined;
  #roundTripMs = 1;

  constructor(options: RedisHealthOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), PING_EVERY_MS);
    options.redis.on('ready', () => this.#ping());
    options.redis.on('close', () => (this.#askedAt = undefined));
  }

  get healthy(): boolean {
    return this.#options.redis.status === 'ready' && performance.now() - this.#answeredAt < LATE_MS;
  }

  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { redis, log, onTick } = this.#options;
    onTick();
    if (this.#askedAt === undefined) {
      this.#ping();
    } else if (performance.now() - this.#askedAt > DEAD_MS) {
      log.warn('Redis does not answer; connecting anew');
      this.#askedAt = undefined;
      // Not disconnect(): that waits for the peer, which may be frozen.
      redis.stream?.destroy();
    }
  }

  #ping(): void {
    if (this.#options.redis.status !== 'ready' || this.#askedAt !== undefined) return;
    const asked = (this.#askedAt = performance.now());
    this.#options.redis.ping().then(
      () => {
        this.#answeredAt = performance.now();
        if (this.#askedAt === asked) this.#askedAt = undefined;
        this.#roundTripMs += (this.#answeredAt - asked - this.#roundTripMs) / 2;
      },
      () => {
        if (this.#askedAt === asked) this.#askedAt = undefined;
      },
    );
  }
}
