// The network to Redis and to the cloud is cut and healed at random: in both directions, in one, and half-open.
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultProxy, type Direction } from '../fault-proxy.ts';
import { scenario } from '../scenario.ts';
import { STEADY_ENV, steadyUnderTrouble, type Trouble } from '../steady.ts';

export const network = scenario({
  name: 'network',
  promise: 'the running job is not touched, jobs are taken again within 10 s, nothing lost',
  long: { rounds: 60, mostAwayMs: 8_000, recoverSec: 10 },
  short: { rounds: 4, mostAwayMs: 500, recoverSec: 60 },
  async play(world, { rounds, mostAwayMs, recoverSec }) {
    const { cloud, random } = world;
    const redis = await FaultProxy.open(Number(new URL(cloud.redisUrl).port));
    const api = await FaultProxy.open(Number(new URL(cloud.url).port));
    world.onClose(() => Promise.all([redis.close(), api.close()]));
    const apiUrl = `http://127.0.0.1:${api.port}`;
    const redisUrl = cloud.redisUrl.replace(/:\d+$/, `:${redis.port}`);
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: redisUrl, webapp_url: apiUrl }));
    world.deliverVia(apiUrl);
    const node = await world.startNode('node', {
      ...STEADY_ENV,
      CODA_WEBHOOK_TIMEOUT_SEC: '2',
      CODA_WEBAPP_URL: apiUrl,
    });

    const away = (): Promise<void> => sleep(random.between(50, mostAwayMs));
    const both: readonly Direction[] = ['up', 'down'];
    const troubles: Trouble[] = Object.entries({
      Redis: [redis],
      cloud: [api],
      'Redis and cloud': [redis, api],
    }).flatMap(([whom, proxies]): Trouble[] => {
      const during = (name: string, begin: (proxy: FaultProxy) => unknown): Trouble => ({
        name: `${whom} ${name}`,
        async happen() {
          for (const proxy of proxies) await begin(proxy);
          await away();
          for (const proxy of proxies) await proxy.heal();
        },
      });
      return [
        during('half-open', (proxy) => proxy.set({ kind: 'swallow', directions: both })),
        during('cut', (proxy) => proxy.cut()),
        during('refused', (proxy) => proxy.refuse()),
        during('held up', (proxy) => proxy.set({ kind: 'hold', directions: both })),
        during('deaf', (proxy) => proxy.set({ kind: 'swallow', directions: ['down'] })),
        during('mute', (proxy) => proxy.set({ kind: 'swallow', directions: ['up'] })),
        during('slow', (proxy) => proxy.set({ kind: 'delay', ms: 150 })),
      ];
    });
    await steadyUnderTrouble(world, node, { rounds, troubles, recoverSec });
  },
});
