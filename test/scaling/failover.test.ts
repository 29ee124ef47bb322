// A replica takes over from the primary, behind an address that stays the same: how managed services, and a proxy that
// asks Sentinel, show a failover. The node continues by itself, and all jobs that the new primary knows are delivered once.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ConnectionTrouble } from '../../src/net/connection-trouble.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { HeldExecutor } from '../support/executors.ts';
import { HOST, replicated, startPair, startSentinel, type Topology } from './topology.ts';

const job = { ir: bell('cz').ir, shots: 5 };

/** The port of the new primary, once there is one. */
function promotedBy(sentinel: Awaited<ReturnType<typeof startSentinel>>, before: number): Promise<number> {
  return waitUntil('the promotion', async () => {
    const port = await sentinel.primaryPort();
    return port === before ? undefined : port;
  });
}

describe('a failover', () => {
  let redis: Topology;
  let address: FaultProxy;
  let cloud: LocalCloud;
  let executor: HeldExecutor;
  let test: TestNode;
  beforeEach(async () => {
    redis = await startPair();
    address = await FaultProxy.open(redis.members[0].port);
    cloud = await startLocalCloud({ redisUrl: redis.url(address.port) });
    executor = new HeldExecutor();
    test = await startTestNode({ cloud, executor });
  });
  afterEach(async () => {
    await test.stop();
    await cloud.close();
    await address.close();
    await redis.close();
    assert.deepEqual(cloud.violations, []);
  });

  /** Runs everything that the node has taken or takes; returns once all of `jobIds` are delivered and acknowledged. */
  async function finish(jobIds: readonly string[]): Promise<void> {
    const released = new Set<string>();
    await waitUntil('every outcome', () => {
      for (const jobId of executor.started) {
        if (released.has(jobId)) continue;
        released.add(jobId);
        executor.release(jobId);
      }
      return jobIds.every((jobId) => cloud.results.has(jobId));
    });
    await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
    await waitUntil('being ready', () => test.node.readiness().ready);
    assert.deepEqual(executor.started, jobIds);
    assert.deepEqual(cloud.deliveries.map(({ body }) => body?.job_id ?? '').toSorted(), jobIds.toSorted());
  }

  async function submitSome(): Promise<string[]> {
    const jobIds: string[] = [];
    for (let i = 0; i < 10; i += 1) jobIds.push(await cloud.submit(job));
    return jobIds;
  }

  /** As a cloud that tries again while its address leads to a server that takes no writes. */
  function submitPatiently(): Promise<string[]> {
    return waitUntil('submitting', () => submitSome().catch(() => undefined));
  }

  it('that Sentinel makes when the primary dies: the running job continues, and each job runs and is posted once', async (t) => {
    const sentinel = await startSentinel(redis, await temporaryFolder(t));
    try {
      const jobIds = await submitSome();
      await cloud.whenState(jobIds[0] ?? '', 'executing');
      const [primary] = redis.members;
      await replicated(primary);
      await primary.server.kill();
      executor.release(jobIds[0] ?? '');
      await waitUntil('saying so', () =>
        test.node.readiness().reasons.some((reason) => /Redis/.test(reason)),
      );
      const promoted = await promotedBy(sentinel, primary.port);
      address.leadTo(promoted);
      // Although the device is busy, and so much waits that nothing is read.
      await waitUntil('being ready', () => test.node.readiness().ready);
      jobIds.push(...(await submitSome()));
      await finish(jobIds);
    } finally {
      await sentinel.close();
    }
  });

  it('that Sentinel makes, followed through its own URL: no address has to lead to the new primary', async (t) => {
    const sentinel = await startSentinel(redis, await temporaryFolder(t));
    await test.stop();
    const { password } = new URL(redis.url(0));
    // The first Sentinel of the list is down.
    const url = `redis+sentinel://:${password}@${HOST}:1,${HOST}:${sentinel.port}/coda`;
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url }));
    test = await startTestNode({ cloud, executor });
    try {
      const jobIds = await submitSome();
      await cloud.whenState(jobIds[0] ?? '', 'executing');
      const [primary] = redis.members;
      await replicated(primary);
      await primary.server.kill();
      executor.release(jobIds[0] ?? '');
      await waitUntil('saying so', () => !test.node.readiness().ready);
      const promoted = await promotedBy(sentinel, primary.port);
      // For the cloud alone.
      address.leadTo(promoted);
      await waitUntil('being ready', () => test.node.readiness().ready);
      jobIds.push(...(await submitPatiently()));
      await finish(jobIds);
    } finally {
      await sentinel.close();
    }
  });

  it('to a replica that the URL lists: the node finds the primary among the servers, whichever is first', async () => {
    const [old, replica] = redis.members;
    assert.ok(replica);
    await test.stop();
    // The replica is named first.
    const url = `${redis.url(replica.port)},${HOST}:${old.port}`;
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url }));
    test = await startTestNode({ cloud, executor });
    const jobIds = await submitSome();
    await cloud.whenState(jobIds[0] ?? '', 'executing');
    await replicated(old);
    await replica.admin.call('REPLICAOF', 'NO', 'ONE');
    await old.server.kill();
    address.leadTo(replica.port);
    executor.release(jobIds[0] ?? '');
    jobIds.push(...(await submitPatiently()));
    await finish(jobIds);
  });

  it('that leaves no primary in the list of servers is named as such', async (t) => {
    const replica = redis.members[1];
    assert.ok(replica);
    const url = `${redis.url(replica.port)},${HOST}:${replica.port}`;
    const connection = openRedis({ url, name: 'test', env: {} });
    t.after(() => closeRedis(connection));
    const { trouble } = await new Promise<ConnectionTrouble>((resolve) => {
      const found = new ConnectionTrouble(connection);
      connection.once('error', () => resolve(found));
    });
    assert.match(trouble?.text ?? '', /is a replica and takes no writes/);
  });

  it('that is planned, with connections that stay with the old primary: the node leaves it for the new one', async () => {
    const jobIds = await submitSome();
    await cloud.whenState(jobIds[0] ?? '', 'executing');
    const [old, replica] = redis.members;
    assert.ok(replica);
    await old.admin.call('FAILOVER', 'TO', HOST, replica.port);
    await waitUntil('the promotion', async () =>
      (await replica.admin.info('replication')).includes('role:master'),
    );
    address.leadTo(replica.port);
    executor.release(jobIds[0] ?? '');
    jobIds.push(...(await submitPatiently()));
    await finish(jobIds);
  });

  it('that loses the last writes: a job whose end is forgotten does not run again, and its end is written to Redis again', async () => {
    const [primary, replica] = redis.members;
    assert.ok(replica);
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    await replicated(primary);
    await replica.admin.call('REPLICAOF', 'NO', 'ONE');
    executor.release(jobId);
    await cloud.outcome(jobId);
    await waitUntil('the acknowledgement', async () => (await cloud.pending()) === 0);
    address.leadTo(replica.port);
    await primary.server.kill();
    const next = await cloud.submit(job);
    await waitUntil('the next outcome, and every acknowledgement', async () => {
      for (const started of executor.started) executor.release(started);
      return cloud.results.has(next) && (await cloud.pending()) === 0;
    });
    assert.deepEqual(executor.started, [jobId, next]);
    assert.equal(cloud.results.size, 2);
    await cloud.whenState(jobId, 'completed');
  });
});
