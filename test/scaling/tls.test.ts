// TLS to several servers: a cluster that announces addresses, then names, and Sentinels. The certificate of all servers has the
// name `localhost` and no address.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { streamKey } from '../../src/protocol/keys.ts';
import { bell, startLocalCloud, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { NAME_ONLY } from '../support/certificates.ts';
import { HeldExecutor } from '../support/executors.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { healed, HOST, moveSlot, ownerOf, replicated, startCluster } from './topology.ts';
import { startPair, startSentinel, type TlsFiles, type Topology } from './topology.ts';

/** Some servers are built without it. Either kind refuses to start like this, and says why. */
const { stdout } = spawnSync('redis-server', ['--port', '0', '--tls-port', '1'], { encoding: 'utf8' });
const skip = stdout.includes('Failed finding TLS support') && 'the redis-server here is built without TLS';

const job = { ir: bell('cz').ir, shots: 5 };

async function certificate(t: TestContext): Promise<{ files: TlsFiles; folder: string }> {
  const folder = await temporaryFolder(t);
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, NAME_ONLY.cert);
  writeFileSync(files.key, NAME_ONLY.key, { mode: 0o600 });
  return { files, folder };
}

/** A node of a cloud that itself speaks to Redis without TLS, at `cloudPort`. */
async function nodeAt(t: TestContext, redis: Topology, cloudPort: number, url: string, cert: string) {
  const cloud = await startLocalCloud({ redisUrl: redis.url(cloudPort) });
  t.after(() => cloud.close());
  cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url }));
  const executor = new HeldExecutor();
  const test = await startTestNode({ cloud, executor, env: { SSL_CERT_FILE: cert } });
  t.after(() => test.stop());
  await waitUntil('being ready', () => test.node.readiness().ready);
  /** As a cloud that tries again while a part of its Redis takes no writes. */
  const submit = async (count: number): Promise<string[]> => {
    const jobIds = Array.from({ length: count }, () => `job-${randomUUID()}`);
    for (const jobId of jobIds) {
      const sent = (): Promise<boolean> =>
        cloud.submit({ ...job, jobId }).then(
          () => true,
          () => false,
        );
      await waitUntil('submitting', sent);
    }
    return jobIds;
  };
  /** Lets every job run. */
  const finish = async (jobIds: readonly string[]): Promise<void> => {
    await waitUntil('every outcome', () => {
      for (const jobId of executor.started) executor.release(jobId);
      return jobIds.every((jobId) => cloud.results.has(jobId));
    });
    await waitUntil('every acknowledgement', async () => (await cloud.pending().catch(() => 1)) === 0);
    await waitUntil('being ready', () => test.node.readiness().ready);
    assert.deepEqual(executor.started.toSorted(), jobIds.toSorted());
    assert.deepEqual(cloud.deliveries.map(({ body }) => body?.job_id ?? '').toSorted(), jobIds.toSorted());
    assert.deepEqual(cloud.violations, []);
  };
  return { cloud, executor, test, submit, finish };
}

it(
  'a cluster over TLS is followed, through a moved slot and a failover, whether it announces addresses or names',
  { skip },
  async (t) => {
    const { files } = await certificate(t);
    const redis = await startCluster(3, { replicas: true, tls: files });
    t.after(() => redis.close());
    const [first] = redis.members;
    const url = redis.url(first.port).replace('redis:', 'rediss:').replace(HOST, 'localhost');
    const { cloud, executor, test, submit, finish } = await nodeAt(
      t,
      redis,
      first.server.port,
      url,
      files.cert,
    );
    const pushes = (): number => test.log.filter((line) => line.includes('reports cancels by push')).length;
    await waitUntil('push from each shard', () => pushes() >= 3);

    const jobIds = await submit(10);
    await waitUntil('running', () => executor.started.length === 1);
    const cancelled = jobIds.find((jobId) => !executor.started.includes(jobId)) ?? '';
    await cloud.cancel(cancelled);
    await cloud.whenState(cancelled, 'cancelled');

    // From here on it announces a name for each server, once all of them have heard of it.
    for (const { admin } of redis.members) {
      await admin.config('SET', 'cluster-announce-hostname', 'localhost');
      await admin.config('SET', 'cluster-preferred-endpoint-type', 'hostname');
    }
    for (const { admin } of redis.members) {
      await waitUntil(
        'the names of all',
        async () => !JSON.stringify(await admin.call('CLUSTER', 'SLOTS')).includes('?'),
      );
    }
    const stream = streamKey(cloud.qpuId);
    const from = await ownerOf(redis, stream);
    const to = redis.members.slice(0, 3).find((member) => member !== from);
    assert.ok(to);
    await moveSlot(redis, stream, to, async () => {
      jobIds.push(...(await submit(2)));
      const before = executor.started.length;
      await waitUntil('running a job of the moving stream', () => {
        for (const jobId of executor.started) executor.release(jobId);
        return executor.started.length > before;
      });
    });

    const isNamed = (line: string): boolean => /the cluster has changed: .*localhost:\d+/.test(line);
    await waitUntil('the names being followed', () => test.log.some(isNamed));
    await healed(redis);
    await replicated(to);
    await to.server.kill();
    for (const jobId of executor.started) executor.release(jobId);
    jobIds.push(...(await submit(5)));
    await finish(jobIds.filter((jobId) => jobId !== cancelled));
  },
);

it('the primary that Sentinels name is used and followed over TLS', { skip }, async (t) => {
  const { files, folder } = await certificate(t);
  const redis = await startPair({ tls: files });
  t.after(() => redis.close());
  const [primary, replica] = redis.members;
  assert.ok(replica);
  const sentinel = await startSentinel(redis, folder, files);
  t.after(() => sentinel.close());
  // For the cloud alone.
  const address = await FaultProxy.open(primary.server.port);
  t.after(() => address.close());
  const url = `rediss+sentinel://:${new URL(redis.url(0)).password}@localhost:${sentinel.port}/coda`;
  const { executor, submit, finish } = await nodeAt(t, redis, address.port, url, files.cert);
  const jobIds = await submit(3);
  await waitUntil('running', () => executor.started.length === 1);
  await replicated(primary);
  await primary.server.kill();
  await waitUntil('the promotion', async () => (await sentinel.primaryPort()) === replica.port);
  address.leadTo(replica.server.port);
  for (const jobId of executor.started) executor.release(jobId);
  jobIds.push(...(await submit(3)));
  await finish(jobIds);
});
