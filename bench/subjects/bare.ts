// Shared by the bare loops: their settings, the Redis commands of one job and the POST, and nothing else.
// No outbox, no validation, no hooks, no retries: the difference to a node is the price of its promises.
import { Command as RedisCommand, Redis } from 'ioredis';
import { Pool } from 'undici';
import { createBatch, createEndless, createNoop, createTimed } from './executors.ts';
import type { Executor, NativeGateIR, RunContext } from '../../src/index.ts';
import { cancelOf, groupOf, statusOf, streamOf } from '../lab/wire.ts';

const {
  BENCH_REDIS_URL: redisUrl = '',
  BENCH_QPU_ID: qpuId = '',
  BENCH_ORIGIN: origin = '',
  BENCH_JWT: jwt = '',
} = process.env;

export const STREAM = streamOf(qpuId);
export const GROUP = groupOf(qpuId);
const CONSUMER = 'bare';

export interface BareJob {
  readonly messageId: string;
  readonly jobId: string;
  readonly path: string;
  readonly ir: NativeGateIR;
  readonly shots: number;
}

export type Command = readonly [name: string, ...args: string[]];

export function openRedis(): Redis {
  return new Redis(redisUrl);
}

/** Sends without waiting; everything that is sent in one turn of the event loop leaves in one piece. Measured to be the
 *  cheapest way through ioredis: a pipeline costs a third more. */
export function send(redis: Redis, [name, ...args]: Command): Promise<unknown> {
  const { stream } = redis;
  if (stream.writableCorked === 0) {
    stream.cork();
    setImmediate(() => stream.uncork());
  }
  return redis.sendCommand(new RedisCommand(name, args, { replyEncoding: 'utf8' })) as Promise<unknown>;
}

export function executor(): Executor {
  const makers = { createNoop, createBatch, createTimed, createEndless };
  const { BENCH_EXECUTOR: name = '' } = process.env;
  return makers[name as keyof typeof makers]();
}

export function contextOf(job: BareJob): RunContext {
  return { jobId: job.jobId, signal: NEVER, log: SILENT };
}

/** Fields come as a flat list of names and values. */
export function jobOf(messageId: string, fields: readonly string[]): BareJob {
  const field = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  const url = field('callback_url');
  return {
    messageId,
    jobId: field('job_id'),
    path: url.slice(url.indexOf('/', 'https://'.length)),
    ir: JSON.parse(field('ir_json')) as NativeGateIR,
    shots: Number(field('shots')),
  };
}

export async function createGroup(redis: Redis): Promise<void> {
  await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM').catch(() => {});
}

/** Entries as id and flat fields; none if nothing came within a second. */
export async function readEntries(redis: Redis, count: number): Promise<readonly [string, string[]][]> {
  const reply = await redis.xreadgroup(
    'GROUP',
    GROUP,
    CONSUMER,
    'COUNT',
    count,
    'BLOCK',
    1000,
    'STREAMS',
    STREAM,
    '>',
  );
  return (reply as [string, [string, string[]][]][] | null)?.[0]?.[1] ?? [];
}

export const standing = ({ jobId }: BareJob): readonly [Command, Command] => [
  ['hmget', statusOf(jobId), 'state', 'message_id', 'error'],
  ['exists', cancelOf(jobId)],
];

export const executing = ({ jobId, messageId }: BareJob): Command => [
  'hset',
  statusOf(jobId),
  'state',
  'executing',
  'started_at',
  new Date().toISOString(),
  'message_id',
  messageId,
  'qpu_id',
  qpuId,
];

export const completed = ({ jobId }: BareJob): Command => [
  'hset',
  statusOf(jobId),
  'state',
  'completed',
  'completed_at',
  new Date().toISOString(),
];

export function bodyOf({ jobId }: BareJob, result: Awaited<ReturnType<Executor['run']>>): string {
  return JSON.stringify({
    job_id: jobId,
    status: 'completed',
    counts: result.counts,
    execution_time_ms: result.executionTimeMs,
    shots_completed: result.shotsCompleted,
  });
}

const pool = new Pool(origin, { connections: 64, pipelining: 1 });
const HEADERS = ['content-type', 'application/json', 'authorization', `Bearer ${jwt}`];

/** Posts over a kept connection, of which there are 64; resolves with the answer's status. */
export function post(path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    pool.dispatch(
      { method: 'POST', path, headers: HEADERS, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData() {},
        onResponseEnd() {
          resolve(status);
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      },
    );
  });
}

/** Tells the bench that the loop waits for jobs. */
export function ready(): void {
  process.send?.('ready');
}

const NEVER = new AbortController().signal;
const nothing = (): void => {};
const SILENT: RunContext['log'] = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => SILENT,
  mask: nothing,
  masked: (text) => text,
};
