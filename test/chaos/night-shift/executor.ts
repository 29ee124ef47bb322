// The device of the night shift: notes its runs in the ledger, like that of every scenario, and misbehaves if the name of a
// job says so.
import { existsSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult, Executor } from '../../../src/index.ts';
import { now, runMsOf } from '../ledger.ts';

/** The first word of a job's id; `job` behaves. */
export type Behaviour = 'job' | 'throws' | 'hangs' | 'blocks' | 'exits' | 'nonsense' | 'negative';

export function createExecutor(): Executor {
  const { CHAOS_LEDGER: path = '/dev/null', CHAOS_LIFE: life = '', NIGHT_GO: go = '' } = process.env;
  const ledger = openSync(path, 'a');
  const note = (what: string, jobId: string): void => {
    writeSync(ledger, `${what} ${jobId} ${life} ${now()}\n`);
  };
  return {
    async run(ir, shots, { jobId, signal }) {
      const ms = runMsOf(jobId);
      const width = ir.measurements.length;
      const good: ExecutionResult = {
        counts: { ['0'.repeat(width)]: shots },
        executionTimeMs: ms,
        shotsCompleted: shots,
      };
      note('start', jobId);
      try {
        switch (jobId.split('-')[0] as Behaviour) {
          case 'throws':
            throw new Error('the fridge is warm');
          case 'hangs':
            // Deaf to the signal.
            while (!existsSync(go)) await sleep(20);
            return good;
          case 'blocks':
            for (const until = performance.now() + ms; performance.now() < until;);
            return good;
          case 'exits':
            if (ms > 0) await sleep(ms);
            process.exit(3);
          case 'nonsense':
            return { ...good, counts: 'many' } as unknown as ExecutionResult;
          case 'negative':
            return { ...good, executionTimeMs: -1.5 };
          case 'job':
            await sleep(ms, undefined, { signal });
            return good;
        }
      } finally {
        note(signal.aborted ? 'abort' : 'end', jobId);
      }
    },
  };
}
