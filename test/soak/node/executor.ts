// The device of the soak. It notes in a file how often each job has run, and when the last run began, so that this can be
// looked up whichever process dies, and takes 16 bytes a job however long the soak is. Its answer differs for every run.
import { randomInt } from 'node:crypto';
import { openSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchJob, ExecutionResult, Executor } from '../../../src/index.ts';
import { now, runMsOf } from '../../chaos/ledger.ts';
import { numberOf, RUN_BYTES } from './job-id.ts';

export function createExecutor(): Executor {
  const { SOAK_RUNS: path = '' } = process.env;
  const file = openSync(path, 'r+');
  const record = new Float64Array(2);
  const note = (jobId: string): void => {
    const at = (numberOf(jobId) ?? 0) * RUN_BYTES;
    const length = readSync(file, record, 0, RUN_BYTES, at);
    record[0] = length < RUN_BYTES ? 1 : (record[0] ?? 0) + 1;
    record[1] = now();
    writeSync(file, record, 0, RUN_BYTES, at);
  };
  const run = async (
    { jobId, ir, shots }: Pick<BatchJob, 'jobId' | 'ir' | 'shots'>,
    signal: AbortSignal,
  ): Promise<ExecutionResult> => {
    note(jobId);
    const ms = runMsOf(jobId);
    if (ms > 0) await sleep(ms, undefined, { signal });
    const zeros = randomInt(shots + 1);
    const width = ir.measurements.length;
    return {
      counts: { ['0'.repeat(width)]: zeros, ['1'.repeat(width)]: shots - zeros },
      executionTimeMs: ms,
      shotsCompleted: shots,
    };
  };
  return {
    async run(ir, shots, { jobId, signal }) {
      if (jobId.includes('fails')) throw new Error('the fridge is warm');
      return run({ jobId, ir, shots }, signal);
    },
    async batchRun(jobs, { signal }) {
      // Before anything has run: the jobs then run one by one.
      if (jobs.some(({ jobId }) => jobId.includes('fails'))) throw new Error('the fridge is warm');
      const results: ExecutionResult[] = [];
      for (const job of jobs) results.push(await run(job, signal));
      return results;
    },
  };
}
