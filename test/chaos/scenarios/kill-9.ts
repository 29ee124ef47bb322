// The node is killed many times, at random moments, and restarted each time.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../src/testing/index.ts';
import { LIFE_HEADER } from '../node-process.ts';
import { scenario } from '../scenario.ts';

/** The part of the kills that comes while the node starts. */
const DURING_START = 0.15;
const LONGEST_START_MS = 600;
const LONGEST_LATER_MS = 15;

export const kill9 = scenario({
  name: 'kill-9',
  promise: 'nothing lost, no saved result run again, duplicates identical and at most one a job and kill',
  long: { jobs: 1_000, kills: 200 },
  short: { jobs: 50, kills: 5 },
  async play(world, { jobs, kills }) {
    const { cloud, ledger, random } = world;
    // By chance, one job may be on the device at many kills.
    const node = await world.startNode('node', { CODA_MAX_DELIVERIES: '1000' });
    await world.submitMany(jobs);

    /** How many runs had started when a job was first seen as saved. Any later run of it breaks the promise. */
    const savedAt = new Map<string, number>();
    let endedUnsaved = 0;
    for (let kill = 1; kill <= kills; kill++) {
      if (random.next() < DURING_START) {
        await sleep(random.between(0, LONGEST_START_MS));
      } else {
        // Spread over the remaining jobs, so that the node is busy at every kill.
        const share = Math.max(1, Math.floor(world.unfinished.length / (kills - kill + 1)));
        const runs = ledger.read().runs.length + random.between(1, 2 * share);
        const progressed = (): boolean => ledger.read().runs.length >= runs || world.unfinished.length === 0;
        // If a job was lost there may be no further runs; the checks below report it.
        if ((await waitUntil('further runs', progressed).catch(() => undefined)) === undefined) break;
        await sleep(random.between(0, LONGEST_LATER_MS));
      }
      await node.kill();
      const { runs } = ledger.read();
      for (const jobId of [...(await node.savedJobs()), ...cloud.results.keys()]) {
        if (!savedAt.has(jobId)) savedAt.set(jobId, runs.length);
      }
      endedUnsaved += runs.filter(
        ({ jobId, life, endedAt }) => life === node.life && endedAt !== undefined && !savedAt.has(jobId),
      ).length;
      node.start();
    }
    await world.allDelivered(120_000);

    const { runs } = ledger.read();
    const again = runs.filter(({ jobId }, i) => i >= (savedAt.get(jobId) ?? Infinity));
    const twice = world.jobs.filter((jobId) => {
      const lives = ledger.runsOf(jobId).map(({ life }) => life);
      return new Set(lives).size < lives.length;
    });
    const duplicates = cloud.deliveries.filter(({ isDuplicate }) => isDuplicate).length;
    const byLife = cloud.deliveries.map(
      ({ body, headers }) => `${body?.job_id} in life ${String(headers[LIFE_HEADER])}`,
    );
    const repeated = byLife.filter((delivery, i) => byLife.indexOf(delivery) < i);
    world.promise(again.length === 0, `${again.length} runs of a saved result: ${again[0]?.jobId}`);
    world.promise(twice.length === 0, `${twice.length} jobs ran twice in one life of the node: ${twice[0]}`);
    world.promise(
      repeated.length === 0,
      `${repeated.length} deliveries made twice in one life: ${repeated[0]}`,
    );
    world.checkCompleted();
    world.checkCloud();
    Object.assign(world.figures, {
      jobs,
      kills,
      lost: world.unfinished.length,
      'runs cut off': runs.filter(({ endedAt }) => endedAt === undefined).length,
      'ended within an fsync of a kill': endedUnsaved,
      're-runs of a saved result': again.length,
      'duplicate deliveries': duplicates,
    });
  },
});
