// An executor in Python: what the node adds to a job, beside the same executor called in one Python process.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { waitUntil } from '../../src/testing/index.ts';
import { inTrial, inTurns, rowOf, type Figure, type Row, type Sample } from '../figure.ts';
import { largeCircuit } from '../lab/circuits.ts';
import type { Lab } from '../lab/lab.ts';
import { percentile } from '../lab/stats.ts';
import { originalExecutors, type SubjectName } from '../lab/subject.ts';
import { gapsOf, type Metric } from './gap.ts';

interface Setting {
  readonly rttMs: number;
  readonly runMs: number;
  readonly jobs: number;
  readonly originalJobs: number;
  readonly limits: Readonly<Record<Metric, number | undefined>>;
}

const GATES = 100_000;

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

/** The same, and Python parses a circuit before each run. The classes are those that the node uses. */
const PARSING_LOOP = `
import asyncio, os, sys, executors
sys.path.append(os.environ["BENCH_SHIM"])
from coda_node.server.ir import NativeGateIR

async def main():
    timed = executors.createTimed()
    with open(os.environ["BENCH_CIRCUIT"], "rb") as file:
        text = file.read()
    for _ in range(int(os.environ["BENCH_JOBS"])):
        await timed.run(NativeGateIR.model_validate_json(text), 1000)

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
    return [...rows, await circuitRow(lab, interpreter), await startRow(lab, interpreter)];
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
      loopInPython(interpreter, LOOP, { ...env, BENCH_NOTES: trial.notes });
    } else {
      await (await trial.start()).ready();
      await trial.fill(count);
      await trial.finish();
    }
    return gapsOf(await notesOf(trial.notes));
  });
}

/** From the start of one run to the start of the next, with large circuits and runs that end at once: the node reads,
 *  checks and sends the next circuits while Python parses. */
async function circuitRow(lab: Lab, interpreter: string): Promise<Row> {
  const text = largeCircuit(lab.size({ full: GATES, quick: GATES, tiny: 1_000 }));
  const file = join(lab.folder, 'python-circuit.json');
  writeFileSync(file, text);
  const repetitions = lab.size({ full: 3, quick: 1, tiny: 1 });
  const turns = { node: repetitions, bare: repetitions, original: lab.size({ full: 1, quick: 0, tiny: 0 }) };
  const samples = await inTurns<'ms'>(lab, 'large circuits', turns, (subject) => {
    const count = subject === 'original' ? 4 : lab.size({ full: 20, quick: 8, tiny: 3 });
    const env = {
      BENCH_RUN_MS: '0',
      BENCH_JOBS: String(count),
      ...(subject === 'node' ? inPython(interpreter, 'createTimed') : {}),
    };
    return inTrial(lab, { subject, executor: 'createTimed', env }, async (trial) => {
      if (subject === 'bare') {
        const shim = join(lab.package.folder, 'dist', 'python', 'shim');
        const more = { BENCH_NOTES: trial.notes, BENCH_CIRCUIT: file, BENCH_SHIM: shim };
        loopInPython(interpreter, PARSING_LOOP, { ...env, ...more });
      } else {
        await (await trial.start()).ready();
        await trial.fill(count, text);
        await trial.finish();
      }
      const starts = (await notesOf(trial.notes)).map(([start]) => start);
      return {
        ms: percentile(
          starts.slice(1).map((start, i) => start - (starts[i] ?? NaN)),
          50,
        ),
      };
    });
  });
  return rowOf(
    {
      figure: 'python',
      what: 'a circuit of 100,000 gates in Python (bare: its parsing alone)',
      goal: '≤ 1.2 × bare',
      unit: 'ms',
      better: 'lower',
    },
    samples,
    'ms',
    ({ perBare }) => perBare <= 1.2,
  );
}

function loopInPython(interpreter: string, loop: string, env: Readonly<Record<string, string>>): void {
  const own = { ...process.env, ...env, ...pathOf() };
  const { status, stderr } = spawnSync(interpreter, ['-c', loop], { env: own, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the loop in Python failed: ${stderr}`);
}

async function notesOf(file: string): Promise<[number, number][]> {
  const notes = await waitUntil('the notes of the runs', () => readFileSync(file, 'utf8'));
  return JSON.parse(notes) as [number, number][];
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
