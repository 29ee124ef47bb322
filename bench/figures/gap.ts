// How long the device waits between two runs, with a backlog to work off and Redis and the cloud far away.
import { readFileSync } from 'node:fs';
import { waitUntil } from '../../src/testing/index.ts';
import { inTrial, inTurns, rowOf, type Figure, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { percentile } from '../lab/stats.ts';
import type { SubjectName } from '../lab/subject.ts';

type Metric = 'p50' | 'p99' | 'busy';

interface Setting {
  readonly rttMs: number;
  readonly runMs: number;
  readonly jobs: number;
  readonly originalJobs: number;
  readonly goals: Readonly<Record<Metric, string>>;
  readonly limits: (bare: Sample<Metric>) => Sample<Metric>;
}

/** Of the first runs, which fill the pipeline, this part does not count. */
const WARM_UP = 0.1;

export const gap: Figure = {
  name: 'gap',
  title: 'idle gap between runs',
  async measure(lab) {
    const rows: Row[] = [];
    for (const setting of settings(lab)) rows.push(...(await measureAt(lab, setting)));
    return rows;
  },
};

function settings(lab: Lab): readonly Setting[] {
  const near = { p50: '≤ 0.1 ms', p99: '≤ 1 ms', busy: '≥ 99 %' };
  const short = { p50: 'as the bare loop', p99: 'as the bare loop', busy: 'as the bare loop' };
  // Near the bare loop: what one cannot tell from its own spread.
  const asBare = (bare: Sample<Metric>): Sample<Metric> => ({
    p50: 1.5 * bare.p50 + 0.02,
    p99: 1.5 * bare.p99 + 0.2,
    busy: bare.busy - 2,
  });
  return [
    {
      rttMs: 50,
      runMs: 20,
      jobs: lab.size({ full: 300, quick: 100, tiny: 20 }),
      originalJobs: lab.size({ full: 20, quick: 6, tiny: 2 }),
      goals: near,
      limits: () => ({ p50: 0.1, p99: 1, busy: 99 }),
    },
    {
      rttMs: 200,
      runMs: 20,
      jobs: lab.size({ full: 300, quick: 100, tiny: 0 }),
      originalJobs: lab.size({ full: 8, quick: 0, tiny: 0 }),
      goals: { ...short, busy: '≥ 98 %' },
      limits: (bare: Sample<Metric>) => ({ ...asBare(bare), busy: 98 }),
    },
    {
      rttMs: 50,
      runMs: 1,
      jobs: lab.size({ full: 4000, quick: 1500, tiny: 0 }),
      originalJobs: lab.size({ full: 20, quick: 0, tiny: 0 }),
      goals: short,
      limits: asBare,
    },
  ].filter(({ jobs }) => jobs > 0);
}

async function measureAt(lab: Lab, setting: Setting): Promise<Row[]> {
  const { rttMs, runMs, originalJobs, goals, limits } = setting;
  const where = `${runMs} ms runs, ${rttMs} ms round trip`;
  const repetitions = lab.size({ full: 3, quick: 1, tiny: 1 });
  const samples = await inTurns<Metric>(
    lab,
    where,
    { node: repetitions, bare: repetitions, original: originalJobs > 0 ? 1 : 0 },
    (subject) => once(lab, subject, setting),
  );
  const metrics: readonly Metric[] = ['p50', 'p99', 'busy'];
  const median = (metric: Metric): number =>
    percentile(
      samples.bare.map((sample) => sample[metric]),
      50,
    );
  const limit = limits({ p50: median('p50'), p99: median('p99'), busy: median('busy') });
  return metrics.map((metric) => {
    const isBusy = metric === 'busy';
    const words = {
      figure: 'gap',
      what: `${isBusy ? 'device busy' : `idle gap ${metric}`}, ${where}`,
      goal: goals[metric],
      unit: isBusy ? '%' : 'ms',
      better: isBusy ? ('higher' as const) : ('lower' as const),
    };
    return rowOf(words, samples, metric, ({ node }) =>
      isBusy ? node >= limit[metric] : node <= limit[metric],
    );
  });
}

function once(
  lab: Lab,
  subject: SubjectName,
  { rttMs, runMs, jobs, originalJobs }: Setting,
): Promise<Sample<Metric>> {
  const count = subject === 'original' ? originalJobs : jobs;
  const env = { BENCH_RUN_MS: String(runMs), BENCH_JOBS: String(count) };
  return inTrial(lab, { subject, executor: 'createTimed', rttMs, env }, async (trial) => {
    await (await trial.start()).ready();
    await trial.fill(count);
    await trial.finish();
    const notes = await waitUntil('the notes of the runs', () => readFileSync(trial.notes, 'utf8'));
    return gapsOf(JSON.parse(notes) as [number, number][]);
  });
}

/** From when each run began and ended, in milliseconds. */
function gapsOf(notes: readonly (readonly [start: number, end: number])[]): Sample<Metric> {
  const runs = notes.toSorted(([a], [b]) => a - b).slice(Math.floor(notes.length * WARM_UP));
  const gaps = runs.slice(1).map(([start], i) => start - (runs[i]?.[1] ?? NaN));
  const busyMs = runs.reduce((sum, [start, end]) => sum + end - start, 0);
  const wholeMs = (runs.at(-1)?.[1] ?? NaN) - (runs[0]?.[0] ?? NaN);
  return { p50: percentile(gaps, 50), p99: percentile(gaps, 99), busy: (100 * busyMs) / wholeMs };
}
