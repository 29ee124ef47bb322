// The device of the node under test. It writes the start and the end of each run to a ledger, so that runs can be
// counted whichever process dies. Its answer differs for every run, which shows a job that ran twice.
import { randomInt } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Executor } from '../../src/index.ts';
import { now, runMsOf } from './ledger.ts';

export function createExecutor(): Executor {
  const { CHAOS_LEDGER: path = '', CHAOS_LIFE: life = '' } = process.env;
  const ledger = path === '' ? undefined : openSync(path, 'a');
  // One write a line: the system appends it as a whole or not at all, and keeps it when this process is killed.
  const note = (what: string, jobId: string): void => {
    if (ledger !== undefined) writeSync(ledger, `${what} ${jobId} ${life} ${now()}\n`);
  };
  return {
    async run(ir, shots, { jobId, signal }) {
      note('start', jobId);
      const ms = runMsOf(jobId);
      try {
        if (ms > 0) await sleep(ms, undefined, { signal });
      } catch (thrown) {
        note('abort', jobId);
        throw thrown;
      }
      note('end', jobId);
      const zeros = randomInt(shots + 1);
      const width = ir.measurements.length;
      return {
        counts: { ['0'.repeat(width)]: zeros, ['1'.repeat(width)]: shots - zeros },
        executionTimeMs: ms,
        shotsCompleted: shots,
      };
    },
  };
}
