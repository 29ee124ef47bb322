// Jobs a second, and processor time a job: an executor that answers at once, with everything on loopback.
import { inTrial, inTurns, rowOf, type Figure, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { cpuMs, hasProc } from '../lab/proc.ts';
import type { ExecutorName, SubjectName } from '../lab/subject.ts';
import type { Trial } from '../lab/trial.ts';

export type Rate = 'perSec' | 'cpuUs';

export interface Load {
  readonly executor: ExecutorName;
  /** Jobs that warm the process up. They do not count, and all of them end before the others are submitted. */
  readonly warmUp: number;
  /** Jobs that are submitted at once. */
  readonly jobs: number;
  /** How often they are submitted. Default 1. */
  readonly rounds?: number;
  /** The subject's own variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Done before the subject starts. */
  readonly prepare?: (trial: Trial) => void;
}

export const throughput: Figure = {
  name: 'throughput',
  title: 'throughput and processor time',
  async measure(lab) {
    const jobs = lab.size({ full: 50_000, quick: 5_000, tiny: 200 });
    const originalJobs = lab.size({ full: 300, quick: 60, tiny: 10 });
    const repetitions = lab.size({ full: 5, quick: 2, tiny: 1 });
    const load = (subject: SubjectName, executor: ExecutorName): Load => {
      const count = subject === 'original' ? originalJobs : jobs;
      return { executor, jobs: count, warmUp: Math.ceil(count / 5) };
    };
    const turns = { node: repetitions, bare: repetitions, original: Math.min(repetitions, 2) };
    const samples = await inTurns<Rate | 'batchesPerSec'>(lab, 'jobs', turns, async (subject) => {
      const single = await rateOf(lab, subject, load(subject, 'createNoop'));
      // The bare loop has no batches, and the original loses jobs in its own.
      if (subject !== 'node') return { ...single, batchesPerSec: NaN };
      const batches = await rateOf(lab, subject, load(subject, 'createBatch'));
      return { ...single, batchesPerSec: batches.perSec };
    });
    const rate = { figure: 'throughput', unit: 'jobs/s', better: 'higher' as const };
    const singleRow = rowOf(
      { ...rate, what: 'throughput, executor that answers at once', goal: '≥ 0.5 × bare, ≥ 200 × original' },
      samples,
      'perSec',
      ({ node, perBare, original = 0 }) => perBare >= 0.5 && node >= 200 * original,
    );
    const rows: Row[] = [
      singleRow,
      rowOf(
        {
          figure: 'throughput',
          what: 'processor time a job at that rate',
          goal: '≤ 2 × bare',
          unit: 'µs',
          better: 'lower',
        },
        samples,
        'cpuUs',
        ({ perBare }) => perBare <= 2,
      ),
      rowOf(
        { ...rate, what: 'throughput, executor that takes batches', goal: 'not below one job a run' },
        samples,
        'batchesPerSec',
        ({ node }) => node >= (singleRow.node?.min ?? NaN),
      ),
    ];
    return rows;
  },
};

/** Processor time counts from before the first job is read until the last one is acknowledged. So it is the whole
 *  cost of these jobs, however far reading runs ahead of delivery. Time counts to the last webhook. */
export function rateOf(
  lab: Lab,
  subject: SubjectName,
  { executor, warmUp, jobs, rounds = 1, env = {}, prepare }: Load,
): Promise<Sample<Rate>> {
  return inTrial(lab, { subject, executor, env }, async (trial) => {
    prepare?.(trial);
    await (await trial.start()).ready();
    await trial.watch(...Array.from({ length: rounds }, (_, i) => warmUp + (i + 1) * jobs));
    await trial.fill(warmUp);
    await trial.delivered();
    await trial.settled();
    const { pid } = trial.subject;
    const cpuBefore = hasProc ? cpuMs(pid) : NaN;
    let ms = 0;
    for (let round = 0; round < rounds; round++) {
      const filledAt = await trial.fill(jobs);
      await trial.delivered();
      ms += ((await trial.marks()).at(-1)?.at ?? NaN) - filledAt;
    }
    await trial.settled();
    const cpu = (hasProc ? cpuMs(pid) : NaN) - cpuBefore;
    await trial.finish();
    const count = jobs * rounds;
    return { perSec: (1000 * count) / ms, cpuUs: (1000 * cpu) / count };
  });
}
