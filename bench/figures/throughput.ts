// How many jobs a second, and how much processor time each costs: an executor that answers at once, everything on loopback.
import { inTrial, inTurns, rowOf, type Figure, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import type { ExecutorName, SubjectName } from '../lab/subject.ts';

export type Rate = 'perSec' | 'cpuUs';

/** Of the first webhooks, this part does not count: the process is still warming up. */
const WARM_UP = 0.1;

export const throughput: Figure = {
  name: 'throughput',
  title: 'throughput and processor time',
  async measure(lab) {
    const jobs = lab.size({ full: 50_000, quick: 5_000, tiny: 200 });
    const originalJobs = lab.size({ full: 300, quick: 60, tiny: 10 });
    const repetitions = lab.size({ full: 5, quick: 2, tiny: 1 });
    const count = { node: jobs, bare: jobs, original: originalJobs };
    const turns = { node: repetitions, bare: repetitions, original: Math.min(repetitions, 2) };
    const single = await inTurns<Rate>(lab, 'one job a run', turns, (subject) =>
      rateOf(lab, subject, 'createNoop', count[subject]),
    );
    const batched = await inTurns<Rate>(
      lab,
      'batches',
      { node: Math.min(repetitions, 3), original: 1 },
      (subject) => rateOf(lab, subject, 'createBatch', count[subject]),
    );
    const rate = { figure: 'throughput', unit: 'jobs/s', better: 'higher' as const };
    const singleRow = rowOf(
      { ...rate, what: 'throughput, executor that answers at once', goal: '≥ 0.5 × bare, ≥ 200 × original' },
      single,
      'perSec',
      ({ node, bare = 0, original = 0 }) => node >= 0.5 * bare && node >= 200 * original,
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
        single,
        'cpuUs',
        ({ node, bare = 0 }) => node <= 2 * bare,
      ),
      rowOf(
        { ...rate, what: 'throughput, executor that takes batches', goal: 'not below one job a run' },
        batched,
        'perSec',
        ({ node }) => node >= (singleRow.node?.min ?? NaN),
      ),
    ];
    return rows;
  },
};

/** Works off `jobs` that were there before the subject started. */
export function rateOf(
  lab: Lab,
  subject: SubjectName,
  executor: ExecutorName,
  jobs: number,
  env: Record<string, string> = {},
): Promise<Sample<Rate>> {
  return inTrial(lab, { subject, executor, env }, async (trial) => {
    await trial.fill(jobs);
    await trial.start();
    const first = Math.max(1, Math.floor(jobs * WARM_UP));
    await trial.watch(first, jobs);
    await trial.finish();
    return rateBetween(await trial.marks());
  });
}

/** Between the first mark and the last. */
export function rateBetween(
  marks: readonly { readonly count: number; readonly at: number; readonly cpuMs: number }[],
): Sample<Rate> {
  const [from, to] = [marks[0], marks.at(-1)];
  if (from === undefined || to === undefined || from === to) throw new Error('the marks were not reached');
  const count = to.count - from.count;
  return { perSec: (1000 * count) / (to.at - from.at), cpuUs: (1000 * (to.cpuMs - from.cpuMs)) / count };
}
