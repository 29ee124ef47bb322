// The disk with the state directory is full for a while.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../../../src/testing/index.ts';
import { scenario, Skip } from '../scenario.ts';
import { fillUp, freeUp, mountSmallDisk } from '../small-disk.ts';

const DISK_MB = 8;

export const diskFull = scenario({
  name: 'disk-full',
  promise:
    'no job is taken while nothing can be saved, /ready says why, nothing lost, and it continues afterwards',
  long: { jobs: 300, rounds: 5 },
  short: { jobs: 60, rounds: 1 },
  async play(world, { jobs, rounds }) {
    const { ledger, cloud } = world;
    const stateDir = join(world.folder, 'node');
    mkdirSync(stateDir, { mode: 0o700 });
    const disk = mountSmallDisk(stateDir, DISK_MB);
    if (typeof disk === 'string') throw new Skip(disk);
    world.onClose(disk.unmount);
    const node = await world.startNode('node');
    const each = Math.floor(jobs / rounds);
    let stoppedAfter = 0;
    for (let round = 0; round < rounds; round++) {
      fillUp(stateDir);
      const before = ledger.read().runs.length;
      await world.submitMany(each);
      const unready = await waitUntil('/ready saying that nothing can be saved', async () => {
        const ready = await node.ready();
        return ready?.status === 503 && ready.reasons.some((reason) => reason.includes('saved'))
          ? ready
          : undefined;
      });
      world.figures['said'] = (unready.reasons[0] ?? '').replace(stateDir, '…');
      const ran = ledger.read().runs.length;
      stoppedAfter = Math.max(stoppedAfter, ran - before);
      // A second round trip through everything: still nothing new.
      await world.submit(1);
      await waitUntil('the stream taking the job', async () => (await cloud.pending()) >= 0);
      await node.ready();
      world.promise(
        ledger.read().runs.length <= ran + 1,
        'jobs were still run although nothing could be saved',
      );
      world.promise(world.unfinished.length > 0, 'everything was delivered on a full disk: it was not full');
      freeUp(stateDir);
      await world.allDelivered(60_000);
      await waitUntil('/ready', async () => (await node.ready())?.status === 200);
    }
    world.checkRunOnce();
    world.checkCloud();
    const { figures } = world;
    Object.assign(figures, {
      jobs: world.jobs.length,
      rounds,
      'runs before intake stopped, most': stoppedAfter,
      lost: world.unfinished.length,
    });
  },
});
