// Executors that a test can hold, fail and watch.
import type { BatchJob, ExecutionResult, Executor, NativeGateIR, RunContext } from '../../src/index.ts';

export function zeros(ir: NativeGateIR, shots: number): ExecutionResult {
  return {
    counts: { ['0'.repeat(ir.measurements.length)]: shots },
    executionTimeMs: 1,
    shotsCompleted: shots,
  };
}

/** Every run waits until the test lets it end, or until it is cancelled. */
export class HeldExecutor implements Executor {
  /** Jobs in the order in which they were started. */
  readonly started: string[] = [];
  cancels = 0;
  readonly #release = new Map<string, () => void>();

  run(ir: NativeGateIR, shots: number, { jobId, signal }: RunContext): Promise<ExecutionResult> {
    this.started.push(jobId);
    return new Promise((resolve, reject) => {
      this.#release.set(jobId, () => resolve(zeros(ir, shots)));
      signal.addEventListener('abort', () => reject(new Error('the run was aborted')));
    });
  }

  cancelCurrentJob(): void {
    this.cancels += 1;
  }

  release(jobId: string): void {
    this.#release.get(jobId)?.();
  }
}

/** Runs everything at once, and remembers how. */
export class CountingExecutor implements Executor {
  readonly runs: string[] = [];

  run(ir: NativeGateIR, shots: number, { jobId }: RunContext): Promise<ExecutionResult> {
    this.runs.push(jobId);
    return Promise.resolve(zeros(ir, shots));
  }
}

/** Also takes batches; `answer` may change their results. */
export class BatchExecutor extends CountingExecutor {
  readonly batches: string[][] = [];
  answer: (results: ExecutionResult[]) => ExecutionResult[] = (results) => results;

  batchRun(jobs: readonly BatchJob[]): Promise<ExecutionResult[]> {
    this.batches.push(jobs.map(({ jobId }) => jobId));
    return Promise.resolve(this.answer(jobs.map(({ ir, shots }) => zeros(ir, shots))));
  }
}
