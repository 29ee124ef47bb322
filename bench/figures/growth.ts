// Whether a job costs the same, however many messages wait in the stream, and however many plugins look at it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTrial, inTurns, rowOf, type Figure, type Medians, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import type { SubjectName } from '../lab/subject.ts';
import { rateBetween, type Rate } from './throughput.ts';

const BURST = 10;
/** What may still be called the same, on a machine that is not quite still. */
const FLAT = 1.25;

export const growth: Figure = {
  name: 'growth',
  title: 'cost a job as work grows',
  async measure(lab) {
    return [...(await byBacklog(lab)), ...(await byPlugins(lab))];
  },
};

async function byBacklog(lab: Lab): Promise<Row[]> {
  const most = lab.size({ full: 1_000_000, quick: 100_000, tiny: 1_000 });
  const backlogs = [BURST, 10_000, 100_000, 1_000_000].filter((backlog) => backlog <= most);
  const samples = new Map(backlogs.map((backlog) => [backlog, emptySamples()]));
  for (let round = 0; round < lab.size({ full: 3, quick: 1, tiny: 1 }); round++) {
    // Filling the longest takes its time, and a gigabyte.
    for (const backlog of backlogs.filter((backlog) => round === 0 || backlog <= 100_000)) {
      const what = `${backlog} messages`;
      const turn = await inTurns(lab, what, { node: 1, bare: 1 }, (subject) =>
        backlog === BURST ? inBursts(lab, subject) : fromBacklog(lab, subject, backlog),
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
  const [few = BURST, ...more] = backlogs;
  const first = rowFor(few, '');
  const second = more[0] === undefined ? undefined : rowFor(more[0], '');
  // Ten at a time share less; from ten thousand on, a job must not get dearer.
  const least = Math.min(first.node?.median ?? NaN, second?.node?.median ?? Infinity);
  return [
    first,
    ...more.map((backlog) =>
      rowFor(backlog, `≤ ${FLAT} × the least before`, ({ node }) => node <= FLAT * least),
    ),
  ];
}

function emptySamples(): Record<SubjectName, Sample<Rate>[]> {
  return { node: [], bare: [], original: [] };
}

/** The part of a measurement that counts, by numbers of webhooks: the same for every backlog. */
function windowOf(lab: Lab): { from: number; to: number } {
  return {
    from: lab.size({ full: 4_000, quick: 2_000, tiny: 50 }),
    to: lab.size({ full: 10_000, quick: 5_000, tiny: 100 }),
  };
}

/** Works off the first of `backlog` messages. */
function fromBacklog(lab: Lab, subject: SubjectName, backlog: number): Promise<Sample<Rate>> {
  const { from, to } = windowOf(lab);
  return inTrial(lab, { subject, executor: 'createNoop' }, async (trial) => {
    await trial.fill(backlog);
    await trial.start();
    await trial.watch(from, to);
    await trial.delivered(to);
    const marks = await trial.marks();
    await trial.finishEarly();
    return rateBetween(marks);
  });
}

/** As many jobs, but never more than ten messages at a time. */
function inBursts(lab: Lab, subject: SubjectName): Promise<Sample<Rate>> {
  const { from, to } = windowOf(lab);
  return inTrial(lab, { subject, executor: 'createNoop' }, async (trial) => {
    await (await trial.start()).ready();
    await trial.watch(from, to);
    while (trial.submitted < to) {
      await trial.fill(BURST);
      await trial.delivered();
    }
    await trial.finish();
    return rateBetween(await trial.marks());
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

/** Each plugin taps the three hooks of a job's way, and does nothing there. */
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
  return inTrial(lab, { subject: 'node', executor: 'createNoop' }, async (trial) => {
    writeFileSync(join(trial.folder, 'coda.config.mjs'), config);
    await trial.fill(jobs);
    await trial.start();
    await trial.watch(Math.floor(jobs / 10), jobs);
    await trial.finish();
    return rateBetween(await trial.marks());
  });
}
