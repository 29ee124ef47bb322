// Redis dies, freezes, loses its content or the consumer group, while jobs arrive and run.
import { setTimeout as sleep } from 'node:timers/promises';
import { openRedis } from '../../../src/net/redis.ts';
import { groupName, streamKey } from '../../../src/protocol/keys.ts';
import { scenario } from '../scenario.ts';
import { STEADY_ENV, steadyUnderTrouble, type Trouble } from '../steady.ts';

export const redisTrouble = scenario({
  name: 'redis-trouble',
  promise: 'the running job is not touched, jobs are taken again within 10 s, nothing lost',
  long: { rounds: 40, mostAwayMs: 8_000, recoverSec: 10 },
  short: { rounds: 5, mostAwayMs: 1_000, recoverSec: 60 },
  async play(world, { rounds, mostAwayMs, recoverSec }) {
    const { cloud, random } = world;
    const server = cloud.redisServer;
    if (server === undefined) throw new Error('the cloud has no Redis of its own');
    const redis = openRedis({ url: cloud.redisUrl, name: 'chaos', env: {} });
    redis.on('error', () => {});
    world.onClose(() => redis.disconnect());
    const node = await world.startNode('node', STEADY_ENV);

    const away = (): Promise<void> => sleep(random.between(50, mostAwayMs));
    const troubles: Trouble[] = [
      {
        name: 'killed, restarted empty',
        losesJobs: true,
        async happen() {
          await server.kill();
          await away();
          await server.restart();
        },
      },
      {
        name: 'frozen',
        async happen() {
          await server.kill('SIGSTOP');
          await away();
          await server.kill('SIGCONT');
        },
      },
      { name: 'flushed', losesJobs: true, happen: async () => void (await redis.flushall()) },
      {
        name: 'group destroyed',
        happen: async () =>
          void (await redis.xgroup('DESTROY', streamKey(cloud.qpuId), groupName(cloud.qpuId))),
      },
      {
        name: 'stream deleted',
        losesJobs: true,
        happen: async () => void (await redis.del(streamKey(cloud.qpuId))),
      },
    ];
    await steadyUnderTrouble(world, node, { rounds, troubles, recoverSec });
  },
});
