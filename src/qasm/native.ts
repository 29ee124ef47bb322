// A leaf as one gate of the target, if it is one.
import { LEGAL_GATES, type GateName, type Target } from '../protocol/ir.ts';
import type { Leaf } from './leaves.ts';
import { diagonalOf, neatAngle, phase, rotationsOf, wrapped } from './turn.ts';

const NEAR = 1e-12;

type TurnLeaf = Extract<Leaf, { kind: 'turn' }>;

export interface NativeGate {
  readonly gate: GateName;
  readonly qubits: readonly number[];
  readonly params: readonly number[];
}

/**
 * The gates of the target that a leaf is, up to a global phase: one, or none if it changes nothing. Without a target, a
 * gate of any of them. Undefined if it takes more.
 */
export function nativesOf(leaf: Leaf, target: Target | undefined): NativeGate[] | undefined {
  const { controls } = leaf;
  switch (leaf.kind) {
    case 'phase': {
      const [control, ...others] = controls;
      if (control === undefined) return [];
      if (control < 0) return undefined;
      const turn = phase(leaf.angle);
      return nativesOf({ kind: 'turn', turn, qubit: control, controls: others, native: undefined }, target);
    }
    case 'iswap': {
      const isOne = controls.length === 0 && !leaf.isInverse && isLegal('iswap', target);
      return isOne ? [{ gate: 'iswap', qubits: leaf.qubits, params: [] }] : undefined;
    }
    case 'swap':
      return undefined;
    case 'turn':
      return controls.length === 0 ? turnAlone(leaf, target) : controlledTurn(leaf, target);
  }
}

function isLegal(gate: GateName, target: Target | undefined): boolean {
  return target === undefined || LEGAL_GATES[target].includes(gate);
}

function turnAlone({ turn, qubit, native }: TurnLeaf, target: Target | undefined): NativeGate[] | undefined {
  const rotations = rotationsOf(turn, target ?? 'cz');
  if (rotations.length > 1) return undefined;
  return rotations.map(({ gate, params }) => {
    // Of the two gates of cnot about z, the one that it was.
    const isKept = (native === 'rz' || native === 'virtual_z') && isLegal(native, target);
    return {
      gate: isKept && params.length === 1 && gate !== 'rx' && gate !== 'ry' ? native : gate,
      qubits: [qubit],
      params,
    };
  });
}

function controlledTurn(
  { turn, qubit, controls }: TurnLeaf,
  target: Target | undefined,
): NativeGate[] | undefined {
  const [control = 0] = controls;
  if (controls.length > 1 || control < 0) return undefined;
  const qubits = [control, qubit];
  const { w, x, y, z, alpha } = turn;
  if (Math.hypot(x, y) < NEAR) {
    const { zero, one } = diagonalOf({ w, x: 0, y: 0, z, alpha });
    if (Math.abs(wrapped(zero)) > NEAR) return undefined;
    const angle = neatAngle(one);
    if (Math.abs(angle) < NEAR) return [];
    if (Math.PI - Math.abs(angle) < NEAR && isLegal('cz', target))
      return [{ gate: 'cz', qubits, params: [] }];
    return isLegal('cp', target) ? [{ gate: 'cp', qubits, params: [angle] }] : undefined;
  }
  const isFlip = Math.hypot(w, y, z) < NEAR && Math.abs(wrapped(alpha - (Math.sign(x) * Math.PI) / 2)) < NEAR;
  return isFlip && isLegal('cnot', target) ? [{ gate: 'cnot', qubits, params: [] }] : undefined;
}
