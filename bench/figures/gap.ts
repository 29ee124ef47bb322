// How long the device waits between two runs, with a backlog of jobs and a slow line to Redis and the cloud.
import { readFileSync } from 'node:fs';
import { waitUntil } from '../../src/testing/index.ts';
import { inTrial, inTurns, rowOf, type Figure, type Medians, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { percentile } from '../lab/stats.ts';
import type { SubjectName } from '../lab/subject.ts';

export type Metric = 'p50' | 'p99' | 'busy';

interface Goal {
  readonly text: string;
  readonly isMet: (medians: Medians) => boolean;
}

interface Setting {
  readonly rttMs: number;
  readonly runMs: number;
  readonly jobs: number;
  readonly originalJobs: number;
  readonly goals: Partial<Readonly<Record<Metric, Goal>>>;
}

/** The part of the runs that does not count: the first ones fill the pipeline. */
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
  const all: readonly Setting[] = [
    {
      rttMs: 50,
      runMs: 20,
      jobs: lab.size({ full: 300, quick: 100, tiny: 20 }),
      originalJobs: lab.size({ full: 20, quick: 6, tiny: 2 }),
      goals: {
        p50: { text: '≤ 0.1 ms', isMet: ({ node }) => node <= 0.1 },
        p99: { text: '≤ 1 ms', isMet: ({ node }) => node <= 1 },
        busy: { text: '≥ 99 %', isMet: ({ node }) => node >= 99 },
      },
    },
    {
      rttMs: 200,
      runMs: 20,
      jobs: lab.size({ full: 300, quick: 100, tiny: 0 }),
      originalJobs: lab.size({ full: 8, quick: 0, tiny: 0 }),
      goals: { busy: { text: '≥ 98 %', isMet: ({ node }) => node >= 98 } },
    },
    {
      rttMs: 50,
      runMs: 1,
      jobs: lab.size({ full: 4000, quick: 1500, tiny: 0 }),
      originalJobs: lab.size({ full: 20, quick: 0, tiny: 0 }),
      goals: { busy: { text: '≥ bare − 2 points', isMet: ({ node, bare = 0 }) => node >= bare - 2 } },
    },
  ];
  return all.filter(({ jobs }) => jobs > 0);
}

async function measureAt(lab: Lab, setting: Setting): Promise<Row[]> {
  const { rttMs, runMs, originalJobs, goals } = setting;
  const where = `${runMs} ms runs, ${rttMs} ms round trip`;
  const repetitions = lab.size({ full: rttMs > 100 ? 2 : 3, quick: 1, tiny: 1 });
  const samples = await inTurns<Metric>(
    lab,
    where,
    { node: repetitions, bare: repetitions, original: originalJobs > 0 ? 1 : 0 },
    (subject) => once(lab, subject, setting),
  );
  return (['p50', 'p99', 'busy'] as const).map((metric) => {
    const goal = goals[metric];
    const kind =
      metric === 'busy'
        ? ({ unit: '%', better: 'higher' } as const)
        : ({ unit: 'ms', better: 'lower' } as const);
    const what = `${metric === 'busy' ? 'device busy' : `idle gap ${metric}`}, ${where}`;
    return rowOf({ figure: 'gap', what, goal: goal?.text ?? '', ...kind }, samples, metric, goal?.isMet);
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
export function gapsOf(notes: readonly (readonly [start: number, end: number])[]): Sample<Metric> {
  const runs = notes.toSorted(([a], [b]) => a - b).slice(Math.floor(notes.length * WARM_UP));
  const gaps = runs.slice(1).map(([start], i) => start - (runs[i]?.[1] ?? NaN));
  const busyMs = runs.reduce((sum, [start, end]) => sum + end - start, 0);
  const wholeMs = (runs.at(-1)?.[1] ?? NaN) - (runs[0]?.[0] ?? NaN);
  return { p50: percentile(gaps, 50), p99: percentile(gaps, 99), busy: (100 * busyMs) / wholeMs };
}
