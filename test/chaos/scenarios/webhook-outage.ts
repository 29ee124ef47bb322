// The cloud accepts no results for a while, failing in every possible way, while jobs continue to run.
import { setTimeout as sleep } from 'node:timers/promises';
import { scenario } from '../scenario.ts';
import { FaultProxy } from '../fault-proxy.ts';
import { memoryGrowth, watchMemory } from '../samples.ts';

const MOST_GROWTH_MB = 64;

export const webhookOutage = scenario({
  name: 'webhook-outage',
  promise: 'every result is delivered once the cloud is back, each job ran once, memory stays flat',
  long: { jobs: 500, seconds: 300 },
  short: { jobs: 60, seconds: 4 },
  async play(world, { jobs, seconds }) {
    const { cloud } = world;
    const proxy = await FaultProxy.open(Number(new URL(cloud.url).port));
    world.onClose(() => proxy.close());
    world.deliverVia(`http://127.0.0.1:${proxy.port}`);
    const node = await world.startNode('node', {
      CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '2',
      CODA_WEBHOOK_TIMEOUT_SEC: '1',
    });
    const memory = watchMemory(node);
    world.onClose(memory.stop);

    const phases: { readonly begin: () => unknown; readonly end: () => unknown }[] = [
      { begin: () => cloud.fail('webhook', { status: 503 }), end: () => cloud.heal() },
      { begin: () => proxy.refuse(), end: () => proxy.heal() },
      { begin: () => cloud.fail('webhook', { action: 'hang' }), end: () => cloud.heal() },
      { begin: () => proxy.set({ kind: 'drip', ms: 50 }), end: () => proxy.heal() },
    ];
    const each = Math.floor(jobs / phases.length);
    for (const { begin, end } of phases) {
      await begin();
      const pauseMs = (seconds * 1000) / phases.length / each;
      for (let i = 0; i < each; i++) {
        await world.submit(world.random.between(1, 20));
        await sleep(pauseMs);
      }
      await end();
    }
    const waiting = world.unfinished.length;
    const healedAt = performance.now();
    await world.allDelivered(60_000);
    const catchUpSec = (performance.now() - healedAt) / 1000;
    memory.stop();

    world.checkRunOnce();
    world.checkCloud();
    const growth = memoryGrowth(memory.mb);
    world.promise(growth < MOST_GROWTH_MB, `memory grew by ${growth.toFixed(0)} MiB`);
    world.promise(waiting > 0, 'nothing waited for the cloud: there was no outage');
    Object.assign(world.figures, {
      jobs: world.jobs.length,
      'outage s': seconds,
      'waiting at its end': waiting,
      attempts: cloud.deliveries.length,
      'caught up in s': catchUpSec.toFixed(1),
      lost: world.unfinished.length,
      'RSS MiB': memory.text(),
    });
  },
});
