// Opens connections to Redis: verified TLS, patient reconnects with jitter, and commands that survive a blip.
import { Redis, type RedisOptions } from 'ioredis';
import { extraCertificates } from './http.ts';

/** Below the 10 s within which a node must be consuming again once Redis is back. */
const LONGEST_RECONNECT_MS = 5_000;

export interface RedisConnection {
  readonly url: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly options?: Omit<RedisOptions, 'replyMapping'>;
}

/** A connection that reconnects for ever; unanswered commands are sent again after a reconnect. */
export function openRedis({ url, name, env, options }: RedisConnection): Redis {
  const ca = url.startsWith('rediss:') ? extraCertificates(env) : undefined;
  const all: Omit<RedisOptions, 'replyMapping'> = {
    connectionName: name,
    // RESP2: understood by every server and proxy, and `invalidate` pushes come as messages.
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => jitter(Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(times, 10))),
    connectTimeout: 5_000,
    // After a failover the old primary refuses writes: look for the new one, and send the command again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...options,
  };
  return new Redis(url, all);
}

/** Between half of `ms` and `ms`: many nodes that lost one server do not come back in step. */
export function jitter(ms: number): number {
  return ms / 2 + (Math.random() * ms) / 2;
}

/** Ends the wait of a connection that is being made anew: what kept it from succeeding is over. */
export function hurry(redis: Redis): void {
  if (redis.status === 'reconnecting') redis.connect().catch(() => {});
  // An attempt under way may have sent its first packet into the void.
  else if (redis.status === 'connecting' || redis.status === 'connect') redis.stream?.destroy();
}
