// From the start of the installed program to `GET /ready` = 200, with credentials from an earlier start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rowOf, type Figure, type Sample } from '../figure.ts';
import { now } from '../lab/clock.ts';
import type { SubjectName } from '../lab/subject.ts';
import { Trial } from '../lab/trial.ts';

type Starts = Record<SubjectName, Sample<'ms'>[]>;

const ASK_EVERY_MS = 2;
const CONFIG = `import { defineConfig } from 'coda-node';
export default defineConfig({ executor: './executor.ts:createExecutor' });
`;
const EXECUTOR = `import type { ExecutionResult, NativeGateIR } from 'coda-node';
export const createExecutor = () => ({
  async run(ir: NativeGateIR, shots: number): Promise<ExecutionResult> {
    return { counts: { ['0'.repeat(ir.measurements.length)]: shots }, executionTimeMs: 0, shotsCompleted: shots };
  },
});
`;

export const start: Figure = {
  name: 'start',
  title: 'process start to ready',
  async measure(lab) {
    const repetitions = lab.size({ full: 15, quick: 5, tiny: 2 });
    const originals = lab.size({ full: 5, quick: 2, tiny: 1 });
    const plain: Starts = { node: [], bare: [], original: [] };
    const configured: Starts = { node: [], bare: plain.bare, original: [] };
    const kinds = lab.subjects.filter((subject) => subject !== 'bare');
    const states = [
      ...kinds.map((subject) => ({
        subject,
        config: false,
        into: plain[subject],
        times: subject === 'original' ? originals : repetitions,
      })),
      { subject: 'node' as const, config: true, into: configured.node, times: repetitions },
    ];
    const trials: Trial[] = [];
    for (const { subject, config } of states) {
      // Without an executor the original searches every installed package.
      const trial = await Trial.open(lab, {
        subject,
        executor: subject === 'original' ? 'createNoop' : null,
      });
      trials.push(trial);
      if (config) writeConfig(trial.folder, lab.package.folder);
    }
    try {
      // The first start has a token, and saves the credentials for the next ones.
      for (const trial of trials) await startOnce(trial, 'bench');
      for (let round = 0; round < repetitions; round++) {
        plain.bare.push({ ms: await bareNode() });
        for (const [i, { into, times }] of states.entries()) {
          const trial = trials[i];
          if (trial !== undefined && round < times) into.push({ ms: await startOnce(trial, null) });
        }
      }
    } finally {
      for (const trial of trials) await trial.abandon();
    }
    for (const [name, samples] of Object.entries({
      ...plain,
      'node, with coda.config.ts': configured.node,
    })) {
      lab.say(
        `  process start to ready, ${name === 'bare' ? 'node -e 0' : name}: ${samples.map(({ ms }) => ms.toFixed(0)).join(' ')} ms`,
      );
    }
    const words = { figure: 'start', unit: 'ms', better: 'lower' as const };
    return [
      rowOf(
        { ...words, what: 'process start to ready (bare: `node -e 0`)', goal: '≤ 3 × bare' },
        plain,
        'ms',
        ({ perBare }) => perBare <= 3,
      ),
      rowOf(
        {
          ...words,
          what: 'the same with a `coda.config.ts` and an executor in TypeScript',
          goal: '≤ 4 × bare',
        },
        configured,
        'ms',
        ({ perBare }) => perBare <= 4,
      ),
    ];
  },
};

/** Starts the process, measures until it is ready, and stops it. */
async function startOnce(trial: Trial, token: string | null): Promise<number> {
  await trial.begin();
  const subject = await trial.start({ token, askEveryMs: ASK_EVERY_MS });
  const ms = await subject.ready();
  await subject.stop();
  return ms;
}

function writeConfig(folder: string, installed: string): void {
  writeFileSync(join(folder, 'coda.config.ts'), CONFIG);
  writeFileSync(join(folder, 'executor.ts'), EXECUTOR);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(installed, join(folder, 'node_modules', 'coda-node'));
}

async function bareNode(): Promise<number> {
  const begin = now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return now() - begin;
}
