// Hours in minutes: jobs at the full rate of the node. Its memory, file descriptors and disk must stay flat.
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRedis } from '../../../src/net/redis.ts';
import { groupName, statusKey, streamKey } from '../../../src/protocol/keys.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { memoryGrowth, median } from '../samples.ts';
import { scenario } from '../scenario.ts';

/** Jobs under way at one time: enough that the node always has some to read. */
const UNDER_WAY = 1_000;
const CHUNK = 100;
const MOST_JOBS = 50_000_000;

export const soak = scenario({
  name: 'soak',
  promise: 'memory, file descriptors and disk stay flat at full rate, every job delivered once',
  long: { minutes: 30, mostGrowthMb: 32, mostDiskMb: 32 },
  short: { minutes: 0.04, mostGrowthMb: 256, mostDiskMb: 64 },
  async play(world, { minutes, mostGrowthMb, mostDiskMb }) {
    const { cloud } = world;
    const sink = await startSink();
    world.onClose(sink.close);
    const redis = openRedis({ url: cloud.redisUrl, name: 'chaos', env: {} });
    redis.on('error', () => {});
    world.onClose(() => redis.disconnect());
    const node = await world.startNode('node', { CHAOS_LEDGER: '' });
    const stream = streamKey(cloud.qpuId);
    const ir = JSON.stringify(bell('cz').ir);

    const samples: { rssMb: number; fds: number; diskMb: number }[] = [];
    const sampler = setInterval(
      () => samples.push({ rssMb: node.rssMb() ?? 0, fds: node.fds() ?? 0, diskMb: diskMb(node.stateDir) }),
      Math.max(250, minutes * 300),
    );
    world.onClose(() => clearInterval(sampler));

    const startedAt = performance.now();
    let submitted = 0;
    let cleaned = 0;
    while (performance.now() - startedAt < minutes * 60_000) {
      if (submitted - sink.delivered() > UNDER_WAY - CHUNK) {
        await sleep(2);
        continue;
      }
      const pipeline = redis.pipeline();
      for (let i = 0; i < CHUNK; i++) {
        const fields = [
          'job_id',
          idOf(submitted++),
          'callback_url',
          sink.url,
          'ir_json',
          ir,
          'shots',
          '1000',
        ];
        pipeline.xadd(stream, 'MAXLEN', '~', 4 * UNDER_WAY, '*', ...fields);
      }
      await pipeline.exec();
      // As the cloud does: the status of old jobs is removed.
      const done = sink.delivered() - 4 * UNDER_WAY;
      if (done > cleaned + UNDER_WAY) {
        const keys = Array.from({ length: done - cleaned }, (_, i) => statusKey(idOf(cleaned + i)));
        cleaned = done;
        await redis.unlink(...keys);
      }
    }
    await waitUntil('every outcome', () => sink.delivered() === submitted, { timeoutMs: 120_000 }).catch(
      () => {},
    );
    const seconds = (performance.now() - startedAt) / 1000;
    clearInterval(sampler);
    await waitUntil('every acknowledgement', async () => {
      const [count] = await redis.xpending(stream, groupName(cloud.qpuId));
      return count === 0;
    });

    const growth = memoryGrowth(samples.map(({ rssMb }) => rssMb));
    const third = Math.floor(samples.length / 3);
    const fds = samples.map((sample) => sample.fds);
    const mostDisk = Math.max(...samples.map((sample) => sample.diskMb));
    world.promise(sink.delivered() === submitted, `${submitted - sink.delivered()} jobs without an outcome`);
    world.promise(sink.doubled() === 0, `${sink.doubled()} jobs delivered twice`);
    world.promise(
      growth < mostGrowthMb,
      `memory grew by ${growth.toFixed(0)} MiB from the second to the last third`,
    );
    world.promise(
      median(fds.slice(-third)) <= median(fds.slice(third, 2 * third)) + 5,
      `open files grew: ${fds.join(' ')}`,
    );
    world.promise(mostDisk < mostDiskMb, `the state directory took ${mostDisk.toFixed(0)} MiB`);
    world.checkCloud();
    Object.assign(world.figures, {
      minutes,
      jobs: submitted,
      'jobs/s': Math.round(submitted / seconds),
      'RSS MiB': range(samples.map(({ rssMb }) => rssMb)),
      'RSS growth MiB': growth.toFixed(1),
      'open files': range(fds),
      'disk MiB': range(samples.map((sample) => sample.diskMb)),
    });
  },
});

function idOf(number: number): string {
  return `soak-${number}~0`;
}

interface Sink {
  readonly url: string;
  delivered(): number;
  doubled(): number;
  readonly close: () => void;
}

/** A webhook that only counts: the local cloud keeps every delivery, which would be gigabytes here. */
async function startSink(): Promise<Sink> {
  const seen = new Uint8Array(MOST_JOBS);
  let delivered = 0;
  let doubled = 0;
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const number = Number(/"soak-(\d+)~0"/.exec(text)?.[1]);
      if (!text.includes('"completed"')) response.statusCode = 422;
      else if (seen[number] === 1) doubled += 1;
      else {
        seen[number] = 1;
        delivered += 1;
      }
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    delivered: () => delivered,
    doubled: () => doubled,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function diskMb(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes / 1024 / 1024;
}

function range(values: readonly number[]): string {
  const shown = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
  return `${shown(values[0] ?? 0)} → ${shown(values.at(-1) ?? 0)}, most ${shown(Math.max(0, ...values))}`;
}
