// A copy of an outcome reaches Redis over lost connections; one that is too much for the line holds nothing up.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CheckingJob, SavedOutcome } from '../../src/jobs/job.ts';
import { silentLogger } from '../../src/log.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { outcomeKey } from '../../src/protocol/keys.ts';
import { OutcomeCopies } from '../../src/queue/outcome-copies.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { testRedis } from '../support/redis.ts';

const test = testRedis();

function failed(jobId: string, characters: number): SavedOutcome {
  return {
    qpuId: 'q',
    jobId,
    messageIds: ['1-1'],
    callbackUrl: 'http://cloud/',
    outcome: { status: 'failed', error: 'x'.repeat(characters) },
    endedAt: '2026-01-02T03:04:05.000Z',
  };
}

it('after three lost connections a large outcome goes without its copy, and a small one still waits', async () => {
  const url = new URL(test.server.url);
  const proxy = await FaultProxy.open(Number(url.port));
  url.port = String(proxy.port);
  const redis = openRedis({ url: url.href, name: 'test', env: {}, options: { maxRetriesPerRequest: 0 } });
  redis.on('error', () => {});
  const removed: string[] = [];
  const copies = new OutcomeCopies({
    redis,
    qpuId: 'q',
    writes: { remove: (key) => Promise.resolve(void removed.push(key)) },
    log: silentLogger,
  });
  const saved: Promise<void>[] = [];
  let losses = 0;
  // Before the copies hear of it: what they send gets no further.
  redis.prependListener('ready', () => {
    if (losses === 4) return;
    proxy.set({ kind: 'hold', directions: ['up'] });
    if (losses === 0)
      for (const [i, jobId] of ['large', 'small', 'dropped'].entries()) {
        saved.push(copies.save(failed(jobId, i === 0 ? 300_000 : 10)));
      }
    setImmediate(() => {
      losses += 1;
      proxy.cut();
      void proxy.heal();
    });
  });
  try {
    await new Promise<void>((resolve) => redis.once('close', resolve));
    await copies.remove('dropped');
    assert.deepEqual(removed, [outcomeKey('dropped')]);
    await saved[0];
    assert.equal(losses, 3);
    assert.match(copies.trouble?.text ?? '', /without a second copy.*each time that it gets 300\d{3} bytes/);
    await saved[1];
    assert.equal(losses, 4);
    assert.equal(copies.trouble, undefined);
    assert.deepEqual(await test.redis.keys('*'), [outcomeKey('small')]);
  } finally {
    copies.close();
    closeRedis(redis);
    await proxy.close();
  }
});

it('an outcome that is too large for Redis is not sent at all', async () => {
  const redis = test.connect();
  const writes = { remove: () => Promise.resolve() };
  const copies = new OutcomeCopies({ redis, qpuId: 'q', writes, log: silentLogger });
  await copies.save(failed('huge', 17 * 1024 * 1024));
  assert.match(copies.trouble?.text ?? '', /a result has \d+ bytes, and may have 16777216/);
  await copies.save(failed('small', 10));
  assert.equal(copies.trouble, undefined);
  assert.deepEqual(await test.redis.keys('*'), [outcomeKey('small')]);
  copies.close();
});

it('a copy is that of the messages which it names: a job that is sent once more has none', async () => {
  const redis = test.connect();
  const writes = { remove: () => Promise.resolve() };
  const copies = new OutcomeCopies({ redis, qpuId: 'q', writes, log: silentLogger });
  await copies.save(failed('again', 10));
  const broughtBy = (messageId: string): CheckingJob => ({
    jobId: 'again',
    callbackUrl: 'http://cloud/',
    messageIds: [messageId],
    bytes: 0,
    heldSince: 0,
    takenAt: 0,
    stage: 'checking',
  });
  const [first] = await copies.states([broughtBy('1-1')]);
  assert.equal(first?.copy?.jobId, 'again');
  const [second] = await copies.states([broughtBy('2-1')]);
  assert.ok(second !== undefined);
  assert.equal(second.copy, undefined);
  copies.close();
});
