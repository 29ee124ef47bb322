// The Redis of a measurement: one server, or a cluster.
import { randomInt } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { startRedisServer, waitUntil, type RedisServer } from '../../src/testing/index.ts';

const HOST = '127.0.0.1';
const SLOTS = 16_384;
/** The port of the cluster's own traffic is 10,000 above, and must be one, too. */
const [LOWEST_PORT, HIGHEST_PORT] = [20_000, 30_000];

export interface Servers {
  readonly url: string;
  readonly client: Redis | Cluster;
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** With 0 shards one server that is no cluster. */
export async function openServers(shards: number): Promise<Servers> {
  const servers: RedisServer[] = [];
  for (let i = 0; i < Math.max(1, shards); i += 1) {
    servers.push(
      shards === 0
        ? await startRedisServer()
        : await startRedisServer({
            // One that nobody has met does not know its own address, and no client could follow it.
            args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST],
            port: randomInt(LOWEST_PORT, HIGHEST_PORT),
          }),
    );
  }
  const [first] = servers;
  if (first === undefined) throw new Error('no server');
  const { password } = new URL(first.url);
  if (shards > 0) await makeCluster(servers, password);
  const client =
    shards === 0
      ? new Redis(first.url)
      : new Cluster([{ host: HOST, port: first.port }], {
          redisOptions: { password },
          // No slot moves. The timer of ioredis for looking again may outlive the client, and with it this process.
          slotsRefreshInterval: 0,
        });
  return {
    url: first.url,
    client,
    pids: servers.flatMap(({ pid }) => pid ?? []),
    async close() {
      client.disconnect();
      for (const server of servers) await server.stop();
    },
  };
}

async function makeCluster(servers: readonly RedisServer[], password: string): Promise<void> {
  const admins = servers.map(({ url }) => new Redis(url));
  for (const [i, admin] of admins.entries()) {
    await admin.config('SET', 'requirepass', password);
    const [from, to] = [i, i + 1].map((n) => Math.ceil((n * SLOTS) / servers.length));
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', from ?? 0, (to ?? 0) - 1);
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  for (const { port } of servers.slice(1)) await admins[0]?.call('CLUSTER', 'MEET', HOST, port);
  for (const admin of admins) {
    await waitUntil('the cluster', async () => {
      const info = String(await admin.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${servers.length}\r`);
    });
    admin.disconnect();
  }
}
