// The device of a node in memory: notes which circuits it gets, and returns what the test says.
import type {
  BatchJob,
  ExecutionResult,
  Executor,
  ExecutorRecipe,
  RunContext,
} from '../../device/executor.ts';
import type { WrappedExecutor } from '../../device/wrap-executor.ts';
import type { CodaNode, Plugin } from '../../plugin.ts';
import type { NativeGateIR } from '../../protocol/ir.ts';
import { zeros, type Ledger } from './playing.ts';

/** Before the taps of all plugins: what they wrap is noted too. */
const INNERMOST = -1_000_000;
/** As that of the real plugin for the case that there is no executor: one of a plugin wins. */
const LAST_RESORT = 1_000;

const ZEROS: Executor = { run: (ir, shots) => Promise.resolve(zeros(ir, shots)) };

export type TestExecutor = Executor | 'simulator';

/** In place of the built-in plugin `discovery`. `cancel` cancels a job as the cloud does. */
export function testDevice(
  executor: TestExecutor | undefined,
  jobs: Ledger,
  cancel: (jobId: string) => void,
): Plugin {
  const name = 'discovery';
  return {
    name,
    apply(node) {
      const stage = executor === undefined ? LAST_RESORT : 0;
      node.hooks.resolveExecutor.tap({ name, stage }, () =>
        executor === 'simulator'
          ? { create: (...args) => simulatorOf(node, ...args), source: executor }
          : { executor: executor ?? ZEROS, source: 'the test' },
      );
      node.hooks.wrapExecutor.tap({ name, stage: INNERMOST }, (below) => noting(below, jobs, cancel));
    },
  };
}

function simulatorOf(
  { executors }: CodaNode,
  ...args: Parameters<ExecutorRecipe['create']>
): ReturnType<ExecutorRecipe['create']> {
  return executors.get('simulator')?.(...args) as Promise<Executor>;
}

function noting(below: Executor, jobs: Ledger, cancel: (jobId: string) => void): WrappedExecutor {
  const begin = (jobId: string, ir: NativeGateIR): void => {
    const playing = jobs.get(jobId);
    if (playing === undefined) return;
    playing.circuit = ir;
    playing.runs += 1;
  };
  const onDevice = (jobId: string): void => {
    if (jobs.get(jobId)?.script.cancel === 'running') cancel(jobId);
  };
  const { batchRun, upcoming } = below;
  return {
    run(ir: NativeGateIR, shots: number, context: RunContext): Promise<ExecutionResult> {
      begin(context.jobId, ir);
      const scripted = jobs.get(context.jobId)?.scripted(ir, shots);
      const end = scripted === undefined ? below.run(ir, shots, context) : settled(scripted);
      onDevice(context.jobId);
      return end;
    },
    ...(batchRun && {
      async batchRun(batch: readonly BatchJob[], context: RunContext): Promise<ExecutionResult[]> {
        for (const { jobId, ir } of batch) begin(jobId, ir);
        const running = batchRun.call(below, batch, context);
        for (const { jobId } of batch) onDevice(jobId);
        const results = await running;
        if (!Array.isArray(results)) return results;
        // An error in the place of a result fails that job alone.
        const ends: readonly (ExecutionResult | Error)[] = results.map((result, i) => {
          const job = batch[i];
          return (job && jobs.get(job.jobId)?.scripted(job.ir, job.shots)) ?? result;
        });
        return ends as ExecutionResult[];
      },
    }),
    ...(upcoming && { upcoming: upcoming.bind(below) }),
  };
}

function settled(end: ExecutionResult | Error): Promise<ExecutionResult> {
  return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
}
