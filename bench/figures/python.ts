// An executor in Python: what the node adds to a job, beside the same executor called in one Python process.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { waitUntil } from '../../src/testing/index.ts';
import { inTrial, inTurns, rowOf, type Figure, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { originalExecutors, type SubjectName } from '../lab/subject.ts';
import { gapsOf, type Metric } from './gap.ts';

interface Setting {
  readonly rttMs: number;
  readonly runMs: number;
  readonly jobs: number;
  readonly originalJobs: number;
  readonly limits: Readonly<Record<Metric, number | undefined>>;
}

/** The loop that has nothing but the executor: `createTimed` writes its notes at the end. */
const LOOP = `
import asyncio, os, types, executors

async def main():
    timed = executors.createTimed()
    ir = types.SimpleNamespace(measurements=[0, 1])
    for _ in range(int(os.environ["BENCH_JOBS"])):
        await timed.run(ir, 1000)

asyncio.run(main())
`;

export const python: Figure = {
  name: 'python',
  title: 'an executor in Python',
  async measure(lab) {
    const interpreter = pythonHere();
    if (interpreter === undefined) {
      lab.say('  no Python 3.9 or newer is here');
      return [];
    }
    const rows: Row[] = [];
    for (const setting of settings(lab)) rows.push(...(await measureAt(lab, setting, interpreter)));
    return [...rows, await startRow(lab, interpreter)];
  },
};

function settings(lab: Lab): readonly Setting[] {
  const all: readonly Setting[] = [
    {
      rttMs: 0,
      runMs: 1,
      jobs: lab.size({ full: 3000, quick: 600, tiny: 20 }),
      originalJobs: lab.size({ full: 200, quick: 40, tiny: 0 }),
      limits: { p50: 0.3, p99: 1.2, busy: undefined },
    },
    {
      rttMs: 50,
      runMs: 20,
      jobs: lab.size({ full: 300, quick: 100, tiny: 0 }),
      originalJobs: lab.size({ full: 20, quick: 6, tiny: 0 }),
      limits: { p50: undefined, p99: undefined, busy: 99 },
    },
  ];
  return all.filter(({ jobs }) => jobs > 0);
}

async function measureAt(lab: Lab, setting: Setting, interpreter: string): Promise<Row[]> {
  const { rttMs, runMs, originalJobs, limits } = setting;
  const where = `${runMs} ms runs in Python, ${rttMs} ms round trip`;
  const repetitions = lab.size({ full: 3, quick: 1, tiny: 1 });
  const turns = { node: repetitions, bare: repetitions, original: originalJobs > 0 ? 1 : 0 };
  const samples = await inTurns<Metric>(lab, where, turns, (subject) =>
    once(lab, subject, setting, interpreter),
  );
  return (['p50', 'p99', 'busy'] as const).map((metric) => {
    const limit = limits[metric];
    const isBusy = metric === 'busy';
    const words = {
      figure: 'python',
      what: `${isBusy ? 'device busy' : `idle gap ${metric}`}, ${where}`,
      goal: limit === undefined ? '' : isBusy ? `≥ ${limit} %` : `≤ ${limit} ms`,
      unit: isBusy ? '%' : 'ms',
      better: isBusy ? ('higher' as const) : ('lower' as const),
    };
    if (limit === undefined) return rowOf(words, samples, metric);
    return rowOf(words, samples, metric, ({ node }) => (isBusy ? node >= limit : node <= limit));
  });
}

function once(
  lab: Lab,
  subject: SubjectName,
  { rttMs, runMs, jobs, originalJobs }: Setting,
  interpreter: string,
): Promise<Sample<Metric>> {
  const count = subject === 'original' ? originalJobs : jobs;
  const env = {
    BENCH_RUN_MS: String(runMs),
    BENCH_JOBS: String(count),
    ...(subject === 'node' ? inPython(interpreter, 'createTimed') : {}),
  };
  return inTrial(lab, { subject, executor: 'createTimed', rttMs, env }, async (trial) => {
    if (subject === 'bare') {
      const own = { ...process.env, ...env, ...pathOf(), BENCH_NOTES: trial.notes };
      const { status, stderr } = spawnSync(interpreter, ['-c', LOOP], { env: own, encoding: 'utf8' });
      if (status !== 0) throw new Error(`the loop in Python failed: ${stderr}`);
    } else {
      await (await trial.start()).ready();
      await trial.fill(count);
      await trial.finish();
    }
    const notes = await waitUntil('the notes of the runs', () => readFileSync(trial.notes, 'utf8'));
    return gapsOf(JSON.parse(notes) as [number, number][]);
  });
}

async function startRow(lab: Lab, interpreter: string): Promise<Row> {
  const repetitions = lab.size({ full: 5, quick: 2, tiny: 1 });
  const samples = await inTurns<'ms'>(
    lab,
    'start to ready',
    { node: repetitions, original: repetitions },
    (subject) => {
      const env = subject === 'node' ? inPython(interpreter, 'createNoop') : {};
      return inTrial(lab, { subject, executor: 'createNoop', env }, async (trial) => {
        return { ms: await (await trial.start()).ready() };
      });
    },
  );
  return rowOf(
    {
      figure: 'python',
      what: 'process start to ready, executor in Python',
      goal: "≤ the original's",
      unit: 'ms',
      better: 'lower',
    },
    samples,
    'ms',
    ({ node, original = Infinity }) => node <= original,
  );
}

function inPython(interpreter: string, factory: string): Record<string, string> {
  return { CODA_PYTHON: interpreter, CODA_EXECUTOR_FACTORY: `executors:${factory}`, ...pathOf() };
}

function pathOf(): Record<string, string> {
  return { PYTHONPATH: dirname(originalExecutors()), PYTHONDONTWRITEBYTECODE: '1' };
}

/** The interpreter itself: a shim may not work in the home of a subject. */
function pythonHere(): string | undefined {
  const script = 'import sys; sys.version_info >= (3, 9) and print(sys.executable)';
  return spawnSync('python3', ['-c', script], { encoding: 'utf8' }).stdout?.trim() || undefined;
}
