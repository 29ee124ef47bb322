// The circuits of the bench's jobs.
import { bell } from '../../src/testing/index.ts';

/** A Bell pair: the circuit of every small job. */
export const BELL = JSON.stringify(bell('cz').ir);
export const SHOTS = 1000;

/** A circuit of `gates` gates on 20 qubits, a few megabytes for 100,000. */
export function largeCircuit(gates: number): string {
  const ir = {
    ...bell('cz').ir,
    num_qubits: 20,
    gates: Array.from({ length: gates }, (_, i) =>
      i % 4 === 3
        ? { gate: 'cz', qubits: [i % 20, (i + 1) % 20], params: [] }
        : { gate: ['rx', 'ry', 'rz'][i % 3] ?? 'rx', qubits: [i % 20], params: [((i * 7919) % 6283) / 1000] },
    ),
  };
  return JSON.stringify(ir);
}
