// Two nodes share one QPU's stream; one is killed or stopped, both are restarted, at random.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { waitUntil } from '../../../src/testing/index.ts';
import { closeRedis, openRedis, whichExist } from '../../../src/net/redis.ts';
import { outcomeKey } from '../../../src/protocol/keys.ts';
import { now, type Run } from '../ledger.ts';
import type { NodeProcess } from '../node-process.ts';
import { scenario } from '../scenario.ts';
import type { World } from '../world.ts';

const SIZES = {
  long: { jobs: 500, rounds: 15, leaseSec: 3, recoverSec: 60 },
  short: { jobs: 60, rounds: 1, leaseSec: 1, recoverSec: 60 },
};

export const twoNodes = scenario({
  name: 'two-nodes',
  promise: 'nothing lost, and no job run by one node while the other, alive, had it',
  ...SIZES,
  play: (world, size) => play(world, size, false),
});

export const twoNodesWithCopies = scenario({
  name: 'two-nodes-copies',
  promise: 'the same, and no result is run again whose copy was in Redis',
  ...SIZES,
  play: (world, size) => play(world, size, true),
});

async function play(
  world: World,
  { jobs, rounds, leaseSec, recoverSec }: (typeof SIZES)['long'],
  hasCopies: boolean,
): Promise<void> {
  const { cloud, ledger, random } = world;
  const env = {
    CODA_LEASE_SEC: String(leaseSec),
    CODA_MAX_DELIVERIES: '1000',
    CODA_OUTCOME_COPY: String(hasCopies),
  };
  const redis = openRedis({ url: cloud.redisUrl, name: 'chaos', env: {} });
  /** When a copy of the job's outcome was seen in Redis, after its node had been killed. */
  const copiedAt = new Map<string, number>();
  const a = await world.startNode('a', env);
  const b = await world.startNode('b', env);
  const each = Math.floor(jobs / (rounds + 1));
  /** Jobs whose outcome was on the disk of a node when it was killed. */
  const savedBy = new Map<string, string>();
  const kill = async (node: NodeProcess): Promise<void> => {
    await node.kill();
    for (const jobId of await copiedJobs(redis, world.jobs))
      if (!copiedAt.has(jobId)) copiedAt.set(jobId, now());
    for (const jobId of await node.savedJobs()) if (!savedBy.has(jobId)) savedBy.set(jobId, node.life);
  };
  for (let round = 1; round <= rounds; round++) {
    // Some results have to wait, so that a kill finds them.
    if (hasCopies) cloud.fail('webhook', { status: 503, times: Math.ceil(each / 2) });
    await world.submitMany(each);
    const [victim, other] = random.next() < 0.5 ? [a, b] : [b, a];
    await sleep(random.between(0, 150));
    await kill(victim);
    // Sometimes it is back before its lease has ended, sometimes after the other has taken over its jobs.
    await sleep(random.between(0, 2_000 * leaseSec));
    const action = random.pick(['leave', 'kill', 'stop'] as const);
    if (action === 'kill') await kill(other);
    if (action === 'stop') await other.stop();
    victim.start();
    await sleep(random.between(0, 500));
    if (action !== 'leave') other.start();
    await Promise.all([a.serving(), b.serving()]);
  }
  await world.submitMany(jobs - rounds * each);
  await world.allDelivered(recoverSec * 1000);
  // They are removed after the acknowledgement.
  let left: readonly string[] = [];
  const isOver = async (): Promise<boolean> => (left = await copiedJobs(redis, world.jobs)).length === 0;
  await waitUntil('no copy', isOver, { timeoutMs: recoverSec * 1000 }).catch(() => {});
  closeRedis(redis);

  const deaths = new Map([...a.deaths, ...b.deaths]);
  const doubled: string[] = [];
  const rerun: string[] = [];
  let again = 0;
  const savedElsewhere = new Set<string>();
  ledger.read();
  for (const jobId of world.jobs) {
    const runs = ledger.runsOf(jobId);
    for (const [i, run] of runs.entries()) {
      const before = runs[i - 1];
      if (before === undefined) continue;
      if (wasAlive(before, run)) doubled.push(`${jobId}: ${before.life}, then ${run.life}`);
      again += 1;
      const saver = savedBy.get(jobId);
      if (saver !== before.life) continue;
      if (nodeOf(saver) === nodeOf(run.life)) rerun.push(`${jobId}: ${saver}, then ${run.life}`);
      else savedElsewhere.add(jobId);
    }
  }
  /** Whether the node of the first run was still alive when the second run started. */
  function wasAlive(first: Run, second: Run): boolean {
    return second.startedAt < (deaths.get(first.life) ?? Infinity);
  }
  world.promise(
    doubled.length === 0,
    `${doubled.length} jobs ran twice while both nodes lived: ${doubled[0]}`,
  );
  world.promise(
    rerun.length === 0,
    `${rerun.length} saved results were run again by their own node: ${rerun[0]}`,
  );
  const copied = [...copiedAt].filter(([jobId, at]) =>
    ledger.runsOf(jobId).some(({ startedAt }) => startedAt > at),
  );
  world.promise(
    copied.length === 0,
    `${copied.length} results whose copies were in Redis were run again: ${copied[0]?.[0]}`,
  );
  world.promise(left.length === 0, `${left.length} copies are left in Redis: ${left[0]}`);
  // If only a dead node's disk has the result, the other node may run the job.
  const second = new Set(
    cloud.violations.map((text) => /job '(\S+)' already has a different outcome/.exec(text)?.[1]),
  );
  const unexplained = [...second].filter((jobId) => jobId === undefined || !savedElsewhere.has(jobId));
  world.promise(
    unexplained.length === 0,
    `${unexplained.length} jobs have two outcomes, ${unexplained[0]}; the cloud: ${cloud.violations[0]}`,
  );
  world.checkCompleted();
  const lives = (name: string): number => ledger.runs.filter(({ life }) => life.startsWith(name)).length;
  world.promise(lives('a#') > 0 && lives('b#') > 0, 'one of the nodes had nothing to do');
  Object.assign(world.figures, {
    jobs,
    kills: [...deaths.keys()].length,
    lost: world.unfinished.length,
    'runs a / b': `${lives('a#')} / ${lives('b#')}`,
    'doubled while both live': doubled.length,
    'run again after a death': again,
    'of them known only to the dead disk': savedElsewhere.size,
    'second outcomes, refused': second.size,
    ...(hasCopies ? { 'in Redis when their node was killed': copiedAt.size } : {}),
  });
}

async function copiedJobs(redis: Redis, jobIds: readonly string[]): Promise<string[]> {
  const isThere = await whichExist(redis, jobIds.map(outcomeKey));
  return jobIds.filter((_, i) => isThere[i] === true);
}

function nodeOf(life: string): string | undefined {
  return life.split('#')[0];
}
