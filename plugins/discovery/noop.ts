// The executor of a node that has none: answers at once with zeros. For trying out a node, never for results.
import type { Executor } from '../../src/index.ts';

export function createNoop(): Executor {
  return {
    run: (ir, shots) =>
      Promise.resolve({
        counts: { ['0'.repeat(ir.measurements.length)]: shots },
        executionTimeMs: 0,
        shotsCompleted: shots,
      }),
  };
}
