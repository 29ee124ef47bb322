// Whether a job costs the same with many messages in the stream, and with many plugins.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTrial, inTurns, rowOf, type Figure, type Medians, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import type { SubjectName } from '../lab/subject.ts';
import { rateOf, type Rate } from './throughput.ts';

/** Up to this ratio two costs count as the same: the machine has some noise. */
const FLAT = 1.25;

export const growth: Figure = {
  name: 'growth',
  title: 'cost a job as work grows',
  async measure(lab) {
    return [...(await byBacklog(lab)), ...(await byPlugins(lab))];
  },
};

async function byBacklog(lab: Lab): Promise<Row[]> {
  const most = lab.size({ full: 1_000_000, quick: 10_000, tiny: 10 });
  const backlogs = [10, 1_000, 10_000, 100_000, 1_000_000].filter((backlog) => backlog <= most);
  const samples = new Map(backlogs.map((backlog) => [backlog, emptySamples()]));
  for (let round = 0; round < lab.size({ full: 3, quick: 1, tiny: 1 }); round++) {
    // The longest backlogs take minutes, and the longest of all takes a gigabyte of Redis.
    for (const backlog of backlogs) {
      if (round > 0 && backlog > 10_000) continue;
      const what = `${backlog} messages`;
      const turn = await inTurns(lab, what, { node: 1, bare: 1 }, (subject) =>
        backlog > 100_000 ? inTheMiddle(lab, subject, backlog) : workedOff(lab, subject, backlog),
      );
      samples.get(backlog)?.node.push(...turn.node);
      samples.get(backlog)?.bare.push(...turn.bare);
    }
  }
  const rowFor = (backlog: number, goal: string, isMet?: (medians: Medians) => boolean): Row =>
    rowOf(
      {
        figure: 'growth',
        what: `processor time a job, ${backlog.toLocaleString('en-US')} messages in the stream`,
        goal,
        unit: 'µs',
        better: 'lower',
      },
      samples.get(backlog) ?? emptySamples(),
      'cpuUs',
      isMet,
    );
  // A short backlog shares fewer batched commands. From a thousand messages on, a job must not cost more.
  const free = backlogs.filter((backlog) => backlog <= 1_000).map((backlog) => rowFor(backlog, ''));
  const least = free.at(-1)?.node?.median ?? NaN;
  const bound = backlogs.filter((backlog) => backlog > 1_000);
  const goal = `≤ ${FLAT} × that of 1,000`;
  return [...free, ...bound.map((backlog) => rowFor(backlog, goal, ({ node }) => node <= FLAT * least))];
}

function emptySamples(): Record<SubjectName, Sample<Rate>[]> {
  return { node: [], bare: [], original: [] };
}

/** Runs whole backlogs until there are enough jobs to measure. */
function workedOff(lab: Lab, subject: SubjectName, backlog: number): Promise<Sample<Rate>> {
  const least = lab.size({ full: 10_000, quick: 4_000, tiny: 50 });
  return rateOf(lab, subject, {
    executor: 'createNoop',
    warmUp: lab.size({ full: 10_000, quick: 2_000, tiny: 10 }),
    jobs: backlog,
    rounds: Math.ceil(least / backlog),
  });
}

/** The first part of a backlog that is too long to work off. From the 20,000th webhook on the node holds as many
 *  undelivered results as it may, so that between two webhooks it reads and runs as many jobs as it delivers. */
function inTheMiddle(lab: Lab, subject: SubjectName, backlog: number): Promise<Sample<Rate>> {
  const [from, to] = [20_000, 40_000];
  return inTrial(lab, { subject, executor: 'createNoop' }, async (trial) => {
    await trial.fill(backlog);
    await trial.start();
    await trial.watch(from, to);
    await trial.delivered(to);
    const [first, last] = await trial.marks();
    await trial.finishEarly();
    if (first === undefined || last === undefined) throw new Error('the marks were not reached');
    const count = last.count - first.count;
    return {
      perSec: (1000 * count) / (last.at - first.at),
      cpuUs: (1000 * (last.cpuMs - first.cpuMs)) / count,
    };
  });
}

async function byPlugins(lab: Lab): Promise<Row[]> {
  const jobs = lab.size({ full: 20_000, quick: 5_000, tiny: 100 });
  const counts = [1, 10, 50];
  const repetitions = lab.size({ full: 2, quick: 1, tiny: 1 });
  const samples = new Map<number, Sample<Rate>[]>(counts.map((count) => [count, []]));
  for (let round = 0; round < repetitions; round++) {
    for (const count of counts) {
      const sample = await withPlugins(lab, count, jobs);
      samples.get(count)?.push(sample);
      lab.say(
        `  ${count} plugins, node: ${sample.cpuUs.toFixed(1)} µs a job, ${sample.perSec.toFixed(0)} jobs/s`,
      );
    }
  }
  const rows: Row[] = [];
  for (const count of counts) {
    const one = rows[0]?.node?.median;
    rows.push(
      rowOf(
        {
          figure: 'growth',
          what: `processor time a job, ${count} ${count === 1 ? 'plugin' : 'plugins'} on three hooks`,
          goal: one === undefined ? '' : '≤ 1.5 × that of one',
          unit: 'µs',
          better: 'lower',
        },
        { node: samples.get(count) ?? [], bare: [], original: [] },
        'cpuUs',
        one === undefined ? undefined : ({ node }) => node <= 1.5 * one,
      ),
    );
  }
  return rows;
}

/** Each plugin taps three hooks that fire for every job, and does nothing in them. */
function withPlugins(lab: Lab, count: number, jobs: number): Promise<Sample<Rate>> {
  const config = `
const plugin = (i) => ({
  name: 'tap-' + i,
  apply(node) {
    for (const hook of ['onJob', 'afterRun', 'onWebhook']) node.hooks[hook].tapPromise('tap-' + i, async () => {});
  },
});
export default { plugins: Array.from({ length: ${count} }, (_, i) => plugin(i)) };
`;
  return rateOf(lab, 'node', {
    executor: 'createNoop',
    warmUp: jobs / 4,
    jobs,
    prepare: (trial) => writeFileSync(join(trial.folder, 'coda.config.mjs'), config),
  });
}
