// The bare reference loop at its plainest: one job at a time, and every step waits for the one before.
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
  for (const [messageId, fields] of await readEntries(redis, 1)) {
    const job = jobOf(messageId, fields);
    for (const command of standing(job)) await call(command);
    await call(executing(job));
    const result = await device.run(job.ir, job.shots, contextOf(job));
    await call(completed(job));
    await post(job.path, bodyOf(job, result));
    await redis.xack(STREAM, GROUP, messageId);
  }
}
