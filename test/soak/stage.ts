// The setting of a soak: the node as a real process, a real Redis and the cloud behind proxies that fail on demand.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRedis } from '../../src/net/redis.ts';
import { bell, type LocalCloud, type RedisServer } from '../../src/testing/index.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import type { NodeProcess } from '../chaos/node-process.ts';
import type { Random } from '../chaos/random.ts';
import { mountSmallDisk } from '../chaos/small-disk.ts';
import type { World } from '../chaos/world.ts';
import { Book } from './book.ts';
import { Load } from './load.ts';
import { Look } from './look.ts';
import { startSink, type Sink } from './sink.ts';

export interface Stage {
  readonly world: World;
  readonly cloud: LocalCloud;
  readonly node: NodeProcess;
  readonly random: Random;
  readonly redisServer: RedisServer;
  readonly redisProxy: FaultProxy;
  /** In front of its API, and of the webhook. */
  readonly cloudProxies: readonly FaultProxy[];
  readonly sink: Sink;
  readonly book: Book;
  readonly load: Load;
  readonly look: Look;
  /** Why the disk cannot be filled here, if so. */
  readonly noSmallDisk: string | undefined;
}

export interface StageOptions {
  readonly mostJobs: number;
  /** For how long there is no fault. */
  readonly calmMs: () => number;
  /** Files in `node/` whose export `plugin` makes a plugin, beside the probe. */
  readonly plugins?: readonly string[];
}

const DISK_MB = 64;
/** What the node under test loads. */
const IN_NODE = join(import.meta.dirname, 'node');

/** What the node is given so that more of its life fits into the time. The texts say what that changes. */
export const FASTER = {
  CODA_HEARTBEAT_INTERVAL_SEC: {
    value: '0.5',
    says: 'a heartbeat every 0.5 s, not every 30 s: 60 times as many',
  },
  CODA_LEASE_SEC: {
    value: '12',
    says: 'leases of 12 s, not 60 s: renewed 5 times, and looked for 2.5 times as often',
  },
  CODA_HISTORY_MAX_MB: {
    value: '4',
    says: 'a history of 4 MB, not 64 MB: its files are replaced 16 times as often',
  },
  CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: {
    value: '2',
    says: 'results are posted again after 2 s at most, not 60 s',
  },
} as const;

export async function openStage(world: World, options: StageOptions): Promise<Stage> {
  const { cloud, random } = world;
  const redisServer = cloud.redisServer;
  if (redisServer === undefined) throw new Error('the cloud has no Redis of its own');
  const book = new Book(join(world.folder, 'runs'), options.mostJobs, options.calmMs);
  world.onClose(() => book.close());
  const sink = await startSink(book);
  world.onClose(sink.close);
  const redisProxy = await FaultProxy.open(redisServer.port);
  const api = await FaultProxy.open(Number(new URL(cloud.url).port));
  const callbacks = await FaultProxy.open(sink.port);
  world.onClose(() => Promise.all([redisProxy, api, callbacks].map((proxy) => proxy.close())));
  const apiUrl = `http://127.0.0.1:${api.port}`;
  const redisUrl = cloud.redisUrl.replace(/:\d+$/, `:${redisProxy.port}`);
  cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: redisUrl, webapp_url: apiUrl }));

  const redis = openRedis({ url: cloud.redisUrl, name: 'soak', env: {} });
  redis.on('error', () => {});
  world.onClose(() => redis.disconnect());
  const load = new Load({
    redis,
    book,
    qpuId: cloud.qpuId,
    callbackUrl: `http://127.0.0.1:${callbacks.port}/`,
    ir: JSON.stringify(bell('cz').ir),
  });

  writeConfig(world.folder, ['probe.js', ...(options.plugins ?? [])]);
  const stateDir = join(world.folder, 'node');
  mkdirSync(stateDir, { mode: 0o700 });
  const disk = mountSmallDisk(stateDir, DISK_MB);
  if (typeof disk !== 'string') world.onClose(disk.unmount);
  const node = await world.startNode('node', {
    ...Object.fromEntries(Object.entries(FASTER).map(([name, { value }]) => [name, value])),
    CODA_WEBAPP_URL: apiUrl,
    CODA_WEBHOOK_TIMEOUT_SEC: '5',
    CODA_EXECUTOR_FACTORY: `${join(IN_NODE, 'executor.js')}:createExecutor`,
    SOAK_RUNS: book.runsPath,
  });
  return {
    world,
    cloud,
    node,
    random,
    redisServer,
    redisProxy,
    cloudProxies: [api, callbacks],
    sink,
    book,
    load,
    look: new Look(node, world.folder),
    noSmallDisk: typeof disk === 'string' ? disk : undefined,
  };
}

function writeConfig(folder: string, modules: readonly string[]): void {
  const imports = modules.map((file, i) => {
    const path = JSON.stringify(join(IN_NODE, file));
    return `import { plugin as plugin${i} } from ${path};\n`;
  });
  const plugins = modules.map((_, i) => `plugin${i}()`).join(', ');
  writeFileSync(
    join(folder, 'coda.config.mjs'),
    `${imports.join('')}export default { plugins: [${plugins}] };\n`,
  );
}
