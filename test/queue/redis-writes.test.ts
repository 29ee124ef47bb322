// Statuses and acknowledgements reach Redis in order, and sooner or later, whatever it answers first.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RedisWrites } from '../../src/queue/redis-writes.ts';
import { createLogger } from '../../src/log.ts';
import { groupName, statusKey, streamKey } from '../../src/protocol/keys.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { testRedis } from '../support/redis.ts';

const QPU = 'qpu-1';
const endedAt = '2026-01-02T03:04:05.000Z';
const completed = { status: 'completed', counts: { '0': 1 }, executionTimeMs: 1, shotsCompleted: 1 } as const;

function saved(jobId: string, messageId = '1-1') {
  return { qpuId: QPU, jobId, messageIds: [messageId], callbackUrl: 'http://c', outcome: completed, endedAt };
}

describe('writes to Redis', () => {
  const test = testRedis();

  function open(): { writes: RedisWrites; lines: string[] } {
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', write: (line) => lines.push(line) });
    return { writes: new RedisWrites(test.connect(), QPU, log), lines };
  }

  it('leave the whole status, and acknowledge', async () => {
    const { redis } = test;
    await redis.xgroup('CREATE', streamKey(QPU), groupName(QPU), '0', 'MKSTREAM');
    const id = String(await redis.xadd(streamKey(QPU), '*', 'job_id', 'a'));
    await redis.xreadgroup('GROUP', groupName(QPU), 'me', 'STREAMS', streamKey(QPU), '>');
    const { writes } = open();
    void writes.executing('a', id);
    void writes.ended(saved('a', id));
    const acknowledged = writes.acknowledge([id]);
    assert.ok(writes.isAcknowledging(id));
    await acknowledged;
    assert.equal(writes.isAcknowledging(id), false);
    const status = await redis.hgetall(statusKey('a'));
    assert.deepEqual(Object.keys(status).toSorted(), [
      'completed_at',
      'message_id',
      'qpu_id',
      'started_at',
      'state',
    ]);
    assert.equal(status['state'], 'completed');
    assert.equal(status['completed_at'], endedAt);
    assert.equal((await redis.xpending(streamKey(QPU), groupName(QPU)))[0], 0);
    writes.close();
  });

  it('keep their order over many pipelines', async () => {
    const { writes } = open();
    const last: Promise<void>[] = [];
    for (let i = 0; i < 3000; i += 1) {
      void writes.executing(`job-${i % 100}`, `${i}-0`);
      last.push(writes.ended(saved(`job-${i % 100}`)));
    }
    await Promise.all(last);
    await writes.flushed();
    for (let i = 0; i < 100; i += 1) {
      const status = await test.redis.hgetall(statusKey(`job-${i}`));
      assert.equal(status['state'], 'completed');
      assert.equal(status['message_id'], `${2900 + i}-0`);
    }
    writes.close();
  });

  it('start at once when one follows just as the last has ended', async () => {
    const { writes } = open();
    for (let i = 0; i < 50; i += 1) {
      await writes.executing('a', `${i}-0`);
      for (let turns = 0; turns < i % 7; turns += 1) await Promise.resolve();
    }
    writes.close();
  });

  it('are repeated while Redis is out of memory, and then leave the last state', async () => {
    const { redis } = test;
    const { writes, lines } = open();
    await writes.executing('warm-up', '1-0');
    await redis.config('SET', 'maxmemory', '1');
    void writes.executing('a', '1-1');
    const done = writes.ended(saved('a'));
    await waitUntil('the trouble', () => writes.trouble);
    assert.match(writes.trouble?.text ?? '', /OOM/);
    assert.match(writes.trouble?.remedy ?? '', /maxmemory/);
    await redis.config('SET', 'maxmemory', '0');
    await done;
    await waitUntil('the end of the trouble', () => writes.trouble === undefined);
    const status = await redis.hgetall(statusKey('a'));
    assert.equal(status['state'], 'completed');
    assert.equal(status['message_id'], '1-1');
    // The kernel logs the trouble, once.
    assert.deepEqual(
      lines.filter((line) => !line.includes('DEBUG')),
      [],
    );
    writes.close();
  });

  it('give up a status whose key is of another type, and only that', async () => {
    await test.redis.set(statusKey('taken'), 'text');
    const { writes, lines } = open();
    void writes.executing('taken', '1-1');
    await writes.ended(saved('taken'));
    await writes.ended(saved('free'));
    assert.equal(await test.redis.hget(statusKey('free'), 'state'), 'completed');
    assert.equal(writes.trouble, undefined);
    assert.ok(lines.some((line) => line.includes('taken') && line.includes('WRONGTYPE')));
    writes.close();
  });

  it('survive a lost connection, without a line in the log', async () => {
    const { writes, lines } = open();
    await writes.executing('a', '1-1');
    for (let i = 0; i < 20; i += 1) {
      const all = Array.from({ length: 50 }, (_, n) => writes.ended(saved(`job-${i}-${n}`)));
      await test.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await Promise.all(all);
    }
    assert.equal((await test.redis.keys('qpu:job:job-*')).length, 1000);
    assert.equal(writes.trouble, undefined);
    assert.deepEqual(
      lines.filter((line) => line.includes('refuses')),
      [],
    );
    writes.close();
  });

  it('end when they are closed, whatever Redis does', async () => {
    const { writes } = open();
    await writes.executing('a', '1-1');
    await test.server.kill('SIGSTOP');
    try {
      void writes.ended(saved('a'));
      writes.close();
    } finally {
      await test.server.kill('SIGCONT');
    }
    await writes.flushed();
  });
});
