// What the node calls: makes the executor of this device.
import { ExecutorError } from 'coda-node';
import { readDevice } from './device.js';
import { StandIn } from './stand-in.js';

/**
 * Called once a start.
 * @param {import('coda-node').Settings} _settings
 * @param {import('coda-node').ExecutorContext} context
 * @returns {import('coda-node').Executor}
 */
export function createExecutor(_settings, context) {
  const config = readDevice(context);
  // Put your driver here.
  const driver = new StandIn(config.host);

  /** @type {import('coda-node').Executor['run']} */
  async function run(ir, shots, { signal }) {
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
    // Several jobs in one go: one result for each, in their order.
    async batchRun(jobs, runContext) {
      const results = [];
      // Put one call of your driver here, if it takes several circuits at once.
      for (const { ir, shots } of jobs) results.push(await run(ir, shots, runContext));
      return results;
    },
    // #endif
    close: () => driver.close(),
  };
}
