// Small circuits in a short form, and any circuit, for the tests of drawings.
import type fc from 'fast-check';
import type { Drawable } from '../../src/drawing/layout.ts';
import { parseIr, type Gate, type GateName } from '../../src/protocol/ir.ts';
import { validCircuits } from '../protocol/arbitraries.ts';

type Short = readonly [GateName, ...number[]];

/** Gates as `[name, qubit, …, param]`; a gate on two qubits has two. */
export function drawable(
  num_qubits: number,
  gates: readonly Short[],
  measurements: readonly number[] = [],
): Drawable {
  return { num_qubits, gates: gates.map(gateOf), measurements };
}

function gateOf([gate, ...numbers]: Short): Gate {
  const qubits = ['cz', 'iswap', 'cnot', 'cp'].includes(gate) ? 2 : 1;
  return { gate, qubits: numbers.slice(0, qubits), params: numbers.slice(qubits) };
}

export const anyCircuit: fc.Arbitrary<Drawable> = validCircuits.map((value) =>
  parseIr(JSON.stringify(value)),
);

/** `count` gates, of which many span many wires. */
export function large(count: number, qubits: number): Drawable {
  const gates = Array.from({ length: count }, (_, index): Gate => {
    const [a, b] = [index % qubits, (index * 7 + 3) % qubits];
    return a === b || index % 3 === 0
      ? { gate: 'rx', qubits: [a], params: [index / 1000] }
      : { gate: 'cz', qubits: [a, b], params: [] };
  });
  return { num_qubits: qubits, gates, measurements: Array.from({ length: qubits }, (_, qubit) => qubit) };
}
