// What is counted of a circuit: its gates, its depth, and how long it takes on a device whose gate times are known.
import { GATES, type GateName } from '../protocol/ir.ts';
import type { Drawable } from './layout.ts';

export interface Figures {
  /** Those that the circuit declares. */
  readonly qubits: number;
  /** Those with a gate or a measurement. */
  readonly qubitsUsed: number;
  readonly gates: number;
  /** The most frequent first. */
  readonly byGate: readonly (readonly [GateName, number])[];
  readonly twoQubitGates: number;
  /** The longest chain of gates of which each needs the one before. Measurements do not count. */
  readonly depth: number;
  /** The same, of two-qubit gates alone. */
  readonly twoQubitDepth: number;
  readonly measurements: number;
}

/** In nanoseconds. `id` has its own duration in each circuit. */
export type GateTimes = Readonly<Partial<Record<TimedGate, number>>>;

export type TimedGate = Exclude<GateName, 'id'> | 'measure';

export const TIMED_GATES: readonly TimedGate[] = [
  ...(Object.keys(GATES) as GateName[]).filter((name) => name !== 'id'),
  'measure',
];

/** How long a circuit takes if each gate begins as soon as its qubits are free. */
export type Duration =
  | {
      readonly nanoseconds: number;
      /** False if there are measurements whose time is not known: they are left out. */
      readonly isWhole: boolean;
    }
  | {
      /** Gates of the circuit whose times are not known. */
      readonly missing: readonly GateName[];
    };

export function figuresOf(circuit: Drawable): Figures {
  const { gates, measurements, num_qubits } = circuit;
  const counts = new Map<GateName, number>();
  const used = new Set(measurements);
  for (const { gate, qubits } of gates) {
    counts.set(gate, (counts.get(gate) ?? 0) + 1);
    for (const qubit of qubits) used.add(qubit);
  }
  const isTwoQubit = (gate: GateName): boolean => GATES[gate].qubits === 2;
  const byGate = [...counts].toSorted(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  return {
    qubits: num_qubits,
    qubitsUsed: used.size,
    gates: gates.length,
    byGate,
    twoQubitGates: byGate.reduce((sum, [gate, count]) => sum + (isTwoQubit(gate) ? count : 0), 0),
    depth: longestChain(circuit, () => 1),
    twoQubitDepth: longestChain(circuit, (gate) => (isTwoQubit(gate) ? 1 : 0)),
    measurements: measurements.length,
  };
}

export function durationOf(circuit: Drawable, times: GateTimes): Duration {
  const names = [...new Set(circuit.gates.map(({ gate }) => gate))];
  const missing = names.filter((name) => name !== 'id' && times[name] === undefined);
  if (missing.length > 0) return { missing };
  const timeOf = (gate: GateName, [duration = 0]: readonly number[]): number =>
    gate === 'id' ? Math.max(0, duration) : (times[gate] ?? 0);
  const isMeasured = circuit.measurements.length > 0;
  return {
    nanoseconds: longestChain(circuit, timeOf) + (isMeasured ? (times.measure ?? 0) : 0),
    isWhole: !isMeasured || times.measure !== undefined,
  };
}

/** The largest sum of costs along a chain of gates that share qubits. */
function longestChain(
  { gates }: Drawable,
  costOf: (gate: GateName, params: readonly number[]) => number,
): number {
  const ends = new Map<number, number>();
  let longest = 0;
  for (const { gate, qubits, params } of gates) {
    let start = 0;
    for (const qubit of qubits) start = Math.max(start, ends.get(qubit) ?? 0);
    const end = start + costOf(gate, params);
    for (const qubit of qubits) ends.set(qubit, end);
    longest = Math.max(longest, end);
  }
  return longest;
}
