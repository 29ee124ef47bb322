// Takes a gate apart, with its modifiers: into unitaries of one qubit, phases and exchanges, each with its controls.
import type { GateName } from '../protocol/ir.ts';
import { Fault, quoted } from './diagnostics.ts';
import { sizeOf, valueOf } from './expression.ts';
import type { Call, GateDefinition, Loop, Modifier, Place, Statement } from './gate.ts';
import { inverseOf, powerOf, wrapped, type Turn } from './turn.ts';

/** A larger one loses the angle in rounding. */
const LARGEST_EXPONENT = 1e6;

/** `controls` has qubits: k acts at 1, `~k` (below 0) acts at 0. */
export type Leaf =
  | {
      readonly kind: 'turn';
      readonly turn: Turn;
      readonly qubit: number;
      readonly controls: readonly number[];
      /** The native gate that it was. */
      readonly native: GateName | undefined;
    }
  | { readonly kind: 'phase'; readonly angle: number; readonly controls: readonly number[] }
  | {
      readonly kind: 'swap' | 'iswap';
      readonly qubits: readonly [number, number];
      readonly isInverse: boolean;
      readonly controls: readonly number[];
    };

/** Counts what is done, so that a short text does not become endless work; throws a Fault past the limit. */
export type Count = (steps: number) => void;

/** The gate's own leaves. `qubits` are its operands. */
export function leavesOf(
  gate: GateDefinition,
  params: readonly number[],
  qubits: readonly number[],
  place: Place,
  count: Count,
): Leaf[] {
  const { body } = gate;
  count(1);
  switch (body.kind) {
    case 'turn': {
      const controls = qubits
        .slice(0, body.controls)
        .map((q, k) => (body.negative?.includes(k) === true ? ~q : q));
      const qubit = qubits[body.controls] ?? 0;
      return [{ kind: 'turn', turn: body.turn(...params), qubit, controls, native: gate.native }];
    }
    case 'phase':
      return [{ kind: 'phase', angle: params[0] ?? 0, controls: [] }];
    case 'swap':
    case 'iswap':
      return [{ kind: body.kind, qubits: [qubits[0] ?? 0, qubits[1] ?? 0], isInverse: false, controls: [] }];
    case 'opaque':
      throw opaque(gate, place);
    case 'broken':
      return [];
    default: {
      const frame = [...params];
      return body.statements.flatMap((statement) =>
        leavesOfStatement(statement, frame, qubits, place, count),
      );
    }
  }
}

export function opaque({ name }: GateDefinition, { at, end }: Place): Fault {
  return new Fault(at, end, `gate ${quoted(name)} is opaque: nobody says what it does`, {
    hint: 'Define it with `gate`.',
  });
}

function leavesOfStatement(
  statement: Statement,
  frame: number[],
  wires: readonly number[],
  place: Place,
  count: Count,
): Leaf[] {
  switch (statement.kind) {
    case 'call': {
      const params = statement.args.map((arg) => {
        if (typeof arg === 'number') return arg;
        count(sizeOf(arg));
        return valueOf(arg, frame);
      });
      const qubits = statement.operands.map((operand) =>
        typeof operand === 'number' ? (wires[~operand] ?? 0) : 0,
      );
      return modifiedLeaves(statement, params, qubits, frame, place, count);
    }
    case 'for': {
      const leaves: Leaf[] = [];
      for (const value of loopValues(statement, frame, count)) {
        frame[statement.slot] = value;
        for (const inner of statement.body) {
          // Not `push(...)`: there may be more of them than a call can have arguments.
          for (const leaf of leavesOfStatement(inner, frame, wires, place, count)) leaves.push(leaf);
        }
      }
      return leaves;
    }
    case 'box':
      return statement.body.flatMap((inner) => leavesOfStatement(inner, frame, wires, place, count));
    default:
      throw new Fault(place.at, place.end, `a gate with a ${statement.kind} in it has no modifiers`);
  }
}

/** The leaves of a call with its modifiers, of which the last is the innermost. */
export function modifiedLeaves(
  { gate, modifiers }: Call,
  params: readonly number[],
  qubits: readonly number[],
  frame: readonly number[],
  place: Place,
  count: Count,
): Leaf[] {
  let first = qubits.length - gate.qubits;
  let leaves = leavesOf(gate, params, qubits.slice(first), place, count);
  for (const modifier of modifiers.toReversed()) {
    count(leaves.length);
    if (modifier.kind === 'inv') {
      leaves = leaves.map(inverseLeaf).toReversed();
    } else if (modifier.kind === 'pow') {
      leaves = powerLeaves(leaves, modifier, frame, count);
    } else {
      const isNegative = modifier.kind === 'negctrl';
      const more = qubits.slice(first - modifier.count, first).map((qubit) => (isNegative ? ~qubit : qubit));
      first -= modifier.count;
      leaves = leaves.map((leaf) => ({ ...leaf, controls: [...more, ...leaf.controls] }));
    }
  }
  return leaves;
}

function inverseLeaf(leaf: Leaf): Leaf {
  switch (leaf.kind) {
    case 'turn':
      return { ...leaf, turn: inverseOf(leaf.turn) };
    case 'phase':
      return { ...leaf, angle: -leaf.angle };
    default:
      return { ...leaf, isInverse: !leaf.isInverse };
  }
}

function powerLeaves(
  leaves: readonly Leaf[],
  { exponent: expression, at, end }: Modifier,
  frame: readonly number[],
  count: Count,
): Leaf[] {
  const exponent = expression === undefined ? 1 : valueOf(expression, frame);
  if (Math.abs(exponent) > LARGEST_EXPONENT)
    throw new Fault(at, end, `a power above ${LARGEST_EXPONENT} is not taken`);
  const [leaf] = leaves;
  if (leaf === undefined) return [];
  const isInteger = Number.isInteger(exponent);
  if (leaves.length === 1 && leaf.kind === 'turn') return [{ ...leaf, turn: powerOf(leaf.turn, exponent) }];
  if (leaves.length === 1 && leaf.kind === 'phase') {
    return [{ ...leaf, angle: (isInteger ? leaf.angle : wrapped(leaf.angle)) * exponent }];
  }
  if (!isInteger) {
    throw new Fault(at, end, `a power of ${exponent} of a gate that consists of several is not taken`, {
      hint: 'Only whole powers of it are.',
    });
  }
  const once = exponent < 0 ? leaves.map(inverseLeaf).toReversed() : leaves;
  count(once.length * Math.abs(exponent));
  return Array.from({ length: Math.abs(exponent) }, () => once).flat();
}

/** The values of a loop's variable, one after the other. */
export function* loopValues(
  { values, at, end }: Loop,
  frame: readonly number[],
  count: Count,
): Generator<number> {
  if ('set' in values) {
    for (const value of values.set) {
      count(1);
      yield valueOf(value, frame);
    }
    return;
  }
  const first = valueOf(values.first, frame);
  const step = values.step === undefined ? 1 : valueOf(values.step, frame);
  const last = valueOf(values.last, frame);
  if (step === 0) throw new Fault(at, end, 'the step of a loop cannot be 0');
  for (let value = first; step > 0 ? value <= last : value >= last; value += step) {
    count(1);
    yield value;
  }
}
