// The bare reference loop at its plainest: one job at a time, and every step waits for the one before.
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
  type Command,
} from './bare.ts';

const device = executor();
const redis = openRedis();
const call = ([name, ...args]: Command): Promise<unknown> => redis.call(name, ...args);

await createGroup(redis);
ready();
for (;;) {
  const reply = await redis.xreadgroup(
    'GROUP',
    GROUP,
    CONSUMER,
    'COUNT',
    1,
    'BLOCK',
    1000,
    'STREAMS',
    STREAM,
    '>',
  );
  const entries = (reply as [string, [string, string[]][]][] | null)?.[0]?.[1] ?? [];
  for (const [messageId, fields] of entries) {
    const job = jobOf(messageId, fields);
    for (const command of standing(job)) await call(command);
    await call(executing(job));
    const result = await device.run(job.ir, job.shots, contextOf(job));
    await call(completed(job));
    await post(job.path, bodyOf(job, result));
    await redis.xack(STREAM, GROUP, messageId);
  }
}
