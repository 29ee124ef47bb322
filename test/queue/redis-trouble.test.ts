// Redis frozen, gone, emptied and cut off: the node says so, keeps its running job, and recovers by itself.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { groupName, streamKey } from '../../src/protocol/keys.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  within,
  type LocalCloud,
  type RedisServer,
  type TestNode,
} from '../../src/testing/index.ts';
import { CountingExecutor, HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 5 };
/** Far longer than promised, far shorter than a hang. */
const BOUNDED_MS = 15_000;

describe('trouble with Redis', () => {
  let cloud: LocalCloud;
  let server: RedisServer;
  beforeEach(async () => {
    cloud = await startLocalCloud();
    assert.ok(cloud.redisServer);
    server = cloud.redisServer;
  });
  afterEach(async () => {
    await cloud.close();
  });

  const ready = (test: TestNode): Promise<boolean> =>
    waitUntil('being ready', () => test.node.readiness().ready);
  const notReady = (test: TestNode): Promise<string> =>
    waitUntil('not being ready', () => test.node.readiness().reasons.join('; '));

  it('frozen: said within seconds; the running job is untouched, and the next is taken after the thaw', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const running = await cloud.submit(job);
      await cloud.whenState(running, 'executing');
      await ready(test);
      await server.kill('SIGSTOP');
      const frozenAt = performance.now();
      assert.match(await notReady(test), /Redis/);
      assert.ok(performance.now() - frozenAt < 2_500, `${performance.now() - frozenAt} ms`);
      executor.release(running);
      assert.equal((await cloud.outcome(running)).status, 'completed');
      // Long enough for every connection to be given up.
      await waitUntil('giving the connections up', () =>
        test.log.some((line) => line.includes('Socket timeout')),
      );
      await server.kill('SIGCONT');
      const next = await cloud.submit(job);
      await waitUntil('starting the next', () => executor.started.includes(next));
      executor.release(next);
      await cloud.outcome(next);
      await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
      assert.deepEqual(executor.started, [running, next]);
      await ready(test);
    } finally {
      await server.kill('SIGCONT');
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('down at the start: the node waits, says so, and begins by itself', async () => {
    await server.kill();
    const test = await startTestNode({ cloud });
    try {
      assert.notEqual(await notReady(test), '');
      // Not before it has had the time to answer.
      await waitUntil('the reason', () =>
        /Redis at 127\.0\.0\.1:\d+ (does not answer|cannot be reached)/.test(
          test.node.readiness().reasons.join('; '),
        ),
      );
      await server.restart();
      const jobId = await cloud.submit(job);
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await ready(test);
    } finally {
      await test.stop();
    }
  });

  it('killed and started empty: the held jobs are not lost, and new ones are read', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const [running, queued] = [await cloud.submit(job), await cloud.submit(job)];
      await waitUntil('taking both', () => test.node.jobs.cancellable().length === 2);
      await server.restart();
      await waitUntil('noticing', () => test.log.some((line) => line.includes('created the consumer group')));
      executor.release(running);
      await waitUntil('starting the queued one', () => executor.started.includes(queued));
      executor.release(queued);
      for (const jobId of [running, queued]) await cloud.outcome(jobId);
      const next = await cloud.submit(job);
      await waitUntil('starting a new one', () => executor.started.includes(next));
      executor.release(next);
      await cloud.outcome(next);
      assert.deepEqual(executor.started, [running, queued, next]);
    } finally {
      await test.stop();
    }
  });

  it('flushed, or without the group: made again, and nothing runs twice', async () => {
    const executor = new CountingExecutor();
    const test = await startTestNode({ cloud, executor });
    const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    try {
      const jobIds: string[] = [];
      for (const spoil of [
        () => redis.flushall(),
        () => redis.xgroup('DESTROY', streamKey(cloud.qpuId), groupName(cloud.qpuId)),
      ]) {
        jobIds.push(await cloud.submit(job));
        await cloud.outcome(jobIds.at(-1) ?? '');
        await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
        await spoil();
        jobIds.push(await cloud.submit(job));
        await cloud.outcome(jobIds.at(-1) ?? '');
      }
      await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
      assert.deepEqual(executor.runs, jobIds);
    } finally {
      closeRedis(redis);
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('connections cut again and again: every job runs once and is delivered', async () => {
    const executor = new CountingExecutor();
    const test = await startTestNode({ cloud, executor, env: { CODA_LEASE_SEC: '20' } });
    const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    try {
      const jobIds: string[] = [];
      for (let cut = 0; cut < 12; cut += 1) {
        for (let i = 0; i < 10; i += 1) jobIds.push(await cloud.submit(job));
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      }
      for (const jobId of jobIds) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
      assert.deepEqual(executor.runs.toSorted(), jobIds.toSorted());
    } finally {
      closeRedis(redis);
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  for (const [name, spoil] of [
    ['frozen', () => server.kill('SIGSTOP')],
    ['down', () => server.kill()],
  ] as const) {
    it(`${name}: the node stops all the same, and its unfinished jobs stay`, async () => {
      const executor = new HeldExecutor();
      const test = await startTestNode({
        cloud,
        executor,
        env: { CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.2' },
      });
      await cloud.submit(job);
      await cloud.submit(job);
      await waitUntil('taking both', () => test.node.jobs.cancellable().length === 2);
      await spoil();
      await within('the stop', test.stop(), BOUNDED_MS);
      if (name === 'down') return;
      await server.kill('SIGCONT');
      assert.equal(await cloud.pending(), 2);
    });
  }

  it('no trouble at all: a node that is stopped as soon as it has started leaves no timer behind', async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const first = await startTestNode({ cloud });
    await first.node.stop();
    const before = timers();
    for (let i = 0; i < 8; i += 1) {
      const again = await startTestNode({ cloud, stateDir: first.stateDir });
      // At every stage of its start.
      for (let turns = 0; turns < i; turns += 1) await new Promise(setImmediate);
      await again.node.stop();
    }
    await first.stop();
    await waitUntil('its timers ending', () => timers() <= before);
  });
});
