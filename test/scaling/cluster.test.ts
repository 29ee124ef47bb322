// Redis Cluster: a node follows it, through moved slots and failovers, from any address of it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { cancelKey, groupName, outcomeKey, statusKey, streamKey } from '../../src/protocol/keys.ts';
import { closeRedis } from '../../src/net/redis.ts';
import { RedisServers } from '../../src/net/redis/servers.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { Bench } from '../cli/operator.ts';
import { HeldExecutor } from '../support/executors.ts';
import { HOST, moveSlot, ownerOf, replicated, startCluster, type Topology } from './topology.ts';

const job = { ir: bell('cz').ir, shots: 5 };

/** Cancels jobs before they are read. */
async function cancelEarly(cloud: LocalCloud): Promise<void> {
  const early = Array.from({ length: 8 }, (_, i) => `early-${i}`);
  for (const jobId of early) await cloud.cancel(jobId);
  for (const jobId of early) await cloud.submit({ ...job, jobId });
  for (const jobId of early) await cloud.whenState(jobId, 'cancelled');
}

describe('a cluster of one shard', () => {
  let redis: Topology;
  let address: FaultProxy;
  let cloud: LocalCloud;
  before(async () => {
    redis = await startCluster(1, { replicas: true });
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
      await cancelEarly(cloud);
      executor.release(running);
      await cloud.outcome(running);
      await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
      await waitUntil('being ready', () => test.node.readiness().ready);
      assert.deepEqual(executor.started, [running]);
    } finally {
      await test.stop();
    }
  });

  it('is reached through a list of servers of which one is gone, whichever that is', async (t) => {
    const [{ port }] = redis.members;
    for (const url of [`${redis.url(1)},${HOST}:${port}`, `${redis.url(port)},${HOST}:1`]) {
      const servers = new RedisServers({ url, env: {}, streamKey: streamKey(cloud.qpuId) });
      const connection = servers.open('test', {
        lazyConnect: true,
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
      });
      connection.on('error', () => {});
      t.after(() => closeRedis(connection));
      await servers.connect(connection);
      assert.equal(await connection.ping(), 'PONG');
    }
  });
});

describe('a cluster of one shard of which the cloud names a replica', () => {
  it('serves a node, which goes to the primary', async (t) => {
    const redis = await startCluster(1, { replicas: true });
    t.after(() => redis.close());
    const [primary, replica] = redis.members;
    assert.ok(replica);
    const cloud = await startLocalCloud({ redisUrl: redis.url(primary.port) });
    t.after(() => cloud.close());
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: redis.url(replica.port) }));
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    t.after(() => test.stop());
    const [jobId, cancelled] = [await cloud.submit(job), await cloud.submit(job)];
    await cloud.whenState(jobId, 'executing');
    await waitUntil('taking both', () => test.node.jobs.cancellable().length === 2);
    await cloud.cancel(cancelled);
    await cloud.whenState(cancelled, 'cancelled');
    executor.release(jobId);
    await cloud.outcome(jobId);
    await cloud.whenState(jobId, 'completed');
    await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
    await waitUntil('being ready', () => test.node.readiness().ready);
    const bench = new Bench(cloud);
    t.after(() => bench.clear());
    const env = { CODA_REDIS_URL: redis.url(replica.port), CODA_QPU_ID: cloud.qpuId };
    const { output } = await bench.run(['doctor', '--json'], env);
    assert.match(output, new RegExp(`${HOST}:${primary.port} answers`));
    assert.doesNotMatch(output, /is a replica/);
  });
});

describe('a cluster of one shard that changes its primary', () => {
  it('is followed, also by connections that stay open', async () => {
    const redis = await startCluster(1, { replicas: true });
    const [old, replica] = redis.members;
    assert.ok(replica);
    const address = await FaultProxy.open(old.port);
    const cloud = await startLocalCloud({ redisUrl: redis.url(address.port) });
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    try {
      const running = await cloud.submit(job);
      await cloud.whenState(running, 'executing');
      await replicated(old);
      await replica.admin.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
      await waitUntil('the old primary giving way', async () =>
        (await old.admin.info('replication')).includes('role:slave'),
      );
      address.leadTo(replica.port);
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

describe('a cluster of three shards, of which the cloud names one', () => {
  let redis: Topology;
  let cloud: LocalCloud;
  let executor: HeldExecutor;
  let test: TestNode;
  const stream = (): string => streamKey(cloud.qpuId);
  // Members that a test has killed stay away: the last tests lose one each.
  before(async () => {
    redis = await startCluster(3, { replicas: true });
  });
  after(() => redis.close());
  beforeEach(async () => {
    // The stream is with the first member, and the cloud names the replica of the third.
    let qpuId: string;
    do qpuId = `qpu-${randomUUID()}`;
    while ((await ownerOf(redis, streamKey(qpuId))) !== redis.members[0]);
    cloud = await startLocalCloud({ qpuId, redisUrl: redis.url(redis.members[5]?.port ?? 0) });
    executor = new HeldExecutor();
    test = await startTestNode({ cloud, executor, env: { CODA_PREFETCH: '100' } });
    await waitUntil('being ready', () => test.node.readiness().ready);
  });
  afterEach(async () => {
    await test.stop();
    await cloud.close();
    assert.deepEqual(cloud.violations, []);
  });

  /** Jobs in all shards, as a cloud that tries again while a part of its Redis takes no writes. */
  async function submit(count: number): Promise<string[]> {
    const jobIds: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const jobId = `job-${randomUUID()}`;
      await waitUntil('submitting', () =>
        cloud.submit({ ...job, jobId }).then(
          () => true,
          () => false,
        ),
      );
      jobIds.push(jobId);
    }
    return jobIds;
  }

  it('finds the copies of outcomes in all shards, and leaves none', async () => {
    await test.stop();
    const jobIds = await submit(24);
    const [lead] = redis.members;
    const [key, group] = [stream(), groupName(cloud.qpuId)];
    const reply = await lead.admin.xreadgroup('GROUP', group, 'dead', 'COUNT', 100, 'STREAMS', key, '>');
    const entries = (reply as [string, [string, string[]][]][])[0]?.[1] ?? [];
    const copied = jobIds.filter((_, i) => i % 2 === 0);
    for (const jobId of copied) {
      const messageIds = [entries[jobIds.indexOf(jobId)]?.[0] ?? ''];
      const outcome = { status: 'completed', counts: { '00': 5 }, executionTimeMs: 1, shotsCompleted: 5 };
      const endedAt = new Date().toISOString();
      const member = await ownerOf(redis, outcomeKey(jobId));
      const copy = { qpuId: cloud.qpuId, jobId, messageIds, outcome, endedAt };
      await member.admin.set(outcomeKey(jobId), JSON.stringify(copy));
    }
    test = await startTestNode({ cloud, executor, env: { CODA_OUTCOME_COPY: '1', CODA_LEASE_SEC: '1' } });
    await finish(
      jobIds,
      jobIds.filter((jobId) => !copied.includes(jobId)),
    );
    await waitUntil('no copy', async () => {
      const left = await Promise.all(redis.members.map(({ admin }) => admin.keys('*:outcome')));
      return left.flat().length === 0;
    });
  });

  /** Lets every job run; returns once all of them are delivered and acknowledged, and Redis says that they are completed.
   *  Those that are not among `runs` have run before. */
  async function finish(jobIds: readonly string[], runs = jobIds): Promise<void> {
    await waitUntil('every outcome', () => {
      for (const jobId of executor.started) executor.release(jobId);
      return jobIds.every((jobId) => cloud.results.has(jobId));
    });
    await waitUntil(
      'every acknowledgement',
      async () => (await cloud.pending().catch(() => undefined)) === 0,
    );
    for (const jobId of jobIds) {
      await waitUntil(
        'its state',
        async () => (await cloud.status(jobId).catch(() => undefined))?.['state'] === 'completed',
      );
    }
    await waitUntil('being ready', () => test.node.readiness().ready);
    assert.deepEqual(executor.started.toSorted(), runs.toSorted());
    assert.deepEqual(cloud.deliveries.map(({ body }) => body?.job_id ?? '').toSorted(), jobIds.toSorted());
  }

  it('is followed: jobs and cancels of all shards, by push; the log says so', async () => {
    const submitted = await submit(30);
    // Which one is first depends on the shards: they answer in any order.
    const running = await waitUntil('running', () => executor.started[0]);
    const waiting = submitted.filter((jobId) => jobId !== running);
    const pushes = (): number => test.log.filter((line) => /reports cancels by push/.test(line)).length;
    await waitUntil('push from each shard', () => pushes() >= 3);
    for (const jobId of waiting) await cloud.cancel(jobId);
    for (const jobId of waiting) await cloud.whenState(jobId, 'cancelled');
    // Cancelled before they are read.
    await cancelEarly(cloud);
    await finish([running]);
    const said = test.log.filter((line) => /Redis is a cluster, which the node follows: 3 shards/.test(line));
    assert.equal(said.length, 1);
    const { port } = await ownerOf(redis, stream());
    assert.match(said[0] ?? '', new RegExp(`the stream of jobs is at ${HOST}:${port}$`));
  });

  it('gives a user with the documented rights all that a node does, and refuses nothing', async () => {
    const [, rules = ''] =
      /```\nACL SETUSER \S+ ([^`]+)```/.exec(readFileSync('docs/scaling.md', 'utf8')) ?? [];
    const [, more = ''] = /In a cluster, add\s+`([^`]+)`/.exec(readFileSync('docs/scaling.md', 'utf8')) ?? [];
    const text = `${rules.replaceAll('\\\n', ' ')} ${more}`;
    const words = text
      .replaceAll('<qpu_id>', cloud.qpuId)
      .replaceAll('<password>', 'planted')
      .trim()
      .split(/\s+/);
    for (const { admin } of redis.members) await admin.call('ACL', 'SETUSER', 'node', ...words);
    await test.stop();
    const url = `redis://node:planted@${HOST}:${redis.members[2]?.port}`;
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url }));
    test = await startTestNode({ cloud, executor });
    const [running = '', waiting = ''] = await submit(2);
    await waitUntil('running', () => executor.started.includes(running));
    await cloud.cancel(waiting);
    await cloud.whenState(waiting, 'cancelled');
    const from = await ownerOf(redis, stream());
    const to = redis.members.slice(0, 3).find((member) => member !== from);
    assert.ok(to);
    // While it asks the new shard, too.
    await moveSlot(redis, stream(), to, async () => {
      executor.release(running);
      await cloud.outcome(running);
      await waitUntil('the acknowledgement', async () => (await cloud.pending().catch(() => 1)) === 0);
    });
    await finish([running]);
    for (const { admin } of redis.members) {
      // The greeting of the client library, which Redis 7.2 and newer know.
      const refused = ((await admin.call('ACL', 'LOG')) as unknown[][]).filter(
        (entry) => !entry.includes('client|setinfo'),
      );
      assert.deepEqual(refused, []);
    }
  });

  it('that moves the slot of the stream, and of a job, to another shard: no job is lost, none runs twice', async () => {
    const jobIds = await submit(5);
    await waitUntil('running', () => executor.started.length > 0);
    const from = await ownerOf(redis, stream());
    const to = redis.members.slice(0, 3).find((member) => member !== from);
    assert.ok(to);
    await moveSlot(redis, stream(), to, async () => {
      // The stream is with the new shard, and the slot with the old one.
      for (const jobId of executor.started) executor.release(jobId);
      jobIds.push(...(await submit(5)));
      await waitUntil('running a job of the moving stream', () => {
        for (const jobId of executor.started) executor.release(jobId);
        return executor.started.length > 5;
      });
    });
    const next = `job-${randomUUID()}`;
    const source = await ownerOf(redis, statusKey(next));
    const target = redis.members.slice(0, 3).find((member) => member !== source);
    assert.ok(target);
    await moveSlot(redis, statusKey(next), target);
    await cloud.submit({ ...job, jobId: next });
    jobIds.push(next, ...(await submit(5)));
    await finish(jobIds);
  });

  it('of which another shard is down: /ready names it, the jobs of the others go on, and its own after the failover', async () => {
    const [, other, , , replica] = redis.members;
    assert.ok(other && replica);
    for (const { admin } of redis.members) await admin.config('SET', 'cluster-require-full-coverage', 'no');
    await replica.admin.config('SET', 'cluster-replica-no-failover', 'yes');
    const ids = Array.from({ length: 20 }, () => `job-${randomUUID()}`);
    const reachable: string[] = [];
    for (const jobId of ids) {
      const owners = [await ownerOf(redis, statusKey(jobId)), await ownerOf(redis, cancelKey(jobId))];
      if (!owners.includes(other)) reachable.push(jobId);
    }
    await replicated(other);
    await other.server.kill();
    for (const jobId of ids) await cloud.submit({ ...job, jobId });
    await waitUntil('the outcome of each job of the other shards', () => {
      for (const jobId of executor.started) executor.release(jobId);
      return reachable.every((jobId) => cloud.results.has(jobId));
    });
    assert.equal(cloud.results.size, reachable.length);
    const named = `Redis at ${HOST}:${other.port}, a shard of the cluster, cannot be reached`;
    await waitUntil('saying so', () =>
      test.node.readiness().troubles.some(({ text }) => text.includes(named)),
    );
    assert.ok(test.node.readiness().ready);
    await replica.admin.config('SET', 'cluster-replica-no-failover', 'no');
    await finish(ids);
  });

  it('whose shard with the stream dies: its replica is followed, and each job runs and is posted once', async () => {
    const jobIds = await submit(10);
    await waitUntil('running', () => executor.started.length > 0);
    const owner = await ownerOf(redis, stream());
    await replicated(owner);
    await owner.server.kill();
    for (const jobId of executor.started) executor.release(jobId);
    await waitUntil('saying so', () => !test.node.readiness().ready);
    jobIds.push(...(await submit(10)));
    await finish(jobIds);
    assert.ok(test.log.some((line) => /the cluster has changed: 3 shards/.test(line)));
  });
});

describe('coda doctor at a cluster of three shards', () => {
  it('names the shards, for whichever the URL leads to, and says which one is down', async (t) => {
    const redis = await startCluster(3);
    const cloud = await startLocalCloud();
    const bench = new Bench(cloud);
    t.after(async () => {
      await bench.clear();
      await cloud.close();
      await redis.close();
    });
    const findings = async (url: string): Promise<{ level: string; message: string }[]> => {
      const env = { CODA_REDIS_URL: url, CODA_QPU_ID: cloud.qpuId };
      const { output: stdout } = await bench.run(['doctor', '--json'], env);
      const { findings: all } = JSON.parse(stdout) as {
        findings: { check: string; level: string; message: string }[];
      };
      return all.filter(({ check }) => check === 'redis');
    };
    const ports = redis.members.map(({ port }) => port);
    for (const port of ports.slice(0, 2)) {
      const found = await findings(redis.url(port));
      assert.ok(
        found.some(({ message }) => /a cluster of 3 shards \(.*\), which the node follows/.test(message)),
      );
      assert.ok(
        found.every(({ level }) => level !== 'failure'),
        JSON.stringify(found),
      );
      assert.ok(found.some(({ message }) => /may use all commands/.test(message)));
    }
    const owner = await ownerOf(redis, streamKey(cloud.qpuId));
    const down = redis.members.find((member) => member !== owner);
    assert.ok(down);
    await down.server.kill();
    // A list of addresses, of which the first is gone.
    const list = redis.url(down.port) + `,${HOST}:${owner.port}`;
    const found = await findings(list);
    assert.ok(
      found.some(
        ({ level, message }) =>
          level === 'failure' &&
          message.includes(`${HOST}:${down.port}, a shard of the cluster, cannot be reached (ECONNREFUSED)`),
      ),
      JSON.stringify(found),
    );
  });
});
