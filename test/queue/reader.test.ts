// The reading connection at its ends: stopped while Redis does not hear of it, and silent while all else works.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import type { Jobs, Plugin } from '../../src/index.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { CountingExecutor, HeldExecutor } from '../support/executors.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';

const job = { ir: bell('cz').ir, shots: 5 };

describe('the reading connection', () => {
  let cloud: LocalCloud;
  let proxy: FaultProxy;
  /** Whether a node that is started now is not behind the proxy. */
  let direct = false;
  /** For the test itself; not through the proxy. */
  let redis: Redis;
  before(async () => {
    cloud = await startLocalCloud();
    redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    const behind = new URL(cloud.redisUrl);
    proxy = await FaultProxy.open(Number(behind.port));
    behind.port = String(proxy.port);
    cloud.overrideBundle((bundle) => (direct ? bundle : { ...bundle, redis_url: behind.href }));
  });
  after(async () => {
    closeRedis(redis);
    await proxy.close();
    await cloud.close();
    assert.deepEqual(cloud.violations, []);
  });

  /** Its line in CLIENT LIST, once a read waits for jobs and has only just begun. */
  const reading = (): Promise<string> =>
    waitUntil('a read', async () => {
      const list = String(await redis.call('CLIENT', 'LIST'));
      return list
        .split('\n')
        .find((line) => /name=coda-node:reader\b.* idle=0 .*flags=b.*cmd=xreadgroup/.test(line));
    });

  it('is given no job after the stop, also if its goodbye does not get to Redis', async () => {
    const first = await startTestNode({ cloud });
    await waitUntil('being ready', () => first.node.readiness().ready);
    await reading();
    // All that is sent arrives; that a connection is closed does not, as in a tunnel that goes down just then.
    proxy.set({ kind: 'hold', directions: [] });
    let jobId: string;
    try {
      await first.stop();
      jobId = await cloud.submit(job);
      assert.equal(await cloud.pending(), 0, 'the job waits for a node that reads');
    } finally {
      await proxy.heal();
    }
    const second = await startTestNode({ cloud });
    try {
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await second.stop();
    }
  });

  it('is made anew, like all others, once a plugin says that the network has changed', async () => {
    const test = await startTestNode({ cloud });
    const ids = async (): Promise<string[]> => {
      const list = String(await redis.call('CLIENT', 'LIST'));
      return [...list.matchAll(/^id=(\d+) .* name=coda-node:/gm)].map(([, id = '']) => id);
    };
    try {
      await waitUntil('being ready', () => test.node.readiness().ready);
      const earlier = await ids();
      assert.ok(earlier.length > 1);
      test.node.networkChanged();
      await waitUntil('other connections', async () => {
        const now = await ids();
        return now.length === earlier.length && now.every((id) => !earlier.includes(id));
      });
      assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
      assert.deepEqual(
        test.log.filter((line) => line.includes('Socket timeout')),
        [],
      );
    } finally {
      await test.stop();
    }
  });

  it('says within seconds that it is silent, in the log too, and reads again by itself', async () => {
    const test = await startTestNode({ cloud });
    try {
      await waitUntil('being ready', () => test.node.readiness().ready);
      proxy.set({ kind: 'swallow', directions: ['up'], only: /^\*\d+\r\n\$10\r\nXREADGROUP/ });
      const reasons = await waitUntil('not being ready', () => test.node.readiness().reasons.join('; '));
      assert.match(reasons, /^Redis at 127\.0\.0\.1:\d+ does not answer/);
      assert.ok(test.node.readiness().redisHealthy, 'another connection works');
      await waitUntil('the log', () =>
        test.log.some((line) => / WARN .*Redis at .* does not answer/i.test(line)),
      );
      const jobId = await cloud.submit(job);
      await proxy.heal();
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await waitUntil('being ready', () => test.node.readiness().ready);
    } finally {
      await proxy.heal();
      await test.stop();
    }
  });

  it("brings no job into the node that may be another node's by now, since its answer came so late", async () => {
    const env = { CODA_LEASE_SEC: '1' };
    const [late, other] = [new CountingExecutor(), new HeldExecutor()];
    const a = await startTestNode({ cloud, executor: late, env });
    let b: TestNode | undefined;
    try {
      await waitUntil('being ready', () => a.node.readiness().ready);
      await reading();
      proxy.set({ kind: 'hold', directions: ['down'] });
      const jobId = await cloud.submit(job);
      await waitUntil('giving the job to the read', async () => (await cloud.pending()) === 1);
      direct = true;
      b = await startTestNode({ cloud, executor: other, env });
      await waitUntil('starting it on the other node', () => other.started.length === 1);
      await proxy.heal();
      // What the first node takes after that is run after that.
      const others: string[] = [];
      await waitUntil('running another job', async () => {
        if (late.runs.length > 0) return true;
        others.push(await cloud.submit(job));
        return false;
      });
      assert.ok(!late.runs.includes(jobId), 'the job runs on both nodes');
      const ended = new Set<string>();
      await waitUntil('the end of all jobs', async () => {
        for (const started of other.started) if (!ended.has(started)) other.release(started);
        for (const started of other.started) ended.add(started);
        return (await cloud.pending()) === 0;
      });
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      direct = false;
      await a.stop();
      await b?.stop();
    }
  });

  it('leaves a queued job alone that is cancelled after it was held up for a lease: another node may have ended it', async () => {
    const executor = new HeldExecutor();
    let jobs: Jobs | undefined;
    const prepared: string[] = [];
    const grab: Plugin = {
      name: 'grab',
      apply(node) {
        node.hooks.start.tap('grab', () => (jobs = node.jobs));
        // From then on, nothing of the job is asked any more.
        node.hooks.prepare.tap('grab', (circuit, { jobId }) => {
          prepared.push(jobId);
          return circuit;
        });
      },
    };
    const test = await startTestNode({ cloud, executor, plugins: [grab], env: { CODA_LEASE_SEC: '1' } });
    try {
      const running = await cloud.submit(job);
      await waitUntil('starting the first job', () => executor.started.length === 1);
      const queued = await cloud.submit(job);
      await waitUntil('queueing the second', () => prepared.includes(queued));
      proxy.set({ kind: 'hold', directions: ['up', 'down'] });
      const heldFrom = performance.now();
      await waitUntil('the end of the lease', () => performance.now() - heldFrom > 1_000);
      assert.equal(jobs?.cancel(queued), false);
      await proxy.heal();
      await waitUntil('being sure of it again', () => jobs?.cancel(queued) === true);
      executor.release(running);
      await waitUntil('acknowledging both', async () => (await cloud.pending()) === 0);
      assert.deepEqual(executor.started, [running]);
    } finally {
      await test.stop();
    }
  });
});
