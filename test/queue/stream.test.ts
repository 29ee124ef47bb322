// What two consumers of a group may do to each other's entries.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JobStream } from '../../src/queue/stream.ts';
import { testRedis } from '../support/redis.ts';

describe('an entry that another node has', () => {
  const test = testRedis();
  const [a, b] = [new JobStream('qpu-1', 'a'), new JobStream('qpu-1', 'b')];

  async function entryOfB(): Promise<string> {
    const { redis } = test;
    await a.ensureGroup(redis);
    const messageId = (await redis.xadd(a.key, '*', 'job_id', 'job-1')) ?? '';
    await redis.xreadgroup('GROUP', b.group, b.consumer, 'STREAMS', b.key, '>');
    return messageId;
  }

  async function pendingOf(messageId: string): Promise<readonly unknown[]> {
    const [[, consumer, , deliveries] = []] = (await test.redis.xpending(
      a.key,
      a.group,
      messageId,
      messageId,
      1,
    )) as unknown[][];
    return [consumer, deliveries];
  }

  it('is not renewed by one that has lost it, unless it was idle for that long', async () => {
    const messageId = await entryOfB();
    assert.deepEqual([...(await a.renew(test.redis, [messageId], 60_000))], []);
    assert.deepEqual(await pendingOf(messageId), ['b', 1]);
    assert.deepEqual([...(await b.renew(test.redis, [messageId], 0))], [messageId]);
  });

  it('keeps its count of deliveries, and its node, whoever counts', async () => {
    const messageId = await entryOfB();
    await a.setDeliveries(test.redis, messageId, 5);
    assert.deepEqual(await pendingOf(messageId), ['b', 1]);
    await b.setDeliveries(test.redis, messageId, 5);
    assert.deepEqual(await pendingOf(messageId), ['b', 5]);
  });

  it('is not given away by one that has lost it', async () => {
    const messageId = await entryOfB();
    const entry = { messageId, consumer: 'a', idleMs: 60_000, deliveries: 1 };
    assert.deepEqual([...(await a.give(test.redis, [entry], 'original'))], []);
    assert.deepEqual(await pendingOf(messageId), ['b', 1]);
  });
});
