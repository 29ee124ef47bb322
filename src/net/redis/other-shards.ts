// Connections to the shards of a cluster that one connection does not lead to.
import type { Redis } from 'ioredis';
import type { RedisPlace } from '../../protocol/urls.ts';
import { FollowingRedis, leadTo, type ConnectionOptions, type Surroundings } from './following.ts';
import { reconnectDelay } from './pace.ts';
import { isSamePlace, keyOf } from './shards.ts';

/** Returns what to call when the connection has been closed. */
export type OnShard = (redis: Redis) => () => void;

/** Of a connection that leads to one server and stays there. */
const ALONE: Surroundings = {
  shards: undefined,
  streamSlot: undefined,
  unreachable: undefined,
  announcerOf: () => 'the cluster',
  onOtherShards: () => {},
  closed: () => {},
};

export class OtherShards {
  readonly #redis: FollowingRedis;
  readonly #options: ConnectionOptions;
  readonly #onOpen: OnShard;
  /** By `host:port`. */
  readonly #open = new Map<string, { readonly redis: Redis; readonly onClosed: () => void }>();

  constructor(redis: FollowingRedis, options: ConnectionOptions, onOpen: OnShard) {
    this.#redis = redis;
    this.#options = options;
    this.#onOpen = onOpen;
  }

  /** Opens and closes connections, until there is one to each of these servers. */
  look(primaries: readonly RedisPlace[]): void {
    const wanted = primaries.filter((place) => !isSamePlace(place, this.#redis.lead.place));
    const keys = new Set(wanted.map(keyOf));
    for (const [key, { redis, onClosed }] of this.#open) {
      if (keys.has(key)) continue;
      this.#open.delete(key);
      redis.disconnect();
      redis.stream?.destroy();
      onClosed();
    }
    for (const place of wanted) {
      const key = keyOf(place);
      if (this.#open.has(key)) continue;
      const redis: FollowingRedis = new FollowingRedis(
        { retryStrategy: (times) => reconnectDelay(redis, times), ...this.#options, ...place },
        leadTo(place),
        ALONE,
      );
      this.#open.set(key, { redis, onClosed: this.#onOpen(redis) });
    }
  }
}
