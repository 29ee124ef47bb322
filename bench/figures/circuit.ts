// A circuit of 100,000 gates: how long reading it takes, and how late other work is meanwhile.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inTrial, inTurns, rowOf, type Figure, type Samples } from '../figure.ts';
import { now } from '../lab/clock.ts';
import type { Lab } from '../lab/lab.ts';
import type { PollerApi } from '../lab/poller-process.ts';
import { Remote } from '../lab/remote.ts';
import { originalExecutors, type SubjectName } from '../lab/subject.ts';
import { largeCircuit } from '../lab/circuits.ts';

const GATES = 100_000;
const WAVE = 10;
const POLL_MS = 5;
const BEAT_MS = 1_000;
const LATE_MS = 50;

const run = promisify(execFile);

export const circuit: Figure = {
  name: 'circuit',
  title: 'a circuit of 100,000 gates',
  async measure(lab) {
    const text = largeCircuit(lab.size({ full: GATES, quick: GATES, tiny: 1_000 }));
    const reading = await readingTimes(lab, text);
    const parse = rowOf(
      {
        figure: 'circuit',
        what: 'reading a circuit of 100,000 gates (bare: JSON.parse)',
        goal: '≤ 2 × bare',
        unit: 'ms',
        better: 'lower',
      },
      reading.ir,
      'ms',
      ({ perBare }) => perBare <= 2,
    );
    const qasm = rowOf(
      {
        figure: 'circuit',
        what: 'reading it as OpenQASM (bare: JSON.parse of its JSON)',
        goal: '≤ 2 × bare',
        unit: 'ms',
        better: 'lower',
      },
      reading.qasm,
      'ms',
      ({ perBare }) => perBare <= 2,
    );
    const limit = LATE_MS + (parse.node?.median ?? NaN);
    const late = await inTurns(lab, 'while they arrive', { node: 1, original: 1 }, (subject) =>
      lateness(lab, subject, text),
    );
    const words = { figure: 'circuit', goal: '≤ 50 ms + one reading', unit: 'ms', better: 'lower' as const };
    const isMet = ({ node }: { node: number }): boolean => node <= limit;
    return [
      parse,
      qasm,
      rowOf({ ...words, what: '`/health` meanwhile: latest answer' }, late, 'health', isMet),
      rowOf({ ...words, what: 'heartbeats meanwhile: latest' }, late, 'beat', isMet),
    ];
  },
};

async function readingTimes(lab: Lab, text: string): Promise<{ ir: Samples<'ms'>; qasm: Samples<'ms'> }> {
  const file = join(lab.folder, 'circuit.json');
  writeFileSync(file, text);
  const repetitions = String(lab.size({ full: 31, quick: 11, tiny: 3 }));
  const script = join(import.meta.dirname, '..', 'subjects', 'parse.js');
  const { stdout } = await run(process.execPath, ['--expose-gc', script, file, repetitions]);
  const times = JSON.parse(stdout) as Record<'json' | 'node' | 'warmJson' | 'qasm', number[]>;
  const original = lab.original === undefined ? '' : await originalTimes(lab.original, file);
  const samples = (values: readonly number[]): { ms: number }[] => values.map((ms) => ({ ms }));
  return {
    ir: {
      node: samples(times.node),
      bare: samples(times.json),
      original: samples(original.split('\n').filter(Boolean).map(Number)),
    },
    qasm: { node: samples(times.qasm), bare: samples(times.warmJson), original: [] },
  };
}

async function originalTimes(python: string, file: string): Promise<string> {
  const program = originalExecutors();
  const { stdout } = await run(python, [program, file, '3'], { cwd: dirname(file) });
  return stdout;
}

/** Large circuits for some seconds; the latest answer of /health, and the latest heartbeat. */
async function lateness(
  lab: Lab,
  subject: SubjectName,
  text: string,
): Promise<{ health: number; beat: number }> {
  const poller = new Remote<PollerApi>(join(import.meta.dirname, '..', 'lab', 'poller-process.js'));
  const env = { CODA_HEARTBEAT_INTERVAL_SEC: String(BEAT_MS / 1000) };
  const leastMs = lab.size({ full: 8_000, quick: 3_000, tiny: 1_000 });
  try {
    return await inTrial(lab, { subject, executor: 'createNoop', env }, async (trial) => {
      const { port } = await trial.start();
      await trial.subject.ready();
      const before = (await trial.beats()).length;
      await poller.call('start', { port, everyMs: POLL_MS });
      const until = now() + leastMs;
      // At least two beats after the first, however fast the circuits are.
      while (now() < until || (await trial.beats()).length < before + 2) {
        await trial.fill(WAVE, text);
        await trial.delivered();
      }
      const answers = await poller.call('stop');
      const beats = await trial.beats();
      await trial.finish();
      const pauses = beats.slice(1).map((at, i) => at - (beats[i] ?? NaN));
      return { health: Math.max(...answers), beat: Math.max(...pauses) - BEAT_MS };
    });
  } finally {
    poller.close();
  }
}
