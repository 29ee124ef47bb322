// From the cancel key to the executor's cancel hook: with push, and for a Redis user who has no right to it.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../src/testing/index.ts';
import { inTrial, inTurns, rowOf, type Figure, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { percentile } from '../lab/stats.ts';
import type { SubjectName } from '../lab/subject.ts';
import type { Trial } from '../lab/trial.ts';

type Metric = 'p50' | 'p99' | 'max';

const LOOK_EVERY_MS = 2;
const USER = 'nopush';

export const cancel: Figure = {
  name: 'cancel',
  title: 'cancel key to hook',
  async measure(lab) {
    const pushed = await inTurns<Metric>(
      lab,
      'cancel by push',
      { node: 1, bare: 1, original: 1 },
      (subject) => once(lab, subject, undefined),
    );
    await forbidPush(lab);
    const polled = await inTurns<Metric>(lab, 'cancel without push', { node: 1 }, (subject) =>
      once(lab, subject, `${USER}:${USER}`),
    );
    const words = { figure: 'cancel', unit: 'ms', better: 'lower' as const };
    return [
      rowOf(
        { ...words, what: 'cancel key to hook, p50', goal: '≤ 2 ms' },
        pushed,
        'p50',
        ({ node }) => node <= 2,
      ),
      rowOf(
        { ...words, what: 'cancel key to hook, p99', goal: '≤ 15 ms' },
        pushed,
        'p99',
        ({ node }) => node <= 15,
      ),
      rowOf(
        { ...words, what: 'cancel key to hook without push, longest', goal: '≤ 250 ms' },
        polled,
        'max',
        ({ node }) => node <= 250,
      ),
    ];
  },
};

/** A Redis user who may do everything except track keys, which is what push needs. */
async function forbidPush({ redis }: Lab): Promise<void> {
  await redis.call(
    'ACL',
    'SETUSER',
    USER,
    'on',
    `>${USER}`,
    '~*',
    '&*',
    '+@all',
    '-subscribe',
    '-psubscribe',
  );
}

function once(lab: Lab, subject: SubjectName, redisUser: string | undefined): Promise<Sample<Metric>> {
  const all = lab.size({ full: 200, quick: 40, tiny: 5 });
  const count = subject === 'original' ? Math.ceil(all / 4) : all;
  const user = redisUser === undefined ? {} : { redisUser };
  const options = { subject, executor: 'createEndless' as const, bareLoop: 'push' as const, ...user };
  return inTrial(lab, options, async (trial) => {
    await (await trial.start()).ready();
    const times: number[] = [];
    for (let i = 1; i <= count; i++) times.push(await cancelOne(trial, i));
    if (subject === 'bare') await trial.subject.kill();
    else await trial.finishCancelled();
    return { p50: percentile(times, 50), p99: percentile(times, 99), max: Math.max(...times) };
  });
}

/** Cancels the n-th job once it runs. The bare loop runs nothing, so it gets the id of a job that does not exist. */
async function cancelOne(trial: Trial, n: number): Promise<number> {
  const isBare = trial.name === 'bare';
  const { jobId } = isBare ? { jobId: `nowhere-${n}` } : await trial.submit();
  if (!isBare) await noted(trial, 'start', n);
  // Random, so that the times do not line up with the interval of a poll.
  await sleep(5 + 45 * Math.random());
  const at = await trial.cancel(jobId);
  const seenAt = await noted(trial, 'cancel', n);
  if (!isBare)
    await waitUntil('the end of the job', async () => (await trial.stateOf(jobId)) === 'cancelled');
  return seenAt - at;
}

/** Resolves with the time of the n-th note of this kind. */
async function noted(trial: Trial, kind: 'start' | 'cancel', n: number): Promise<number> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const lines = notesOf(trial).filter((line) => line.startsWith(`${kind} `));
    const time = lines[n - 1]?.split(' ')[2];
    if (time !== undefined) return Number(time);
    if (performance.now() > giveUpAt)
      throw new Error(`no ${n}th '${kind}' of ${trial.name}:\n${trial.subject.output()}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Whole lines only. */
function notesOf(trial: Trial): string[] {
  try {
    return readFileSync(trial.notes, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
