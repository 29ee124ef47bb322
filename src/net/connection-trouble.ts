// Knows why a connection to Redis is not there: by the error of the last attempt and, if that says little, by a look.
import type { Redis } from 'ioredis';
import type { Trouble } from '../errors.ts';
import { wrongSpeech } from './redis-probe.ts';
import { redisTrouble, redisTroubleOf } from './redis-trouble.ts';

/** Between two looks at one server. */
const LOOK_EVERY_MS = 3_000;

export class ConnectionTrouble {
  readonly #redis: Redis;
  /** Of the last attempt. */
  #failed: Trouble | undefined;
  /** What a look has found. */
  #found: Trouble | undefined;
  #isLooking = false;
  #lookedAt = performance.now();

  constructor(redis: Redis) {
    this.#redis = redis;
    redis.on('error', (error) => (this.#failed = redisTrouble(error, redis)));
    redis.on('ready', () => (this.#failed = this.#found = undefined));
  }

  /** Why it is not there; undefined if nothing is known. */
  get trouble(): Trouble | undefined {
    return this.#found ?? this.#failed;
  }

  /** To be called from time to time while it is not there. Never rejects. */
  async look(): Promise<void> {
    const now = performance.now();
    if (this.#isLooking || now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#isLooking = true;
    this.#lookedAt = now;
    const redis = this.#redis;
    // Connected, but not in use yet: while it loads its data, it says so to whoever asks.
    const found =
      redis.status === 'connect' ? await loading(redis) : await wrongSpeech(redis).catch(() => undefined);
    if (redis.status !== 'ready') this.#found = found;
    this.#isLooking = false;
  }
}

async function loading(redis: Redis): Promise<Trouble | undefined> {
  const info = await redis.info('persistence').catch(() => '');
  return /^loading:1/m.test(info) ? redisTroubleOf('LOADING', redis) : undefined;
}
