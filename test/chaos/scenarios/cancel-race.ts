// Every job is cancelled around the moment at which it ends, or while it waits, or while its result is on its way.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../src/testing/index.ts';
import { scenario } from '../scenario.ts';

/** Jobs at one time: some wait, one runs, some are delivered. */
const CHAINS = 6;
/** The part of the webhooks that is lost or refused at first, so that cancels come between two attempts. */
const FAULTY = 0.03;

export const cancelRace = scenario({
  name: 'cancel-race',
  promise: 'one terminal state each, the same in Redis and at the cloud',
  long: { jobs: 1_000 },
  short: { jobs: 150 },
  async play(world, { jobs }) {
    const { cloud, random } = world;
    await world.startNode('node', { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1' });
    let left = jobs;
    const chain = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const runMs = random.between(1, 12);
        if (random.next() < FAULTY) {
          cloud.fail(
            'webhook',
            random.next() < 0.5 ? { status: 503, times: 1 } : { action: 'lose-answer', times: 1 },
          );
        }
        const jobId = await world.submit(runMs);
        await sleep(random.between(0, CHAINS * (runMs + 3)));
        await cloud.cancel(jobId);
        await waitUntil(`the end of ${jobId}`, async () => {
          return cloud.results.has(jobId) || (await cloud.status(jobId))['state'] === 'cancelled';
        });
      }
    };
    await Promise.all(Array.from({ length: CHAINS }, chain));
    await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
    // Everything that is still on its way is written before this job is done.
    const last = await world.submit(1);
    await cloud.outcome(last);
    await waitUntil('the last acknowledgement', async () => (await cloud.pending()) === 0);

    const ends = { completed: 0, cancelled: 0, other: 0 };
    const torn: string[] = [];
    for (const jobId of world.jobs) {
      const { state } = await cloud.status(jobId);
      const delivered = cloud.results.get(jobId)?.status;
      ends[state === 'completed' || state === 'cancelled' ? state : 'other'] += 1;
      if ((state === 'completed') !== (delivered === 'completed')) {
        torn.push(`${jobId} is ${state} in Redis and ${delivered ?? 'unknown'} at the cloud`);
      }
    }
    const twice = world.jobs.filter((jobId) => world.ledger.read().runsOf(jobId).length > 1);
    world.promise(torn.length === 0, `${torn.length} jobs with two ends: ${torn[0]}`);
    world.promise(ends.other === 0, `${ends.other} jobs have no end`);
    world.promise(twice.length === 0, `${twice.length} jobs ran twice: ${twice[0]}`);
    world.promise(ends.completed > 1 && ends.cancelled > 0, 'one side always won: nothing was raced');
    world.checkCloud();
    Object.assign(world.figures, {
      jobs,
      ...ends,
      'never ran': world.jobs.filter((jobId) => world.ledger.runsOf(jobId).length === 0).length,
      'cancelled after the run': world.jobs.filter(
        (jobId) =>
          !cloud.results.has(jobId) && world.ledger.runsOf(jobId).some((run) => run.endedAt && !run.aborted),
      ).length,
    });
  },
});
