// Redis beyond one server, as real processes on loopback: a primary with a replica, a Sentinel that watches them,
// and a cluster. All servers of a topology have one password, as they have behind one address.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomInt } from 'node:crypto';
import { Redis } from 'ioredis';
import { closeRedis } from '../../src/net/redis.ts';
import { slotOf } from '../../src/net/redis/shards.ts';
import { startRedisServer, waitUntil, type RedisServer } from '../../src/testing/index.ts';

export const HOST = '127.0.0.1';
const SLOTS = 16_384;
/** A cluster's own port is 10,000 above the port, and must be one, too. */
const HIGHEST_CLUSTER_PORT = 30_000;

/** Files of a certificate that is its own authority. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface ServerOptions {
  readonly args?: readonly string[];
  readonly binary?: string;
  /** The servers speak TLS with one another and on their `port`; on `server.port` they speak none. */
  readonly tls?: TlsFiles;
}

export interface Member {
  readonly server: RedisServer;
  readonly port: number;
  /** The test's own connection. */
  readonly admin: Redis;
}

export interface Topology {
  readonly members: readonly [Member, ...Member[]];
  /** The URL for a node: with the members' password, and a port that leads to one of them, without TLS. */
  url(port: number): string;
  close(): Promise<void>;
}

/** A primary and its replica, in step. */
export async function startPair(options: ServerOptions = {}): Promise<Topology> {
  const pair = await startMembers(2, options);
  const [primary, replica] = pair.members;
  if (replica === undefined) throw new Error('no second server');
  await replica.admin.call('REPLICAOF', HOST, primary.port);
  await inStep(replica);
  return pair;
}

/** `shards` primaries that share all slots evenly, and behind them, if wanted, a replica of each. Each has an epoch of its own
 *  from the start: members that meet with the same one raise theirs at some time later, and a takeover before all have heard
 *  of it may be undone. */
export async function startCluster(
  shards: number,
  { replicas = false, args = [], ...options }: ServerOptions & { readonly replicas?: boolean } = {},
): Promise<Topology> {
  const count = replicas ? 2 * shards : shards;
  const cluster = await startMembers(count, {
    ...options,
    args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...args],
  });
  const [first, ...others] = cluster.members;
  const primaries = cluster.members.slice(0, shards);
  for (const [i, { admin }] of cluster.members.entries()) {
    const [from, to] = [i, i + 1].map((n) => Math.ceil((n * SLOTS) / shards));
    // Redis 6.2 has no command for a range.
    const slots = Array.from({ length: (to ?? 0) - (from ?? 0) }, (_, n) => (from ?? 0) + n);
    if (i < shards) await admin.call('CLUSTER', 'ADDSLOTS', ...slots);
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  for (const { port } of others) await first.admin.call('CLUSTER', 'MEET', HOST, port);
  for (const member of cluster.members) await knowsCluster(member, count);
  for (const [i, replica] of cluster.members.slice(shards).entries()) {
    await replica.admin.call('CLUSTER', 'REPLICATE', await idOf(primaries[i] ?? first));
  }
  // A replica that takes over gets the slots that it knows its primary to have. Too early, it knows of none.
  for (const replica of cluster.members.slice(shards)) await inStep(replica);
  return cluster;
}

/** A member's name in its cluster. */
export async function idOf({ admin }: Member): Promise<string> {
  return String(await admin.call('CLUSTER', 'MYID'));
}

/** The member that has the key now, as all say that are alive. */
export async function ownerOf({ members }: Topology, key: string): Promise<Member> {
  const slot = Number(await members[0].admin.call('CLUSTER', 'KEYSLOT', key).catch(() => slotOf(key)));
  const owners = await Promise.all(members.map((member) => ownsSlot(member, slot)));
  const owner = members[owners.indexOf(true)];
  if (owner === undefined) throw new Error(`nobody has the slot ${slot}`);
  return owner;
}

async function ownsSlot({ admin, port, server }: Member, slot: number): Promise<boolean> {
  if (server.pid === undefined) return false;
  const ranges = (await admin.call('CLUSTER', 'SLOTS').catch(() => [])) as [
    number,
    number,
    [string, number],
  ][];
  return ranges.some(([from, to, [, owner]]) => from <= slot && slot <= to && owner === port);
}

/** Servers that vote on a busy machine may need several rounds. */
const HEALED_WITHIN_MS = 90_000;

/** Waits until every member of a cluster with replicas answers, and each replica is in step. */
export async function healed({ members }: Topology): Promise<void> {
  for (const member of members) {
    await waitUntil(
      'the cluster being whole',
      async () => {
        const info = await member.admin.info().catch(() => '');
        const state = String(await member.admin.call('CLUSTER', 'INFO').catch(() => ''));
        return /role:master|master_link_status:up/.test(info) && /cluster_state:ok/.test(state);
      },
      { timeoutMs: HEALED_WITHIN_MS },
    );
  }
}

/** A new process for a member that was killed. It still belongs to the cluster. `emptied`: also what it had saved is gone, before
 *  any client sees it. */
export async function revive({ server }: Member, { url }: Topology, emptied = false): Promise<void> {
  await server.restart();
  if (emptied) {
    const redis = connect(server.url);
    await redis.flushall();
    closeRedis(redis);
  }
  await setPassword(server, new URL(url(0)).password);
}

/** Moves a key with its slot to another member, as `redis-cli --cluster reshard` does; `midway` is called when the key is
 *  there, and the slot is not. */
export async function moveSlot(
  topology: Topology,
  key: string,
  to: Member,
  midway: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const from = await ownerOf(topology, key);
  const slot = slotOf(key);
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
  await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 1000)) as string[];
  const { password } = new URL(topology.url(to.port));
  if (keys.length > 0)
    await from.admin.call('MIGRATE', HOST, to.port, '', 0, 5_000, 'AUTH', password, 'KEYS', ...keys);
  await midway();
  for (const { admin } of [to, from]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
}

export interface Sentinel {
  readonly port: number;
  /** The port of the primary, as this Sentinel sees it. */
  primaryPort(): Promise<number>;
  close(): Promise<void>;
}

/** One Sentinel, which decides alone. Resolves when it knows the replica, since it cannot promote one before. */
export async function startSentinel(
  { members: [primary], url }: Topology,
  folder: string,
  tls?: TlsFiles,
): Promise<Sentinel> {
  const { password } = new URL(url(primary.port));
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `sentinel monitor coda ${HOST} ${primary.port} 1`,
    `sentinel auth-pass coda ${password}`,
    'sentinel down-after-milliseconds coda 500',
    'sentinel failover-timeout coda 3000',
  ];
  // It keeps what it learns in its configuration file, so it needs one.
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const { server, port } = await startMember({ args: [file, '--sentinel'], ...(tls && { tls }) });
  const admin = connect(server.url);
  await admin.call('ACL', 'SETUSER', 'default', 'resetpass', `>${password}`);
  await waitUntil('the Sentinel knowing the replica', async () =>
    JSON.stringify(await admin.call('SENTINEL', 'REPLICAS', 'coda')).includes('"master-link-status","ok"'),
  );
  return {
    port,
    async primaryPort() {
      const address = await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'coda');
      return Number(Array.isArray(address) ? address[1] : NaN);
    },
    async close() {
      closeRedis(admin);
      await server.stop();
    },
  };
}

/** Resolves when the replicas have everything that was written so far. */
export async function replicated({ admin }: Member): Promise<void> {
  // WAIT counts from the last write of its own connection.
  for (let i = 0; ; i += 1) {
    // In a cluster, a key of this member.
    const isTaken = await admin.set(`test:marker:${i}`, '1').catch((thrown: Error) => {
      if (!thrown.message.startsWith('MOVED')) throw thrown;
    });
    if (isTaken === 'OK') break;
  }
  await waitUntil('the replica having it all', async () => (await admin.wait(1, 1_000)) === 1);
}

/** Resolves once the member knows all members, and which of them has which slot. */
async function knowsCluster({ admin }: Member, members: number): Promise<void> {
  await waitUntil('the cluster coming up', async () => {
    const info = String(await admin.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${members}\r`);
  });
}

async function inStep({ admin }: Member): Promise<void> {
  await waitUntil('the replica being in step', async () =>
    (await admin.info('replication')).includes('master_link_status:up'),
  );
}

async function startMembers(count: number, options: ServerOptions): Promise<Topology> {
  const members: Member[] = [];
  const close = async (): Promise<void> => {
    for (const { admin, server } of members) {
      closeRedis(admin);
      await server.stop();
    }
  };
  let password = '';
  try {
    for (let i = 0; i < count; i += 1) {
      const { server, port } = await startMember(options);
      password ||= new URL(server.url).password;
      const url = new URL(server.url);
      url.password = password;
      url.port = String(port);
      // Its URL has the password of its start, which is valid until here.
      await setPassword(server, password);
      const admin = connect(url.href, options.tls);
      members.push({ server, port, admin });
      // By default a replica waits five seconds for others before it is served.
      await admin.config('SET', 'repl-diskless-sync-delay', '0');
    }
  } catch (thrown) {
    await close();
    throw thrown;
  }
  const [first, ...others] = members;
  if (first === undefined) throw new Error('no server');
  return { members: [first, ...others], url: (port) => `redis://:${password}@${HOST}:${port}`, close };
}

/** In a cluster, with a port that leaves room for the cluster's own port. */
async function startMember({ args = [], binary = 'redis-server', tls }: ServerOptions): Promise<Started> {
  if (tls === undefined && !args.includes('--cluster-enabled')) {
    const server = await startRedisServer({ args, binary });
    return { server, port: server.port };
  }
  for (let attempt = 1; ; attempt += 1) {
    const port = randomInt(HIGHEST_CLUSTER_PORT - 10_000, HIGHEST_CLUSTER_PORT);
    try {
      const server = await startRedisServer(
        tls === undefined ? { args, port, binary } : { args: [...args, ...tlsArgs(port, tls)], binary },
      );
      return { server, port };
    } catch (thrown) {
      if (attempt === 5) throw thrown;
    }
  }
}

type Started = Pick<Member, 'server' | 'port'>;

function tlsArgs(port: number, { cert, key }: TlsFiles): string[] {
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
  const uses = ['--tls-replication', 'yes', '--tls-cluster', 'yes', '--tls-auth-clients', 'no'];
  return ['--tls-port', String(port), ...files, ...uses];
}

/** To this member alone, and to no other. */
function connect(url: string, tls?: TlsFiles): Redis {
  // The certificate has a name, and no address.
  const secure = tls === undefined ? {} : { tls: { ca: readFileSync(tls.cert), servername: 'localhost' } };
  const redis = new Redis(url, { maxRetriesPerRequest: 0, ...secure });
  redis.on('error', () => {});
  return redis;
}

async function setPassword({ url }: RedisServer, password: string): Promise<void> {
  const redis = connect(url);
  await redis.config('SET', 'masterauth', password);
  await redis.config('SET', 'requirepass', password);
  closeRedis(redis);
}
