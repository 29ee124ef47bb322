// The bare reference loop at its fastest: reads ahead, starts the next run first, waits for no write, acknowledges in batches.
import type { Redis } from 'ioredis';
import {
  bodyOf,
  completed,
  CONSUMER,
  contextOf,
  createGroup,
  executing,
  executor,
  GROUP,
  jobOf,
  openRedis,
  post,
  ready,
  standing,
  STREAM,
  type BareJob,
  type Command,
} from './bare.ts';

const READ_COUNT = 256;
/** Jobs read and not yet delivered. */
const MOST_UNDELIVERED = 1024;

const device = executor();
const redis = openRedis();
const reader = openRedis();
const queue: BareJob[] = [];
let undelivered = 0;
let wakeRunner: (() => void) | undefined;
let wakeReader: (() => void) | undefined;
let commands: Command[] = [];
let acknowledged: string[] = [];
let isFlushing = false;

await createGroup(redis);
void read();
void run();
ready();

async function read(): Promise<void> {
  for (;;) {
    if (undelivered + READ_COUNT > MOST_UNDELIVERED) {
      await new Promise<void>((resolve) => (wakeReader = resolve));
      continue;
    }
    const reply = await readGroup(reader);
    const entries = reply?.[0]?.[1] ?? [];
    undelivered += entries.length;
    if (entries.length > 0) void admit(entries);
  }
}

async function readGroup(reader: Redis): Promise<[string, [string, string[]][]][] | null> {
  const reply = await reader.xreadgroup(
    'GROUP',
    GROUP,
    CONSUMER,
    'COUNT',
    READ_COUNT,
    'BLOCK',
    1000,
    'STREAMS',
    STREAM,
    '>',
  );
  return reply as [string, [string, string[]][]][] | null;
}

async function admit(entries: readonly [string, string[]][]): Promise<void> {
  const pipeline = redis.pipeline();
  const jobs = entries.map(([messageId, fields]) => jobOf(messageId, fields));
  for (const job of jobs) for (const [name, ...args] of standing(job)) pipeline.call(name, ...args);
  const replies = (await pipeline.exec()) ?? [];
  for (const [i, job] of jobs.entries()) {
    const [[, status] = [], [, cancelled] = []] = [replies[2 * i], replies[2 * i + 1]];
    const isNew = Array.isArray(status) && status[0] === null && cancelled === 0;
    if (!isNew) throw new Error(`job ${job.jobId} is not new`);
    queue.push(job);
  }
  wakeRunner?.();
}

async function run(): Promise<void> {
  let finishLast = (): void => {};
  for (;;) {
    const job = queue.shift();
    const running = job === undefined ? undefined : device.run(job.ir, job.shots, contextOf(job));
    finishLast();
    finishLast = () => {};
    if (job === undefined) {
      await new Promise<void>((resolve) => (wakeRunner = resolve));
      continue;
    }
    write(executing(job));
    const result = await running;
    if (result !== undefined) finishLast = () => void finish(job, bodyOf(job, result));
  }
}

async function finish(job: BareJob, body: string): Promise<void> {
  write(completed(job));
  const status = await post(job.path, body);
  if (status !== 200) throw new Error(`the cloud answered ${status}`);
  acknowledged.push(job.messageId);
  scheduleFlush();
  undelivered -= 1;
  wakeReader?.();
}

function write(command: Command): void {
  commands.push(command);
  scheduleFlush();
}

function scheduleFlush(): void {
  if (!isFlushing) setImmediate(flush);
  isFlushing = true;
}

/** All writes of one turn of the event loop go in one piece. */
function flush(): void {
  isFlushing = false;
  const pipeline = redis.pipeline();
  for (const [name, ...args] of commands) pipeline.call(name, ...args);
  if (acknowledged.length > 0) pipeline.xack(STREAM, GROUP, ...acknowledged);
  [commands, acknowledged] = [[], []];
  void pipeline.exec();
}
