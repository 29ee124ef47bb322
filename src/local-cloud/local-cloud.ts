// A Coda cloud on this machine, with real HTTP and a real Redis, that checks every rule of the contract.
// `coda dev` runs it, and so do tests of nodes, executors and plugins.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import Koa from 'koa';
import type { Redis } from 'ioredis';
import { ConfigError, messageOf } from '../errors.ts';
import { maskUrlPasswords } from '../log/redaction.ts';
import { CLOUD_PATHS } from '../protocol/paths.ts';
import type { WebhookBody } from '../protocol/webhook.ts';
import { RedisServers } from '../net/redis/servers.ts';
import { adminRoutes, type DeviceAnswer } from './admin.ts';
import { Credentials, type BundleOverride, type IssuedKey, type KeyPair, type Paths } from './credentials.ts';
import { Faults, type Endpoint, type Fault } from './faults.ts';
import { CloudJobs, type JobEnd, type JobRequest, type SubmittedJob } from './jobs.ts';
import { cloudRoutes, type ConnectRecord, type DeliveryRecord, type HeartbeatRecord } from './routes.ts';
import { startRedisServer, type RedisServer } from './redis-server.ts';
import { waitUntil, within, type WaitOptions } from './wait.ts';

export interface LocalCloudOptions {
  /** Default: a redis-server of its own, which ends with the cloud. */
  readonly redisUrl?: string;
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Default: a random one, so that clouds can share a Redis. */
  readonly qpuId?: string;
  readonly displayName?: string;
  /** Default `cz`. */
  readonly nativeGateSet?: string;
  /** Default 12. */
  readonly numQubits?: number;
  /** RSA; issued for every token. Default: a new pair of 2048 bits for each. */
  readonly keyPair?: KeyPair;
  /** Changes the bundles that connect answers with. */
  readonly bundle?: BundleOverride;
  /** The paths that the API serves and that the bundle names. */
  readonly paths?: Partial<Paths>;
  /** Called for every job that is submitted through the developer's API. */
  readonly onSubmit?: (job: SubmittedJob) => void;
  readonly onViolation?: (text: string) => void;
}

export interface LocalCloud {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly qpuId: string;
  readonly redisUrl: string;
  /** The redis-server that the cloud started, if it did. */
  readonly redisServer: RedisServer | undefined;
  /** Bearer token of the developer's API under `/dev`. */
  readonly adminToken: string;
  /** A sentence for every breach of the contract, each answered with a 4xx. Assert that there is none. */
  readonly violations: readonly string[];
  readonly connects: readonly ConnectRecord[];
  readonly heartbeats: readonly HeartbeatRecord[];
  /** Every webhook, including refused and repeated ones and those hit by a fault. */
  readonly deliveries: readonly DeliveryRecord[];
  /** The accepted outcome of each job. */
  readonly results: ReadonlyMap<string, WebhookBody>;

  /** A one-time token for `coda start --token`. */
  issueToken(): string;
  /** A key for a node that starts without a token. */
  issueKey(): Promise<IssuedKey>;
  /** Takes effect from the next connect; undefined removes it. */
  overrideBundle(override: BundleOverride | undefined): void;

  /** Puts a job into the QPU's stream and returns its id. Default: 1000 shots, a new id. */
  submit(job: JobRequest): Promise<string>;
  /** Sets the cancel signal. */
  cancel(jobId: string): Promise<void>;
  /** The status hash; empty if there is none. */
  status(jobId: string): Promise<Record<string, string>>;
  /** Resolves with the accepted webhook of a submitted job; throws a JobError after the timeout. */
  outcome(jobId: string, options?: WaitOptions): Promise<WebhookBody>;
  /** Resolves once the job has ended in any way, also cancelled; undefined if `signal` was first. */
  ended(jobId: string, signal: AbortSignal): Promise<JobEnd | undefined>;
  /** Resolves once the job's status hash says `state`, with the whole hash. */
  whenState(jobId: string, state: string, options?: WaitOptions): Promise<Record<string, string>>;
  /** Resolves with the first accepted heartbeat for which `matches` is true; default: the very first. */
  whenHeartbeat(
    matches?: (heartbeat: HeartbeatRecord) => boolean,
    options?: WaitOptions,
  ): Promise<HeartbeatRecord>;
  /** How many messages of the stream were delivered to a node but not acknowledged. */
  pending(): Promise<number>;

  /** Makes the next requests to an endpoint fail; several faults apply one after the other. */
  fail(endpoint: Endpoint, fault: Fault): void;
  /** Removes all faults and closes hanging requests. */
  heal(): void;
  /** Closes the port, so that connections are refused; keeps everything else. */
  goOffline(): Promise<void>;
  /** Opens the same port again. */
  goOnline(): Promise<void>;

  /** Removes the stream and the keys of this cloud's jobs, for a Redis that is used further. */
  removeKeys(): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const REDIS_TIMEOUT_MS = 5_000;

/** Starts a local cloud. Throws a ConfigError if Redis or the port is not available. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const redisServer = options.redisUrl === undefined ? await startRedisServer() : undefined;
  const redisUrl = options.redisUrl ?? redisServer?.url ?? '';
  const servers = new RedisServers({ url: redisUrl, env: process.env });
  const redis = servers.open('coda-local-cloud');
  const stopRedis = async (): Promise<void> => {
    redis.disconnect();
    await redisServer?.stop();
  };
  try {
    await mustAnswer(redis, redisUrl);
    await servers.settled(redis);
    return await assemble(options, { redis, redisUrl, redisServer, stopRedis });
  } catch (error) {
    await stopRedis();
    throw error;
  }
}

interface RedisParts {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly redisServer: RedisServer | undefined;
  readonly stopRedis: () => Promise<void>;
}

async function assemble(
  options: LocalCloudOptions,
  { redis, redisUrl, redisServer, stopRedis }: RedisParts,
): Promise<LocalCloud> {
  const qpuId = options.qpuId ?? `local-${randomBytes(6).toString('hex')}`;
  const { connect, heartbeat, webhook } = CLOUD_PATHS;
  const paths: Paths = { connect, heartbeat, webhook, ...options.paths };
  const adminToken = randomBytes(24).toString('hex');
  const violations: string[] = [];
  const connects: ConnectRecord[] = [];
  const heartbeats: HeartbeatRecord[] = [];
  const deliveries: DeliveryRecord[] = [];
  const closing = new AbortController();
  const nativeGateSet = options.nativeGateSet ?? 'cz';
  const device = (): DeviceAnswer => ({
    native_gate_set: nativeGateSet,
    connectivity: (heartbeats.at(-1) ?? connects.at(-1))?.body?.connectivity ?? [],
  });

  let url = '';
  const faults = new Faults();
  const jobs = new CloudJobs(redis, qpuId, () => url + paths.webhook);
  const credentials = new Credentials(
    {
      qpuId,
      displayName: options.displayName ?? 'Local QPU',
      nativeGateSet,
      numQubits: options.numQubits ?? 12,
      redisUrl,
      paths,
      url: () => url,
    },
    options.keyPair,
  );
  credentials.override = options.bundle;

  const violation = (text: string): void => {
    violations.push(text);
    options.onViolation?.(text);
  };
  const log = { connects, heartbeats, deliveries, violation };
  const onSubmit = options.onSubmit ?? (() => {});
  const app = new Koa();
  // The routes record errors; koa would also print those of closed connections.
  app.silent = true;
  app.use(adminRoutes({ token: adminToken, device, jobs, closing: closing.signal, onSubmit }).routes());
  app.use(cloudRoutes({ paths, credentials, jobs, faults, log }).routes());
  app.use((context) => {
    context.status = 404;
    context.body = { error: `no ${context.method} ${context.path} here` };
    // Other paths may come from a browser that asks for an icon.
    if (context.path.startsWith('/api/')) violation(`no ${context.method} ${context.path} here`);
  });
  const answer = app.callback();
  const server = createServer((request, response) => void answer(request, response));
  await listen(server, options.port ?? 0);
  const port = portOf(server);
  url = `http://${HOST}:${port}`;

  const cloud: LocalCloud = {
    url,
    qpuId,
    redisUrl,
    redisServer,
    adminToken,
    violations,
    connects,
    heartbeats,
    deliveries,
    results: jobs.results,
    issueToken: () => credentials.issueToken(),
    issueKey: () => credentials.issueKey(),
    overrideBundle: (override) => void (credentials.override = override),
    submit: async (job) => (await jobs.submit(job)).jobId,
    cancel: (jobId) => jobs.cancel(jobId),
    status: (jobId) => jobs.status(jobId),
    outcome: (jobId, wait) => jobs.outcome(jobId, wait),
    ended: (jobId, signal) => jobs.ended(jobId, signal),
    async whenState(jobId, state, wait) {
      const check = async (): Promise<Record<string, string> | undefined> => {
        const status = await jobs.status(jobId);
        return status['state'] === state ? status : undefined;
      };
      return waitUntil(`state '${state}' of job '${jobId}'`, check, wait);
    },
    whenHeartbeat: (matches = () => true, wait) =>
      waitUntil('a heartbeat', () => heartbeats.find((one) => one.answer === 200 && matches(one)), wait),
    pending: () => jobs.pending(),
    fail: (endpoint, fault) => faults.plan(endpoint, fault),
    heal: () => faults.heal(),
    goOffline: () => unlisten(server),
    goOnline: () => listen(server, port),
    removeKeys: () => jobs.removeKeys(),
    async close() {
      closing.abort();
      await unlisten(server);
      await stopRedis();
    },
  };
  return cloud;
}

async function mustAnswer(redis: Redis, url: string): Promise<void> {
  let reason = 'no answer';
  redis.on('error', (error: Error) => (reason = messageOf(error)));
  try {
    await within('an answer', redis.ping(), REDIS_TIMEOUT_MS);
  } catch (cause) {
    throw new ConfigError(`Redis at ${maskUrlPasswords(url)} does not answer: ${reason}`, {
      cause,
      remedy: 'Check its address and password, or leave the URL out to start a redis-server.',
    });
  }
}

async function listen(server: Server, port: number): Promise<void> {
  if (server.listening) return;
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch (cause) {
    throw new ConfigError(`port ${port} on ${HOST} cannot be opened: ${messageOf(cause)}`, { cause });
  }
}

async function unlisten(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new ConfigError(`no port on ${HOST}`);
  return address.port;
}
