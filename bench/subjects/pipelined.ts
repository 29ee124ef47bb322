// The bare reference loop at its fastest: reads ahead, starts the next run first, waits for no write, acknowledges in batches.
import {
  bodyOf,
  completed,
  contextOf,
  createGroup,
  executing,
  executor,
  GROUP,
  jobOf,
  openRedis,
  post,
  readEntries,
  ready,
  send,
  standing,
  STREAM,
  type BareJob,
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
let acknowledged: string[] = [];

await createGroup(redis);
process.on('SIGTERM', stop);
void read();
void run();
ready();

/** Stops reading; jobs that were read are still delivered and acknowledged. */
function stop(): void {
  reader.disconnect();
  const timer = setInterval(() => {
    if (undelivered > 0 || acknowledged.length > 0) return;
    clearInterval(timer);
    void redis.quit().then(() => process.exit());
  }, 10);
}

async function read(): Promise<void> {
  for (;;) {
    if (undelivered + READ_COUNT > MOST_UNDELIVERED) {
      await new Promise<void>((resolve) => (wakeReader = resolve));
      continue;
    }
    const entries = await readEntries(reader, READ_COUNT).catch(() => undefined);
    if (entries === undefined) return;
    undelivered += entries.length;
    if (entries.length > 0) void admit(entries);
  }
}

async function admit(entries: readonly [string, string[]][]): Promise<void> {
  const asked = entries.map(([messageId, fields]) => {
    const job = jobOf(messageId, fields);
    const [status, cancelled] = standing(job);
    return { job, status: send(redis, status), cancelled: send(redis, cancelled) };
  });
  for (const { job, status, cancelled } of asked) {
    const states = await status;
    const isNew = Array.isArray(states) && states[0] === null && (await cancelled) === 0;
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
    void send(redis, executing(job));
    const result = await running;
    if (result !== undefined) finishLast = () => void finish(job, bodyOf(job, result));
  }
}

async function finish(job: BareJob, body: string): Promise<void> {
  void send(redis, completed(job));
  const status = await post(job.path, body);
  if (status !== 200) throw new Error(`the cloud answered ${status}`);
  if (acknowledged.push(job.messageId) === 1) setImmediate(acknowledge);
  undelivered -= 1;
  wakeReader?.();
}

function acknowledge(): void {
  void send(redis, ['xack', STREAM, GROUP, ...acknowledged]);
  acknowledged = [];
}
