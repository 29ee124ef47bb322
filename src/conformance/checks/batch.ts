// Batches: one result for each job, in the order of the jobs.
import { kindOf } from '../../protocol/text.ts';
import { messageOf } from '../../errors.ts';
import type { Check } from '../check.ts';
import { ordinary } from '../circuits.ts';
import type { Lab } from '../lab.ts';
import type { Terms } from '../terms.ts';
import { Fault, LeftOut } from '../verdict.ts';

/** A different number for each job, so that a result shows which job it is of. */
const ORDERED = [11, 13, 12] as const;
const SHOTS = 10;
const noBatches = ({ hasBatch }: Terms): string | undefined =>
  hasBatch ? undefined : 'it has no batchRun (in Python batch_run): jobs run one by one';

export const BATCH_CHECKS: readonly Check[] = [
  {
    id: 'batch',
    title: 'a batch returns one result for each job',
    why: 'If there is not one for each, the node cannot use any of them, and runs all jobs once more, one by one.',
    needs: ['bitstrings'],
    shots: ({ batchSize }) => (2 + batchSize) * SHOTS,
    unless: noBatches,
    async run(lab) {
      const { batchSize } = lab.terms;
      for (const size of new Set([2, batchSize]))
        await results(
          lab,
          Array.from({ length: size }, () => SHOTS),
        );
      return `2 and ${batchSize} jobs`;
    },
  },
  {
    id: 'batch-order',
    title: 'the results of a batch are in the order of its jobs',
    why: 'The node posts the k-th result for the k-th job: users get the counts of others.',
    needs: ['batch', 'shots'],
    shots: () => ORDERED.reduce((sum, shots) => sum + shots, 0),
    unless: noBatches,
    async run(lab) {
      const made = (await results(lab, ORDERED)).map(({ shotsCompleted }) => shotsCompleted);
      if (made.every((shots, i) => shots === ORDERED[i])) return undefined;
      if (made.toSorted(byNumber).join() !== ORDERED.toSorted(byNumber).join()) {
        throw new LeftOut(
          `it made ${made.join(', ')} shots of ${ORDERED.join(', ')}, which does not show the order`,
        );
      }
      throw new Fault(
        `jobs with ${ORDERED.join(', ')} shots got results with ${made.join(', ')}`,
        'Put the result of jobs[k] at results[k], whatever the order in which the device runs them.',
      );
    },
  },
];

function byNumber(a: number, b: number): number {
  return a - b;
}

async function results(lab: Lab, shots: readonly number[]) {
  const jobs = shots.map((one) => ({ ir: ordinary(lab.terms), shots: one }));
  const answer = await lab.batch(jobs);
  const how =
    'Return a list with one result for each job. If one job fails, put an Error in place of its result.';
  if (!Array.isArray(answer))
    throw new Fault(`batchRun returned ${kindOf(answer)}, not a list of results`, how);
  if (answer.length !== jobs.length) {
    throw new Fault(`batchRun returned ${answer.length} results for ${jobs.length} jobs`, how);
  }
  return jobs.map(({ ir }, i) => {
    try {
      return lab.checked(answer[i], ir);
    } catch (thrown) {
      throw new Fault(
        `result ${i + 1} of ${jobs.length}: ${messageOf(thrown)}`,
        'Make each result as `run` makes its own.',
      );
    }
  });
}
