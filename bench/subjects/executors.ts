// The devices of the bench. The node and the bare loops run the same ones; the Python original has its own of the same
// behaviour in executors.py.
import { appendFileSync, writeFileSync } from 'node:fs';
import type { BatchJob, ExecutionResult, Executor, NativeGateIR, RunContext } from '../../src/index.ts';
import { now } from '../lab/clock.ts';

/** Answers at once. */
export function createNoop(): Executor {
  return { run: async (ir, shots) => zeros(ir, shots) };
}

/** Answers at once, to whole batches too. */
export function createBatch(): Executor {
  return {
    run: async (ir, shots) => zeros(ir, shots),
    batchRun: async (jobs: readonly BatchJob[]) => jobs.map(({ ir, shots }) => zeros(ir, shots)),
  };
}

/** Takes `BENCH_RUN_MS` for each run, and notes when each began and ended. The notes are written only when the last of
 *  `BENCH_JOBS` has ended, so that no write falls between two runs. */
export function createTimed(): Executor {
  const { BENCH_RUN_MS: ms = '', BENCH_JOBS: jobs = '', BENCH_NOTES: path = '' } = process.env;
  const notes: [number, number][] = [];
  return {
    async run(ir, shots) {
      const start = now();
      await new Promise<void>((resolve) => setTimeout(resolve, Number(ms)));
      notes.push([start, now()]);
      if (notes.length === Number(jobs)) writeFileSync(path, JSON.stringify(notes));
      return zeros(ir, shots);
    },
  };
}

/** Runs until it is cancelled; notes at once when each run begins and when it is asked to end. */
export function createEndless(): Executor {
  const { BENCH_NOTES: path = '' } = process.env;
  let stop: (reason: Error) => void = () => {};
  return {
    run(_ir: NativeGateIR, _shots: number, { jobId }: RunContext) {
      return new Promise<ExecutionResult>((_, reject) => {
        stop = reject;
        appendFileSync(path, `start ${jobId} ${now()}\n`);
      });
    },
    cancelCurrentJob() {
      const at = now();
      appendFileSync(path, `cancel - ${at}\n`);
      stop(new Error('stopped'));
    },
  };
}

function zeros(ir: NativeGateIR, shots: number): ExecutionResult {
  return {
    counts: { ['0'.repeat(ir.measurements.length)]: shots },
    executionTimeMs: 0,
    shotsCompleted: shots,
  };
}
