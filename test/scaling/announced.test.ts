// A cluster whose servers cannot be reached at the addresses that they announce, as in Docker or behind NAT.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { streamKey } from '../../src/protocol/keys.ts';
import { RedisServers } from '../../src/net/redis/servers.ts';
import { startLocalCloud, startTestNode, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { Bench } from '../cli/operator.ts';
import { HeldExecutor } from '../support/executors.ts';
import { idOf, ownerOf, startCluster, type Topology } from './topology.ts';

const CLUSTER_PORT_ABOVE = 10_000;

describe('a cluster whose addresses are out of reach', () => {
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

  /** The ports at which the servers say that they are, as behind a NAT that does not pass these on. */
  async function announce(portOf: (port: number, i: number) => number): Promise<void> {
    for (const [i, { admin, port }] of redis.members.entries()) {
      await admin.config('SET', 'cluster-announce-bus-port', port + CLUSTER_PORT_ABOVE);
      await admin.config('SET', 'cluster-announce-port', portOf(port, i));
    }
    for (const { admin } of redis.members) {
      await waitUntil('all having heard of it', async () => {
        const slots = JSON.stringify(await admin.call('CLUSTER', 'SLOTS'));
        return redis.members.every(({ port }, i) => slots.includes(`,${portOf(port, i)},`));
      });
    }
  }

  it('is said so, with the address and what to set; the node continues once the addresses are right', async (t) => {
    const [first] = redis.members;
    // Ports where nobody listens.
    await announce((_, i) => 7 + i);
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: redis.url(first.port) }));
    const test = await startTestNode({ cloud, executor: new HeldExecutor() });
    t.after(() => test.stop());
    const said =
      /Redis at 127\.0\.0\.1:[789], which the cluster announces, cannot be reached: .* \(ECONNREFUSED\)/;
    const trouble = await waitUntil('saying so', () =>
      test.node.readiness().troubles.find(({ text }) => said.test(text)),
    );
    assert.match(
      trouble.remedy ?? '',
      /cluster-announce-ip and cluster-announce-port .* cluster-announce-hostname/,
    );
    const { output } = await bench.run(['doctor', '--json'], {
      CODA_REDIS_URL: redis.url(first.port),
      CODA_QPU_ID: cloud.qpuId,
    });
    assert.match(output, said);
    assert.match(output, /cluster-announce-ip and cluster-announce-port/);
    await announce((port) => port);
    await waitUntil('being ready', () => test.node.readiness().ready);
  });

  it('because it announces none: said so, with what to set', async (t) => {
    const prefer = async (type: string): Promise<void> => {
      for (const { admin } of redis.members)
        await admin.config('SET', 'cluster-preferred-endpoint-type', type);
    };
    await prefer('unknown-endpoint');
    const test = await startTestNode({ cloud, executor: new HeldExecutor() });
    t.after(() => test.stop());
    const trouble = await waitUntil('saying so', () =>
      test.node.readiness().troubles.find(({ text }) => text.includes('has only a part of the keys')),
    );
    assert.match(trouble.remedy ?? '', /cluster-announce-ip with cluster-preferred-endpoint-type ip/);
    await prefer('ip');
    await waitUntil(
      'no trouble',
      () => test.node.readiness().ready && test.node.readiness().troubles.length === 0,
    );
  });

  it('of which a key moves to a server that is gone: only the command for it fails', async (t) => {
    const key = streamKey('any');
    const owner = await ownerOf(redis, key);
    const [to, other] = redis.members.filter((member) => member !== owner);
    assert.ok(to && other);
    const servers = new RedisServers({ url: redis.url(other.port), env: {} });
    const client = servers.open('test', { maxRetriesPerRequest: 0 });
    t.after(() => client.disconnect());
    client.on('error', () => {});
    await waitUntil('following it', () => servers.shards !== undefined && client.status === 'ready');
    const slot = Number(await owner.admin.call('CLUSTER', 'KEYSLOT', key));
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(owner));
    await owner.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to));
    await to.server.kill();
    await assert.rejects(client.exists(key));
  });
});
