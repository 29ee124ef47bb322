// Redis Cluster: a node that is pointed at a shard with all slots works; one that is not says what is wrong.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { streamKey } from '../../src/protocol/keys.ts';
import { bell, startLocalCloud, startTestNode, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { Bench } from '../cli/operator.ts';
import { HeldExecutor } from '../support/executors.ts';
import { replicated, startCluster, startShardWithReplica, type Member, type Topology } from './topology.ts';

const job = { ir: bell('cz').ir, shots: 5 };

describe('a cluster of one shard', () => {
  let redis: Topology & { readonly replica: Member };
  let address: FaultProxy;
  let cloud: LocalCloud;
  before(async () => {
    redis = await startShardWithReplica();
    address = await FaultProxy.open(redis.members[0].port);
    cloud = await startLocalCloud({ redisUrl: redis.url(address.port) });
  });
  after(async () => {
    await cloud.close();
    await address.close();
    await redis.close();
    assert.deepEqual(cloud.violations, []);
  });

  it('serves a node: jobs in many slots run, cancels arrive, nothing stays pending', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const running = await cloud.submit(job);
      await cloud.whenState(running, 'executing');
      const waiting = [await cloud.submit(job), await cloud.submit(job)];
      await waitUntil('taking all', () => test.node.jobs.cancellable().length === 3);
      for (const jobId of waiting) await cloud.cancel(jobId);
      for (const jobId of waiting) await cloud.whenState(jobId, 'cancelled');
      // Cancelled before they are read: one check then looks up keys in different slots.
      const early = Array.from({ length: 8 }, (_, i) => `early-${i}`);
      for (const jobId of early) await cloud.cancel(jobId);
      for (const jobId of early) await cloud.submit({ ...job, jobId });
      for (const jobId of early) await cloud.whenState(jobId, 'cancelled');
      executor.release(running);
      await cloud.outcome(running);
      await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
      await waitUntil('being ready', () => test.node.readiness().ready);
      assert.deepEqual(executor.started, [running]);
    } finally {
      await test.stop();
    }
  });
});

describe('a cluster of one shard that changes its primary', () => {
  it('is followed, also by connections that stay open', async () => {
    const redis = await startShardWithReplica();
    const [old] = redis.members;
    const address = await FaultProxy.open(old.port);
    const cloud = await startLocalCloud({ redisUrl: redis.url(address.port) });
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const running = await cloud.submit(job);
      await cloud.whenState(running, 'executing');
      await replicated(old);
      await redis.replica.admin.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
      await waitUntil('the old primary giving way', async () =>
        (await old.admin.info('replication')).includes('role:slave'),
      );
      address.leadTo(redis.replica.port);
      executor.release(running);
      await cloud.outcome(running);
      await waitUntil('being ready', () => test.node.readiness().ready);
      await waitUntil('every acknowledgement', async () => (await cloud.pending().catch(() => 1)) === 0);
      assert.deepEqual(executor.started, [running]);
    } finally {
      await test.stop();
      await cloud.close();
      await address.close();
      await redis.close();
    }
  });
});

describe('a cluster of three shards', () => {
  let redis: Topology;
  let cloud: LocalCloud;
  let bench: Bench;
  before(async () => {
    redis = await startCluster(3);
    cloud = await startLocalCloud();
    bench = new Bench(cloud);
  });
  after(async () => {
    await bench.clear();
    await cloud.close();
    await redis.close();
  });

  /** The members that have, and have not, the stream of the cloud's QPU. */
  async function membersByStream(): Promise<{ with: Member; without: Member }> {
    const { members } = redis;
    const has = await Promise.all(
      members.map(({ admin }) =>
        admin.exists(streamKey(cloud.qpuId)).then(
          () => true,
          () => false,
        ),
      ),
    );
    const [own, other] = [members[has.indexOf(true)], members[has.indexOf(false)]];
    assert.ok(own && other);
    return { with: own, without: other };
  }

  it('does not serve a node, which says so in its log and in /ready', async () => {
    const { without } = await membersByStream();
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: redis.url(without.port) }));
    const test = await startTestNode({ cloud });
    try {
      await waitUntil('saying so', () =>
        test.node.readiness().reasons.some((reason) => /MOVED/.test(reason)),
      );
      await waitUntil('the log', () => test.log.some((line) => /jobs cannot be read: .*MOVED/.test(line)));
    } finally {
      await test.stop();
    }
  });

  for (const which of ['with', 'without'] as const) {
    it(`is named by coda doctor, for the shard ${which} the stream`, async () => {
      const member = (await membersByStream())[which];
      const output = await bench.ends(1, ['doctor', '--json'], {
        CODA_REDIS_URL: redis.url(member.port),
        CODA_QPU_ID: cloud.qpuId,
      });
      const { findings } = JSON.parse(output) as { findings: { message: string; remedy?: string }[] };
      const found = findings.find(({ message }) => /only a part of the keys \(MOVED \d+/.test(message));
      assert.match(found?.remedy ?? '', /one shard/);
    });
  }
});
