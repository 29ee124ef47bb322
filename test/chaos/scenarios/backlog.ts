// Ten thousand jobs are pending under the name of a dead consumer: the Python original's `worker-0`.
import { openRedis } from '../../../src/net/redis.ts';
import { groupName, streamKey } from '../../../src/protocol/keys.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { scenario } from '../scenario.ts';

const DEAD = 'worker-0';
const IDLE_MS = 3_600_000;
const CHUNK = 1_000;

export const backlog = scenario({
  name: 'backlog',
  promise: 'all pending jobs of a dead consumer are recovered, in seconds, each run once',
  long: { jobs: 10_000, recoverSec: 30 },
  short: { jobs: 1_000, recoverSec: 60 },
  async play(world, { jobs, recoverSec }) {
    const { cloud, ledger } = world;
    const redis = openRedis({ url: cloud.redisUrl, name: 'chaos', env: {} });
    redis.on('error', () => {});
    world.onClose(() => redis.disconnect());
    const [stream, group] = [streamKey(cloud.qpuId), groupName(cloud.qpuId)];
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
    for (let i = 0; i < jobs; i++) await world.submit(0);
    await redis.xreadgroup('GROUP', group, DEAD, 'COUNT', jobs, 'STREAMS', stream, '>');
    const ids = (await redis.xrange(stream, '-', '+')).map(([id]) => id);
    for (let i = 0; i < ids.length; i += CHUNK) {
      await redis.call(
        'XCLAIM',
        stream,
        group,
        DEAD,
        0,
        ...ids.slice(i, i + CHUNK),
        'IDLE',
        IDLE_MS,
        'JUSTID',
      );
    }
    world.promise((await cloud.pending()) === jobs, 'the jobs are not all pending');

    const node = await world.startNode('node');
    const servingAt = performance.now();
    const since = (): number => (performance.now() - servingAt) / 1000;
    await waitUntil('taking over all jobs', async () => (await heldByDead()) === 0, { timeoutMs: 120_000 });
    const takenOverSec = since();
    await waitUntil('running all jobs', () => ledger.read().runs.length >= jobs, { timeoutMs: 120_000 });
    const ranSec = since();
    await world.allDelivered(120_000);

    world.checkRunOnce();
    world.checkCloud();
    world.promise(since() <= recoverSec, `all delivered only after ${since().toFixed(1)} s`);
    Object.assign(world.figures, {
      jobs,
      'taken over in s': takenOverSec.toFixed(2),
      'all run in s': ranSec.toFixed(2),
      'all delivered in s': since().toFixed(2),
      lost: world.unfinished.length,
      'RSS MiB': (node.rssMb() ?? 0).toFixed(0),
    });

    async function heldByDead(): Promise<number> {
      const found = await redis.xpending(stream, group, '-', '+', 1, DEAD);
      return found.length;
    }
  },
});
