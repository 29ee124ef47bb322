// What the node calls: makes the executor of this device.
import {
  ExecutorError,
  // #if batch
  type BatchJob,
  // #endif
  type ExecutionResult,
  type Executor,
  type ExecutorContext,
  type NativeGateIR,
  type RunContext,
  type Settings,
} from 'coda-node';
import { readDevice } from './device.ts';
import { StandIn } from './stand-in.ts';

/** Called once a start. */
export function createExecutor(_settings: Settings, context: ExecutorContext): Executor {
  const config = readDevice(context);
  // Put your driver here.
  const driver = new StandIn(config.host);

  async function run(ir: NativeGateIR, shots: number, { signal }: RunContext): Promise<ExecutionResult> {
    if (ir.target !== config.target) {
      throw new ExecutorError(
        `the circuit has the gates of ${ir.target}, and the device those of ${config.target}`,
      );
    }
    if (ir.num_qubits > config.qubits) {
      throw new ExecutorError(`the circuit has ${ir.num_qubits} qubits, and the device ${config.qubits}`);
    }
    const begin = performance.now();
    const counts = await driver.measure(ir, shots, signal);
    return { counts, executionTimeMs: performance.now() - begin, shotsCompleted: shots };
  }

  return {
    device: { directedEdges: config.couplers },
    run,
    // #if batch
    /** Several jobs in one go: one result for each, in their order. */
    async batchRun(jobs: readonly BatchJob[], runContext: RunContext): Promise<ExecutionResult[]> {
      const results: ExecutionResult[] = [];
      // Put one call of your driver here, if it takes several circuits at once.
      for (const { ir, shots } of jobs) results.push(await run(ir, shots, runContext));
      return results;
    },
    // #endif
    close: () => driver.close(),
  };
}
