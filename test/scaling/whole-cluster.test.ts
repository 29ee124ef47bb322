// A cluster of which every shard is gone at once: killed, frozen, or back without its data. The running job continues, /ready
// and coda doctor say what is wrong, and jobs are taken again without a restart.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { Bench } from '../cli/operator.ts';
import { HeldExecutor } from '../support/executors.ts';
import { revive, startCluster, type Topology } from './topology.ts';

const job = { ir: bell('cz').ir, shots: 5 };

describe('a cluster of three shards, all of them gone', () => {
  let redis: Topology;
  let cloud: LocalCloud;
  let executor: HeldExecutor;
  let test: TestNode;
  let bench: Bench;
  const all: string[] = [];
  before(async () => {
    redis = await startCluster(3, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    cloud = await startLocalCloud({ redisUrl: redis.url(redis.members[1]?.port ?? 0) });
    executor = new HeldExecutor();
    test = await startTestNode({ cloud, executor });
    bench = new Bench(cloud);
    await waitUntil('being ready', () => test.node.readiness().ready);
  });
  after(async () => {
    await test.stop();
    await bench.clear();
    await cloud.close();
    await redis.close();
    assert.deepEqual(cloud.violations, []);
  });

  /** Some jobs, of which one runs. */
  async function begin(count = 6): Promise<{ running: string; jobIds: string[] }> {
    const jobIds: string[] = [];
    for (let i = 0; i < count; i += 1)
      jobIds.push(await waitUntil('submitting', () => cloud.submit(job).catch(() => undefined)));
    all.push(...jobIds);
    const running = await waitUntil('running', () =>
      jobIds.find((jobId) => executor.started.includes(jobId)),
    );
    return { running, jobIds };
  }

  /** The running job ends while Redis is gone: its result is delivered all the same. */
  async function saysSo(running: string, words: RegExp): Promise<void> {
    await waitUntil('saying so', () => test.node.readiness().reasons.some((text) => words.test(text)));
    executor.release(running);
    await cloud.outcome(running);
  }

  /** Lets every job run. */
  async function finish(jobIds: readonly string[]): Promise<void> {
    await waitUntil('every outcome', () => {
      for (const jobId of executor.started) executor.release(jobId);
      return jobIds.every((jobId) => cloud.results.has(jobId));
    });
    await waitUntil('every acknowledgement', async () => (await cloud.pending().catch(() => 1)) === 0);
    await waitUntil('being ready', () => test.node.readiness().ready);
    assert.deepEqual(executor.started.toSorted(), all.toSorted());
    assert.deepEqual(cloud.deliveries.map(({ body }) => body?.job_id ?? '').toSorted(), all.toSorted());
  }

  for (const coverage of ['yes', 'no']) {
    it(`and back with their data (cluster-require-full-coverage ${coverage}): no job is lost, none runs twice`, async () => {
      for (const { admin } of redis.members)
        await admin.config('SET', 'cluster-require-full-coverage', coverage);
      const { running, jobIds } = await begin();
      await Promise.all(redis.members.map(({ server }) => server.kill()));
      await saysSo(running, /Redis at 127\.0\.0\.1:\d+(, which the cluster announces,)? cannot be reached/);
      if (coverage === 'yes') {
        const env = { CODA_REDIS_URL: redis.url(redis.members[1]?.port ?? 0), CODA_QPU_ID: cloud.qpuId };
        const { output } = await bench.run(['doctor', '--json'], env);
        assert.match(output, /Redis at 127\.0\.0\.1:\d+ cannot be reached: the connection is refused/);
      }
      await Promise.all(redis.members.map((member) => revive(member, redis)));
      await finish(jobIds);
    });
  }

  it('frozen, and thawed: the same', async () => {
    const { running, jobIds } = await begin();
    for (const { server } of redis.members) await server.kill('SIGSTOP');
    await saysSo(running, /Redis at 127\.0\.0\.1:\d+(, which the cluster announces,)? does not answer/);
    for (const { server } of redis.members) await server.kill('SIGCONT');
    await finish(jobIds);
  });

  it('and back without their data: the running job is delivered, and new jobs are taken', async () => {
    const { running } = await begin(1);
    await Promise.all(redis.members.map(({ server }) => server.kill()));
    await saysSo(running, /cannot be reached/);
    await Promise.all(redis.members.map((member) => revive(member, redis, true)));
    const { jobIds } = await begin();
    await finish(jobIds);
  });
});
