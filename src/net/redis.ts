// Opens and closes connections to Redis, and sends commands over them.
import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';
import type { RedisPlace } from '../protocol/urls.ts';
import { FollowingRedis, type Announcer, type ConnectionOptions } from './redis/following.ts';
import { RedisServers, type RedisServersOptions } from './redis/servers.ts';

export { jitter } from './redis/pace.ts';

/** The errors of ioredis for commands whose connection is gone. */
const CONNECTION_FAULTS = new Set(['MaxRetriesPerRequestError', 'AbortError', 'ClusterAllFailedError']);
const CONNECTION_FAULT =
  /^(Connection is closed\.|None of startup nodes is available|Too many Cluster redirections\. Last error: Error: Connection is closed\.)$/;

export interface RedisConnection extends RedisServersOptions {
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly options?: ConnectionOptions;
}

/** Opens a connection that reconnects for ever, and that is the only one to these servers. After a reconnect, unanswered
 *  commands are sent again, unless the options say otherwise. Throws a ConfigError for a URL that cannot be used. */
export function openRedis({ name, options, ...servers }: RedisConnection): Redis {
  return new RedisServers(servers).open(name, options);
}

/** Closes a connection for good, at once: `disconnect` alone waits for the peer, which may be frozen. */
export function closeRedis(redis: Redis): void {
  if (redis.status === 'end') return;
  redis.disconnect();
  redis.stream?.destroy();
}

/** Whether a command failed because its connection was lost, and not because Redis refused it. */
export function isConnectionFault(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return CONNECTION_FAULTS.has(thrown.name) || CONNECTION_FAULT.test(thrown.message);
}

/** Where the connection leads, or led last. */
export function placeOf(redis: Redis): RedisPlace {
  const { host = 'localhost', port = 6379 } = redis.options;
  return redis instanceof FollowingRedis ? redis.lead.place : { host, port };
}

/** Who has named the place where the connection leads, if the URL does not. */
export function announcerOf(redis: Redis): Announcer | undefined {
  return redis instanceof FollowingRedis ? redis.announcer : undefined;
}

/** Whether a shard of the cluster is known to be down, besides that of the stream. */
export function isShardDown(redis: Redis): boolean {
  return redis instanceof FollowingRedis && redis.isShardDown;
}

/** Calls `onOpen` with a connection to each shard of the cluster that `redis` does not lead to, also later, when shards come
 *  and go. Such a connection ends with its shard, and with `redis`; what `onOpen` has returned is then called. Never calls it
 *  for a single server. */
export function onOtherShards(
  redis: Redis,
  options: ConnectionOptions,
  onOpen: (other: Redis) => () => void,
): void {
  if (redis instanceof FollowingRedis) redis.onOtherShards(options, onOpen);
}

/** Whether the keys are spread over several servers: no command may have keys of two jobs. */
export function hasShards(redis: Redis): boolean {
  return redis instanceof FollowingRedis && redis.hasShards;
}

const NONE: readonly Socket[] = [];

export type RedisCommand = readonly [name: string, ...args: (string | number)[]];
/** The answer to one command: the error, or null and the value. */
export type RedisReply = readonly [error: Error | null, value: unknown];

/**
 * Sends commands together, in one packet if they fit, and never rejects: a lost connection fails each of them.
 * Every job passes through here, and a pipeline of ioredis takes a third more time. So the socket is corked while the
 * commands are written: `stream` is not part of the documented API of ioredis, and without it this still works, with a
 * packet for each command.
 */
export function sendTogether(redis: Redis, commands: readonly RedisCommand[]): Promise<RedisReply[]> {
  const { stream } = redis;
  const shards = redis instanceof FollowingRedis ? redis.shardStreams() : NONE;
  stream?.cork();
  for (const shard of shards) shard.cork();
  const replies = commands.map(([name, ...args]) =>
    redis.call(name, ...args).then(
      (reply) => [null, reply] as const,
      (error: Error) => [error, null] as const,
    ),
  );
  stream?.uncork();
  for (const shard of shards) shard.uncork();
  return Promise.all(replies);
}

/** Which of the keys exist. Usually none does, and one command says so; if one does, or the keys are spread over several
 *  servers, each key is asked for by itself. */
export async function whichExist(redis: Redis, keys: readonly string[]): Promise<boolean[]> {
  if (!hasShards(redis) && (await redis.exists(...keys).catch(() => undefined)) === 0)
    return keys.map(() => false);
  const replies = await sendTogether(
    redis,
    keys.map((key) => ['exists', key]),
  );
  return replies.map(([error, exists]) => {
    if (error !== null) throw error;
    return exists === 1;
  });
}
