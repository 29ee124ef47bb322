// Opens and closes connections to Redis: verified TLS, endless reconnects with jitter, and a limit on how long a
// connection may be silent.
import { createConnection, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import { ConfigError } from '../errors.ts';
import { readRedisUrl } from '../protocol/urls.ts';
import { EACH_ADDRESS } from './addresses.ts';
import { extraCertificates } from './http.ts';

/** Below the 10 s within which a node must be consuming again once Redis is back. */
const LONGEST_RECONNECT_MS = 5_000;
/** A connection whose answer is this late is closed: Redis is frozen, or the network drops the packets. */
const SILENT_MS = 5_000;

/** The errors of ioredis for commands whose connection is gone. */
const CONNECTION_FAULTS = new Set(['MaxRetriesPerRequestError', 'AbortError']);

export interface RedisConnection {
  readonly url: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly options?: Omit<RedisOptions, 'replyMapping'>;
}

/** Opens a connection that reconnects for ever. After a reconnect, unanswered commands are sent again, unless the
 *  options say otherwise. Throws a ConfigError for a URL that says more than where Redis is: ioredis itself would take
 *  any of its options from there. */
export function openRedis({ url, name, env, options }: RedisConnection): Redis {
  const address = readRedisUrl(url);
  if (typeof address === 'string')
    throw new ConfigError(`the URL of Redis ${address}`, {
      remedy: 'Correct CODA_REDIS_URL, or the settings of the QPU in Coda if the URL is from there.',
    });
  const { tls, ...place } = address;
  const ca = tls ? extraCertificates(env) : undefined;
  const all: Omit<RedisOptions, 'replyMapping'> = {
    connectionName: name,
    Connector: AddressConnector,
    // RESP2: every server and proxy knows it, and `invalidate` pushes arrive as messages.
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: (times) =>
      hurried.delete(redis) ? 0 : jitter(Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(times, 10))),
    connectTimeout: 5_000,
    // Holds from the first command of the handshake. Blocking reads must be shorter.
    socketTimeout: SILENT_MS,
    // After a failover the old primary refuses writes, and in a cluster all commands: reconnect to find the new one. The
    // command itself fails, and its sender repeats it at its own pace.
    reconnectOnError: (error) => (/^(READONLY|MOVED)/.test(error.message) ? 1 : false),
    ...options,
    ...place,
    ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
  };
  const redis = new Redis(all);
  return redis;
}

/** Tries each address of a name with time enough; the connector of ioredis has no option for that. */
class AddressConnector extends AbstractConnector {
  readonly #target: TcpNetConnectOpts;
  readonly #tls: ConnectionOptions | undefined;

  /** `given` are the options of the client. */
  constructor(given: unknown) {
    const { host = 'localhost', port = 6379, family = 0, tls, disconnectTimeout } = given as RedisOptions;
    super(disconnectTimeout ?? 2_000);
    this.#target = { host, port, family, ...EACH_ADDRESS };
    this.#tls = tls;
  }

  connect(): Promise<Socket> {
    this.connecting = true;
    const stream =
      this.#tls === undefined
        ? createConnection(this.#target)
        : connectTls({ ...this.#target, ...this.#tls });
    stream.once('error', (error) => (this.firstError = error));
    this.stream = stream;
    return Promise.resolve(stream);
  }
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
  return CONNECTION_FAULTS.has(thrown.name) || thrown.message === 'Connection is closed.';
}

/** A random time between half of `ms` and `ms`, so that many nodes do not return to one server at the same moment. */
export function jitter(ms: number): number {
  return ms / 2 + (Math.random() * ms) / 2;
}

/** Connections whose next attempt waits for nothing. */
const hurried = new WeakSet<Redis>();

/** Connects anew at once: the network is another one, or works again. What is sent over a connection of before may never
 *  arrive, and an attempt in progress may have sent its first packet while there was no network. */
export function reconnectNow(redis: Redis): void {
  if (redis.status === 'reconnecting') redis.connect().catch(() => {});
  else if (redis.status !== 'end') {
    hurried.add(redis);
    redis.stream?.destroy();
  }
}

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

/** Which of the keys exist. Usually none does, and one command says so; if one does, or a cluster refuses keys of
 *  several slots, each key is asked for by itself. */
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
