// How large a circuit is, for records and reports that are without the circuit.
import type { CircuitFigures } from './ended-job.ts';
import type { Circuit } from './job.ts';

export function circuitFigures({ ir, shots }: Circuit): CircuitFigures {
  const { num_qubits: qubits, gates, measurements } = ir;
  return { shots, qubits, gates: gates.length, measurements: measurements.length };
}
