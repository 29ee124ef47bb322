// Whether a program's own definition of a gate says what the native gate of that name does. Tools write such definitions
// of gates that the standard library does not have; the gate is then the native one.
import type { GateDefinition } from './gate.ts';
import { leavesOf, type Leaf } from './leaves.ts';
import type { Turn } from './turn.ts';

/** Angles without a pattern: two gates that agree at these agree everywhere. */
const ANGLES = [0.7310585786, -2.2360679775];
const MOST_STEPS = 1_000;
const NEAR = 1e-9;

type Complex = readonly [re: number, im: number];
const NOTHING: Complex = [0, 0];

/** Up to a global phase. Of gates for one or two qubits, with at most one parameter. */
export function isSameGate(a: GateDefinition, b: GateDefinition): boolean {
  if (a.params !== b.params || a.qubits !== b.qubits || a.qubits > 2 || a.params > 1) return false;
  try {
    return (a.params === 0 ? [0] : ANGLES).every((angle) =>
      isSameMatrix(matrixOf(a, angle), matrixOf(b, angle)),
    );
  } catch {
    // Too long to compare, or it cannot be taken apart.
    return false;
  }
}

/** Column by column. */
function matrixOf(gate: GateDefinition, angle: number): readonly Complex[] {
  let left = MOST_STEPS;
  const count = (steps: number): void => {
    left -= steps;
    if (left < 0) throw new RangeError();
  };
  const qubits = Array.from({ length: gate.qubits }, (_, k) => k);
  const leaves = leavesOf(gate, gate.params === 0 ? [] : [angle], qubits, { at: 0, end: 0 }, count);
  return Array.from({ length: 2 ** gate.qubits }, (_, column) => {
    const state: Complex[] = Array.from({ length: 2 ** gate.qubits }, (__, row) => [
      row === column ? 1 : 0,
      0,
    ]);
    return leaves.reduce(applied, state);
  }).flat();
}

function applied(state: readonly Complex[], leaf: Leaf): Complex[] {
  const isOn = (index: number): boolean =>
    leaf.controls.every(
      (control) => ((index >> (control < 0 ? ~control : control)) & 1) === (control < 0 ? 0 : 1),
    );
  return state.map((amplitude, index) => {
    if (!isOn(index)) return amplitude;
    switch (leaf.kind) {
      case 'phase':
        return times(amplitude, [Math.cos(leaf.angle), Math.sin(leaf.angle)]);
      case 'turn': {
        const bit = 1 << leaf.qubit;
        const zero = state[index & ~bit] ?? NOTHING;
        const one = state[index | bit] ?? NOTHING;
        const [fromZero, fromOne] = rowOf(leaf.turn, (index & bit) === 0);
        return plus(times(fromZero, zero), times(fromOne, one));
      }
      default: {
        const [a, b] = leaf.qubits;
        if (((index >> a) & 1) === ((index >> b) & 1)) return amplitude;
        const other = state[index ^ (1 << a) ^ (1 << b)] ?? [0, 0];
        return leaf.kind === 'swap' ? other : times(other, [0, leaf.isInverse ? -1 : 1]);
      }
    }
  });
}

function rowOf({ alpha, w, x, y, z }: Turn, isFirst: boolean): readonly [Complex, Complex] {
  const phase: Complex = [Math.cos(alpha), Math.sin(alpha)];
  return isFirst
    ? [times(phase, [w, -z]), times(phase, [-y, -x])]
    : [times(phase, [y, -x]), times(phase, [w, z])];
}

function times([a, b]: Complex, [c, d]: Complex): Complex {
  return [a * c - b * d, a * d + b * c];
}

function plus([a, b]: Complex, [c, d]: Complex): Complex {
  return [a + c, b + d];
}

/** |⟨a|b⟩| of two unitaries is their size only if they differ by a phase. */
function isSameMatrix(a: readonly Complex[], b: readonly Complex[]): boolean {
  let overlap: Complex = [0, 0];
  a.forEach(([re, im], index) => {
    overlap = plus(overlap, times([re, -im], b[index] ?? [0, 0]));
  });
  return Math.abs(Math.hypot(...overlap) - Math.sqrt(a.length)) < NEAR;
}
