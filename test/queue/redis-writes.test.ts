// Statuses and acknowledgements reach Redis in order, and sooner or later, whatever it answers first.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RedisWrites } from '../../src/queue/redis-writes.ts';
import { createLogger } from '../../src/log.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
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

  it('say that a job is executing only while the node knows that it has the job', async () => {
    const { redis } = test;
    let isOwn = false;
    const writes = new RedisWrites(test.connect(), QPU, createLogger({ write: () => {} }), () => isOwn);
    await writes.executing('late', '1-1');
    await writes.executing('given-back', '2-1');
    writes.withdrawStart('given-back');
    assert.deepEqual(await redis.keys('*'), []);
    isOwn = true;
    writes.sayDoubtful();
    await writes.flushed();
    assert.equal(await redis.hget(statusKey('late'), 'message_id'), '1-1');
    assert.equal(await redis.exists(statusKey('given-back')), 0);
    isOwn = false;
    await writes.executing('ended', '3-1');
    await writes.ended(saved('ended', '3-1'));
    assert.deepEqual(await redis.hmget(statusKey('ended'), 'state', 'message_id'), ['completed', '3-1']);
    writes.close();
  });

  it('say which entry has failed, also if its start has not reached Redis', async () => {
    const { writes } = open();
    await writes.ended({ ...saved('a', '4-1'), outcome: { status: 'failed', error: 'no' } });
    assert.deepEqual(await test.redis.hgetall(statusKey('a')), {
      state: 'failed',
      error: 'no',
      failed_at: endedAt,
      message_id: '4-1',
    });
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

  it('acknowledge no entry before the state of its job, however many states wait', async () => {
    const { writes } = open();
    const order: string[] = [];
    for (let i = 0; i < 1500; i += 1) void writes.executing(`job-${i}`, `${i}-0`);
    const ending = { ...saved('a'), outcome: { status: 'cancelled' } as const };
    await Promise.all([
      writes.ended(ending).then(() => order.push('state')),
      writes.acknowledge(ending.messageIds).then(() => order.push('acknowledged')),
    ]);
    assert.deepEqual(order, ['state', 'acknowledged']);
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

  it('keep a status whose key is of another type, hold nothing up for it, and write it once they can', async () => {
    await test.redis.set(statusKey('taken'), 'text');
    const { writes } = open();
    void writes.executing('taken', '1-1');
    await writes.ended(saved('taken'));
    await writes.ended(saved('free'));
    assert.equal(await test.redis.hget(statusKey('free'), 'state'), 'completed');
    assert.equal(writes.trouble, undefined);
    assert.match(writes.stateTrouble?.text ?? '', /states of 1 jobs are not in Redis yet: .*qpu:job:taken/);
    await test.redis.del(statusKey('taken'));
    await waitUntil('the end of the trouble', () => writes.stateTrouble === undefined);
    const status = await test.redis.hgetall(statusKey('taken'));
    assert.deepEqual([status['state'], status['message_id']], ['completed', '1-1']);
    writes.close();
  });

  it('forget a start that was refused, and is withdrawn on its way', async () => {
    await test.redis.set(statusKey('left'), 'text');
    const { writes } = open();
    await writes.executing('left', '1-1');
    assert.match(writes.stateTrouble?.text ?? '', /states of 1 jobs/);
    void writes.executing('left', '1-1');
    writes.withdrawStart('left');
    await writes.flushed();
    assert.equal(writes.stateTrouble, undefined);
    writes.close();
  });

  it('write the last state of every job once the right to do so is given, and hold nothing up before', async () => {
    const { redis, server } = test;
    await redis.xgroup('CREATE', streamKey(QPU), groupName(QPU), '0', 'MKSTREAM');
    await redis.call('ACL', 'SETUSER', 'lab', 'on', 'nopass', '~*', '&*', '+@all', '-hset');
    const lines: string[] = [];
    const log = createLogger({ level: 'info', write: (line) => lines.push(line) });
    const url = new URL(server.url);
    [url.username, url.password] = ['lab', 'any'];
    const own = openRedis({ url: url.href, name: 'lab', env: {}, options: { maxRetriesPerRequest: 0 } });
    const writes = new RedisWrites(own, QPU, log);
    try {
      const jobIds = Array.from({ length: 300 }, (_, n) => `job-${n}`);
      // In batches of their own: refused as 'executing', and again as 'completed'.
      await Promise.all(jobIds.map((jobId) => writes.executing(jobId, `${jobId.slice(4)}-1`)));
      await Promise.all(jobIds.map((jobId) => writes.ended(saved(jobId))));
      await writes.acknowledge(['1-1']);
      assert.equal(writes.trouble, undefined);
      assert.match(writes.stateTrouble?.text ?? '', /states of 300 jobs .*hset/);
      await redis.call('ACL', 'SETUSER', 'lab', '+hset');
      // A newer state of one of them, before the old one is sent again.
      await writes.executing('job-7', '7-2');
      await waitUntil('the end of the trouble', () => writes.stateTrouble === undefined);
      for (const jobId of jobIds) {
        const { state, message_id: messageId, completed_at: at } = await redis.hgetall(statusKey(jobId));
        const expected = jobId === 'job-7' ? ['executing', '7-2'] : ['completed', `${jobId.slice(4)}-1`];
        assert.deepEqual([state, messageId, at], [...expected, endedAt], jobId);
      }
      assert.deepEqual(lines, []);
    } finally {
      writes.close();
      closeRedis(own);
      await redis.call('ACL', 'DELUSER', 'lab');
    }
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
