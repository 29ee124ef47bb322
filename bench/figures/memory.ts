// Resident memory: idle, and the peak under two kinds of load, with the default settings.
import { setTimeout as sleep } from 'node:timers/promises';
import { inTrial, inTurns, rowOf, type Figure } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { hasProc, memoryMb } from '../lab/proc.ts';
import type { SubjectName } from '../lab/subject.ts';
import { BELL, largeCircuit } from '../lab/circuits.ts';

/** More than the node holds at one time. */
const FEW = 32;
const MANY = 3 * FEW;

export const memory: Figure = {
  name: 'memory',
  title: 'resident memory',
  async measure(lab) {
    const repetitions = lab.size({ full: 2, quick: 1, tiny: 1 });
    const jobs = lab.size({ full: 20_000, quick: 5_000, tiny: 100 });
    const large = largeCircuit(lab.size({ full: 100_000, quick: 100_000, tiny: 100 }));
    const all = { node: repetitions, bare: repetitions, original: 1 };
    const idle = await inTurns(lab, 'idle', all, (subject) => idleMemory(lab, subject));
    const busy = await inTurns(
      lab,
      `${jobs} small jobs`,
      { node: repetitions, bare: repetitions },
      (subject) => peakMemory(lab, subject, jobs, BELL),
    );
    const few = await inTurns(lab, `${FEW} large circuits`, { node: 1 }, (subject) =>
      peakMemory(lab, subject, FEW, large),
    );
    const many = await inTurns(lab, `${MANY} large circuits`, { node: 1 }, (subject) =>
      peakMemory(lab, subject, MANY, large),
    );
    const words = { figure: 'memory', unit: 'MiB', better: 'lower' as const };
    const fewRow = rowOf(
      { ...words, what: `memory, peak, ${FEW} circuits of 100,000 gates`, goal: '' },
      few,
      'mb',
    );
    return [
      rowOf({ ...words, what: 'memory, idle', goal: '≤ 70 MiB' }, idle, 'mb', ({ node }) => node <= 70),
      rowOf({ ...words, what: 'memory, peak, small jobs at full rate', goal: '' }, busy, 'mb'),
      fewRow,
      rowOf(
        {
          ...words,
          what: `memory, peak, ${MANY} circuits of 100,000 gates`,
          goal: `≤ 1.25 × that of ${FEW}`,
        },
        many,
        'mb',
        ({ node }) => node <= 1.25 * (fewRow.node?.median ?? NaN),
      ),
    ];
  },
};

function idleMemory(lab: Lab, subject: SubjectName): Promise<{ mb: number }> {
  return inTrial(lab, { subject, executor: 'createNoop' }, async (trial) => {
    await (await trial.start()).ready();
    // V8 returns memory to the system some seconds after the start.
    await sleep(lab.size({ full: 20_000, quick: 20_000, tiny: 100 }));
    const mb = hasProc ? memoryMb(trial.subject.pid).now : NaN;
    await trial.finish();
    return { mb };
  });
}

function peakMemory(lab: Lab, subject: SubjectName, jobs: number, circuit: string): Promise<{ mb: number }> {
  return inTrial(lab, { subject, executor: 'createNoop' }, async (trial) => {
    await trial.fill(jobs, circuit);
    await trial.start();
    await trial.watch(jobs);
    await trial.finish();
    return { mb: (await trial.marks())[0]?.peakMb ?? NaN };
  });
}
