// Steady jobs under faults that come and go: a long run must not be affected, and the node must soon work again.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../src/testing/index.ts';
import type { NodeProcess } from './node-process.ts';
import type { World } from './world.ts';

/** Causes a fault, and resolves when it is over. `losesJobs`: the content of Redis is lost. */
export interface Trouble {
  readonly name: string;
  readonly losesJobs?: true;
  readonly happen: () => Promise<void>;
}

export interface SteadyOptions {
  readonly rounds: number;
  readonly troubles: readonly Trouble[];
  /** Most seconds from the end of a trouble to the next start of a new job. */
  readonly recoverSec: number;
}

const STEADY_EVERY_MS = 40;
const LONG_RUN_MS = 800;

/** Settings under which a long run leaves room for others beside it. */
export const STEADY_ENV = { CODA_CONCURRENCY: '2', CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1' };

/** Plays every trouble in turn, and more at random up to `rounds`. */
export async function steadyUnderTrouble(
  world: World,
  node: NodeProcess,
  options: SteadyOptions,
): Promise<void> {
  const { rounds, troubles, recoverSec } = options;
  const { ledger, random, cloud } = world;
  const load = steadyLoad(world);
  const recoveries: { name: string; seconds: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const trouble = troubles[round] ?? random.pick(troubles);
    const long = await world.submit(LONG_RUN_MS);
    await waitUntil(`the start of ${long}`, () => ledger.hasStarted(long), { timeoutMs: 60_000 });
    await trouble.happen();
    const healedAt = performance.now();
    const probe = await world.submit(1);
    await waitUntil(`the start of ${probe} after '${trouble.name}'`, () => ledger.hasStarted(probe), {
      timeoutMs: 90_000,
    });
    recoveries.push({ name: trouble.name, seconds: (performance.now() - healedAt) / 1000 });
    if (trouble.losesJobs === true) {
      // The node still knows the jobs that it has taken, and does not run them a second time.
      for (const jobId of world.unfinished) await world.resubmit(jobId);
    }
    await waitUntil(`the outcome of ${long}`, () => cloud.results.has(long), { timeoutMs: 60_000 });
  }
  await load.stop();
  await world.allDelivered(60_000);

  world.checkRunOnce();
  world.checkCloud();
  const slowest = recoveries.toSorted((a, b) => b.seconds - a.seconds)[0];
  if (slowest === undefined) throw new Error('no trouble was played');
  world.promise(
    slowest.seconds <= recoverSec,
    `jobs were taken again only ${slowest.seconds.toFixed(1)} s after '${slowest.name}'`,
  );
  world.promise(node.life.endsWith('#1'), 'the node was restarted');
  Object.assign(world.figures, {
    jobs: world.jobs.length,
    troubles: rounds,
    lost: world.unfinished.length,
    'taking jobs again, s, worst': `${slowest.seconds.toFixed(2)} (${slowest.name})`,
    'runs disturbed': ledger.runs.filter(({ aborted }) => aborted === true).length,
  });
}

/** Submits small jobs until it is stopped; while Redis is away, they wait in the cloud. */
function steadyLoad(world: World): { stop: () => Promise<void> } {
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      await world.submit(world.random.between(1, 20));
      await sleep(STEADY_EVERY_MS);
    }
  })();
  // If the scenario fails first, the cloud closes under the load.
  loop.catch(() => {});
  return {
    async stop() {
      stopped = true;
      await loop;
    },
  };
}
