// Entries that a node was given and did not finish: taken up again, once, by exactly one node.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { nodeFolder } from '../../src/state/layout.ts';
import { openNodeFolder } from '../../src/state/node-folder.ts';
import { cancelKey, groupName, statusKey, streamKey } from '../../src/protocol/keys.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { CountingExecutor, HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 5 };
const SHORT_LEASE = { CODA_LEASE_SEC: '1' };

describe('recovery', () => {
  let redis: Redis;
  before(() => {
    redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
  });
  after(() => closeRedis(redis));

  const stream = (): [key: string, group: string] => [streamKey(cloud.qpuId), groupName(cloud.qpuId)];

  /** Lets a consumer read the entries and then do nothing, as if it had died; returns their ids. */
  async function readAs(consumer: string): Promise<string[]> {
    const [key, group] = stream();
    await redis.xgroup('CREATE', key, group, '0', 'MKSTREAM').catch(() => {});
    const reply = await redis.xreadgroup('GROUP', group, consumer, 'COUNT', 100_000, 'STREAMS', key, '>');
    return (reply as [string, [string, string[]][]][]).flatMap(([, entries]) => entries.map(([id]) => id));
  }

  async function holderOf(messageId: string): Promise<{ consumer: string; idleMs: number } | undefined> {
    const reply = (await redis.xpending(...stream(), messageId, messageId, 1)) as [string, string, number][];
    const [entry] = reply;
    return entry === undefined ? undefined : { consumer: entry[1], idleMs: entry[2] };
  }

  /** Resolves when the lease of an entry has been renewed several times. */
  async function renewed(messageId: string, times = 3): Promise<void> {
    let last = 0;
    let seen = 0;
    await waitUntil('renewing the lease', async () => {
      const idleMs = (await holderOf(messageId))?.idleMs ?? 0;
      if (idleMs < last) seen += 1;
      last = idleMs;
      return seen >= times;
    });
  }

  const allDone = (): Promise<boolean> =>
    waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);

  /** A state directory with credentials, whose node is stopped, and the name that node has in the group. */
  async function stoppedNode(): Promise<{ first: TestNode; stateDir: string; consumer: string }> {
    const first = await startTestNode({ cloud });
    await first.node.stop();
    const spool = await openNodeFolder(first.stateDir);
    spool.release();
    return { first, stateDir: first.stateDir, consumer: spool.consumer };
  }

  it('takes over all of 1,200 entries of a dead consumer, runs each once, and skips deleted ones', async () => {
    const jobIds: string[] = [];
    for (let i = 0; i < 1200; i += 1) jobIds.push(await cloud.submit(job));
    const entries = await readAs('worker-0');
    assert.equal(entries.length, 1200);
    await redis.xdel(stream()[0], ...entries.slice(600, 610));
    const executor = new CountingExecutor();
    const test = await startTestNode({ cloud, executor, env: SHORT_LEASE });
    try {
      await allDone();
      assert.deepEqual(executor.runs.toSorted(), jobIds.toSpliced(600, 10).toSorted());
      for (const jobId of executor.runs) assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('takes up its own entries of an earlier run before it reads new ones', async () => {
    const { first, stateDir, consumer } = await stoppedNode();
    const old = [await cloud.submit(job), await cloud.submit(job)];
    await readAs(consumer);
    const fresh = await cloud.submit(job);
    const executor = new CountingExecutor();
    const second = await startTestNode({ cloud, executor, stateDir });
    try {
      await cloud.outcome(fresh);
      assert.deepEqual(executor.runs, [...old, fresh]);
      await allDone();
    } finally {
      await second.stop();
      await first.stop();
    }
  });

  it('does not run finished jobs again that Redis has forgotten, and writes their end again, also after a restart', async () => {
    const executor = new CountingExecutor();
    const first = await startTestNode({ cloud, executor });
    const completed = await cloud.submit(job);
    const failed = await cloud.submit({ ...job, shots: '-1' });
    const jobIds = [completed, failed];
    try {
      for (const jobId of jobIds) await cloud.outcome(jobId);
      await allDone();
      const runs = [...executor.runs];
      assert.equal(runs.filter((jobId) => jobId === completed).length, 1);
      const [key, group] = stream();
      const forget = async (): Promise<void> => {
        await redis.del(...jobIds.map(statusKey));
        await redis.xgroup('SETID', key, group, '0');
      };
      const toldAgain = async (): Promise<void> => {
        await cloud.whenState(completed, 'completed');
        assert.match((await cloud.whenState(failed, 'failed'))['error'] ?? '', /shots/);
        await allDone();
        assert.deepEqual(executor.runs, runs);
      };
      await forget();
      await toldAgain();
      await first.node.stop();
      await forget();
      const second = await startTestNode({ cloud, executor, stateDir: first.stateDir });
      try {
        await toldAgain();
      } finally {
        await second.stop();
      }
    } finally {
      await first.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('takes nothing from a node that is alive', async () => {
    const executor = new HeldExecutor();
    const other = new CountingExecutor();
    const a = await startTestNode({ cloud, executor, env: SHORT_LEASE });
    const running = await cloud.submit(job);
    const { message_id: messageId = '' } = await cloud.whenState(running, 'executing');
    const b = await startTestNode({ cloud, executor: other, env: SHORT_LEASE });
    try {
      const holder = (await holderOf(messageId))?.consumer;
      await renewed(messageId, 6);
      assert.equal((await holderOf(messageId))?.consumer, holder);
      // Also while it drains.
      const stopping = a.node.drain();
      await renewed(messageId, 6);
      assert.equal((await holderOf(messageId))?.consumer, holder);
      executor.release(running);
      await stopping;
      await cloud.outcome(running);
      assert.deepEqual(other.runs, []);
      await allDone();
    } finally {
      await a.stop();
      await b.stop();
    }
  });

  it('neither runs nor takes back jobs that another node has taken over', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor, env: SHORT_LEASE });
    try {
      const running = await cloud.submit(job);
      await cloud.whenState(running, 'executing');
      const lost = await cloud.submit(job);
      const messageId = await waitUntil('taking the second job ahead', async () => {
        const all = (await redis.xpending(...stream(), '-', '+', 10)) as [string][];
        return all[1]?.[0];
      });
      await redis.xclaim(...stream(), 'another', 0, messageId, 'JUSTID');
      await waitUntil('noticing it', () => test.log.some((line) => line.includes(`${lost} went to another`)));
      // Only the other node may renew its lease.
      const { idleMs = 0 } = (await holderOf(messageId)) ?? {};
      executor.release(running);
      const next = await cloud.submit(job);
      await waitUntil('starting the next job', () => executor.started.length === 2);
      assert.deepEqual(executor.started, [running, next]);
      const now = await holderOf(messageId);
      assert.equal(now?.consumer, 'another');
      assert.ok(now.idleMs >= idleMs);
      await redis.xack(...stream(), messageId);
      executor.release(next);
      await allDone();
    } finally {
      await test.stop();
    }
  });

  it('reports a job failed that was started three times without an outcome, and runs the next', async () => {
    const { first, stateDir, consumer } = await stoppedNode();
    const [poison, once] = [await cloud.submit(job), await cloud.submit(job)];
    const [poisonId = '', onceId = ''] = await readAs(consumer);
    await writeFile(join(nodeFolder(stateDir), 'running'), `${poisonId}:3\n${onceId}`);
    const executor = new CountingExecutor();
    const second = await startTestNode({ cloud, executor, stateDir });
    try {
      const body = await cloud.outcome(poison);
      assert.ok(body.status === 'failed' && body.error.includes('started 3 times'), JSON.stringify(body));
      assert.equal((await cloud.outcome(once)).status, 'completed');
      assert.deepEqual(executor.runs, [once]);
      await allDone();
      const letters = await waitUntil('the record', () =>
        readFile(join(nodeFolder(stateDir), 'dead-letters.jsonl'), 'utf8').catch(() => ''),
      );
      assert.ok(letters.includes(poison) && letters.includes('ir_json'));
    } finally {
      await second.stop();
      await first.stop();
    }
  });

  it('says which jobs wait for a node that is gone', async () => {
    for (let i = 0; i < 2; i += 1) await cloud.submit(job);
    const messageIds = await readAs('worker-gone');
    await redis.xclaim(...stream(), 'worker-gone', 0, ...messageIds, 'IDLE', 30_000, 'JUSTID');
    const test = await startTestNode({ cloud });
    try {
      await waitUntil('the log', () =>
        test.log.some((line) =>
          / INFO .*worker-gone, which does not renew them: 2\. They are taken over 60 s after/.test(line),
        ),
      );
      assert.equal(await cloud.pending(), 2, 'not before the lease is over');
    } finally {
      await redis.xack(...stream(), ...messageIds);
      await test.stop();
    }
  });

  it('counts a start that killed the node, and not one that a drain gave up', async () => {
    const { first, stateDir, consumer } = await stoppedNode();
    const jobId = await cloud.submit(job);
    const [messageId = ''] = await readAs(consumer);
    await writeFile(join(nodeFolder(stateDir), 'running'), messageId);
    const env = { CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.1' };
    const deliveries = async (): Promise<number | undefined> =>
      ((await redis.xpending(...stream(), '-', '+', 1)) as [string, string, number, number][])[0]?.[3];
    for (const expected of [2, 2]) {
      const executor = new HeldExecutor();
      const test = await startTestNode({ cloud, executor, stateDir, env });
      await waitUntil('starting the job', () => executor.started.includes(jobId));
      await waitUntil('counting', async () => (await deliveries()) === expected);
      await test.node.stop();
      assert.equal(await deliveries(), expected);
    }
    const last = await startTestNode({ cloud, stateDir });
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await allDone();
    await last.stop();
    await first.stop();
  });

  it('delivers the failure of a job, without a run, if its node died before it could', async () => {
    const jobId = await cloud.submit(job);
    const [messageId = ''] = await readAs('worker-0');
    await redis.hset(statusKey(jobId), { state: 'failed', error: 'it broke', message_id: messageId });
    const executor = new CountingExecutor();
    const test = await startTestNode({ cloud, executor, env: SHORT_LEASE });
    try {
      assert.deepEqual(await cloud.outcome(jobId), { job_id: jobId, status: 'failed', error: 'it broke' });
      await allDone();
      assert.deepEqual(executor.runs, []);
    } finally {
      await test.stop();
    }
  });

  it('delivers such a failure also if the cloud has cancelled the job: that node may have delivered it', async () => {
    const jobId = await cloud.submit(job);
    const [messageId = ''] = await readAs('worker-0');
    await redis.hset(statusKey(jobId), { state: 'failed', error: 'it broke', message_id: messageId });
    await redis.set(cancelKey(jobId), '1');
    const test = await startTestNode({ cloud, env: SHORT_LEASE });
    try {
      assert.equal((await cloud.outcome(jobId)).status, 'failed');
      await allDone();
      assert.equal(await redis.hget(statusKey(jobId), 'state'), 'failed');
    } finally {
      await test.stop();
    }
  });

  it('does not run what another node has cancelled, also once the signal for that has expired', async () => {
    const jobId = await cloud.submit(job);
    await readAs('worker-0');
    await redis.hset(statusKey(jobId), { state: 'cancelled' });
    const executor = new CountingExecutor();
    const test = await startTestNode({ cloud, executor, env: SHORT_LEASE });
    try {
      await allDone();
      assert.deepEqual(executor.runs, []);
      assert.equal(await redis.hget(statusKey(jobId), 'state'), 'cancelled');
    } finally {
      await test.stop();
    }
  });

  it('runs a job once if two messages bring it, and acknowledges both', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const jobId = await cloud.submit({ ...job, jobId: 'twice' });
      await waitUntil('starting it', () => executor.started.length === 1);
      await cloud.submit({ ...job, jobId: 'twice' });
      await waitUntil('reading both', async () => (await cloud.pending()) === 2);
      executor.release(jobId);
      await allDone();
      // And once more after its end.
      await cloud.submit({ ...job, jobId: 'twice' });
      const last = await cloud.submit({ ...job, jobId: 'last' });
      await waitUntil('starting the last', () => executor.started.includes(last));
      executor.release(last);
      await allDone();
      assert.deepEqual(executor.started, [jobId, last]);
      assert.equal(cloud.deliveries.filter(({ body }) => JSON.stringify(body).includes('twice')).length, 1);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('runs a job whose entry id is that of a job it still holds: a flushed server reuses ids', async () => {
    const [key] = stream();
    const second = await cloud.submit(job);
    const [[, fields] = ['', []]] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
    await redis.del(key);
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const first = await cloud.submit(job);
      await waitUntil('starting the first', () => executor.started.includes(first));
      const [[messageId] = ['']] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
      await redis.del(key);
      await redis.xadd(key, messageId, ...fields);
      await waitUntil('holding both', () => test.node.readiness().toJSON()['queued'] === 1);
      executor.release(first);
      await waitUntil('starting the second', () => executor.started.includes(second));
      executor.release(second);
      for (const jobId of [first, second]) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await allDone();
      assert.deepEqual(executor.started, [first, second]);
    } finally {
      await test.stop();
    }
  });

  it('does not run a job that another message has brought to another node', async () => {
    const executor = new HeldExecutor();
    const other = new CountingExecutor();
    const a = await startTestNode({ cloud, executor });
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    // One node is busy, and its queue is full: the next message goes to the other, once the first has no read under way.
    a.node.jobs.admission.close('the test', 'full');
    await waitUntil('the end of its read', async () => {
      const clients = String(await redis.client('LIST'));
      return !/ flags=\w*b/.test(clients);
    });
    const b = await startTestNode({ cloud, executor: other, env: { CODA_LEASE_SEC: '3' } });
    try {
      await cloud.submit({ ...job, jobId });
      await waitUntil('reading the second message', async () => (await cloud.pending()) === 2);
      const next = await waitUntil('a job that the other node runs', async () => {
        const probe = await cloud.submit(job);
        await cloud.outcome(probe);
        return other.runs.includes(probe) ? probe : undefined;
      });
      executor.release(jobId);
      await cloud.outcome(jobId);
      await allDone();
      assert.ok(other.runs.includes(next));
      assert.ok(!other.runs.includes(jobId));
      assert.deepEqual(executor.started, [jobId]);
      assert.equal(cloud.deliveries.filter(({ body }) => JSON.stringify(body).includes(jobId)).length, 1);
    } finally {
      await b.stop();
      await a.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });
});
