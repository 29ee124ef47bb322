// Opens and closes connections to Redis: verified TLS, patient reconnects with jitter, and no connection that is silent for ever.
import { Redis, type RedisOptions } from 'ioredis';
import { messageOf } from '../errors.ts';
import { extraCertificates } from './http.ts';

/** Below the 10 s within which a node must be consuming again once Redis is back. */
const LONGEST_RECONNECT_MS = 5_000;
/** A connection on which an answer is this late is given up: Redis is frozen, or the network has swallowed it. */
const SILENT_MS = 5_000;

/** The client's own errors for commands whose connection is gone. */
const CONNECTION_FAULTS = new Set(['MaxRetriesPerRequestError', 'AbortError']);

export interface RedisConnection {
  readonly url: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly options?: Omit<RedisOptions, 'replyMapping'>;
}

/** A connection that reconnects for ever; unanswered commands are sent again after a reconnect, unless the options say otherwise. */
export function openRedis({ url, name, env, options }: RedisConnection): Redis {
  const ca = url.startsWith('rediss:') ? extraCertificates(env) : undefined;
  const all: Omit<RedisOptions, 'replyMapping'> = {
    connectionName: name,
    // RESP2: understood by every server and proxy, and `invalidate` pushes come as messages.
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => jitter(Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(times, 10))),
    connectTimeout: 5_000,
    // From the first command of the handshake on. Blocking reads must be shorter.
    socketTimeout: SILENT_MS,
    // After a failover the old primary refuses writes, and in a cluster everything: look for the new one. The command
    // itself fails, so that its sender hears of it, and repeats it no faster than it repeats others.
    reconnectOnError: (error) => (/^(READONLY|MOVED)/.test(error.message) ? 1 : false),
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...options,
  };
  return new Redis(url, all);
}

/** Closes a connection for good, at once: `disconnect` alone waits for the peer, which may be frozen. */
export function closeRedis(redis: Redis): void {
  redis.disconnect();
  redis.stream?.destroy();
}

/** Why a command failed, in words for the log; what the client itself says of a lost connection is about its own settings. */
export function redisFault(thrown: unknown): string {
  if (isConnectionFault(thrown)) return 'the connection to Redis is lost';
  const text = messageOf(thrown);
  return text.startsWith('MOVED')
    ? `${text}: this server has only a part of the keys, or is no primary any more (see docs/scaling.md)`
    : text;
}

/** Whether a command failed with its connection, and not by what Redis said. */
export function isConnectionFault(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return CONNECTION_FAULTS.has(thrown.name) || thrown.message === 'Connection is closed.';
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

export type RedisCommand = readonly [name: string, ...args: (string | number)[]];
/** Of one command: why Redis refused it, or null and what it answered. */
export type RedisReply = readonly [error: Error | null, value: unknown];

/** Sends commands together, in one packet where they fit, and never rejects: a lost connection fails them one by one.
 *  Every job passes through here, and a pipeline of the client's takes a third more time. */
export function sendTogether(redis: Redis, commands: readonly RedisCommand[]): Promise<RedisReply[]> {
  const { stream } = redis;
  stream?.cork();
  const replies = commands.map(([name, ...args]) =>
    redis.call(name, ...args).then(
      (reply) => [null, reply] as const,
      (error: Error) => [error, null] as const,
    ),
  );
  stream?.uncork();
  return Promise.all(replies);
}

/** Which of the keys exist. One command where none does, as is usual; where that is refused, as by a cluster for keys
 *  of several slots, each is asked for by itself. */
export async function whichExist(redis: Redis, keys: readonly string[]): Promise<boolean[]> {
  if ((await redis.exists(...keys).catch(() => undefined)) === 0) return keys.map(() => false);
  const replies = await sendTogether(
    redis,
    keys.map((key) => ['exists', key]),
  );
  return replies.map(([error, exists]) => {
    if (error !== null) throw error;
    return exists === 1;
  });
}
