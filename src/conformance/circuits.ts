// The circuits that executors are checked with: as the cloud compiles them, on qubits and edges that the device has.
import { createHash } from 'node:crypto';
import { controlledNot, hadamard } from '../local-cloud/circuits.ts';
import {
  GATES,
  LEGAL_GATES,
  type Gate,
  type GateName,
  type NativeGateIR,
  type Target,
} from '../protocol/ir.ts';
import type { Terms } from './terms.ts';

const { PI } = Math;
const IDLE_NS = 40;
const DEEP_GATES = 1000;

export function gate(name: GateName, qubits: readonly number[], ...params: readonly number[]): Gate {
  return { gate: name, qubits, params };
}

/** A fresh circuit: an executor that changes it changes no other. Measures all qubits, unless it is given which. */
export function circuit(
  { target, irQubits, qubits }: Pick<Terms, 'target' | 'irQubits' | 'qubits'>,
  gates: readonly Gate[],
  measurements: readonly number[] = qubits,
): NativeGateIR {
  return {
    version: '1.0',
    target,
    num_qubits: irQubits,
    gates: gates.map(({ gate: name, qubits: on, params }) => ({
      gate: name,
      qubits: [...on],
      params: [...params],
    })),
    measurements: [...measurements],
    metadata: {
      source_hash: createHash('sha256').update(JSON.stringify(gates)).digest('hex'),
      compiled_at: new Date().toISOString(),
      compiler_version: '0.1.0',
      optimization_level: 2,
    },
  };
}

/** A half turn about x: an X up to a global phase. Every target has it. */
export function flip(qubit: number): Gate {
  return gate('rx', [qubit], PI);
}

/** A small circuit of several gates, as most jobs are. */
export function ordinary(terms: Terms): NativeGateIR {
  const [first = 0] = terms.qubits;
  const [pair] = terms.pairs;
  const gates = [
    ...hadamard(first, terms.target),
    ...(pair === undefined ? [] : controlledNot(pair[0], pair[1], terms.target)),
  ];
  return circuit(terms, gates);
}

/** Each gate that the target allows, alone; those on two qubits only if there is a pair. */
export function oneOfEach(terms: Terms): readonly (readonly [name: GateName, ir: NativeGateIR])[] {
  const [first = 0] = terms.qubits;
  const [pair] = terms.pairs;
  return LEGAL_GATES[terms.target].flatMap((name) => {
    const on = GATES[name].qubits === 1 ? [first] : pair;
    if (on === undefined) return [];
    const params = GATES[name].params === 0 ? [] : [name === 'id' ? IDLE_NS : PI / 3];
    return [[name, circuit(terms, [gate(name, on, ...params)])] as const];
  });
}

/** A thousand gates on a qubit, or on two that are connected. */
export function deep(terms: Terms): NativeGateIR {
  const { pairs, target } = terms;
  const [pair] = pairs;
  const on = pair ?? terms.qubits.slice(0, 1);
  const gates: Gate[] = [];
  for (let i = 0; gates.length < DEEP_GATES; i++) {
    const qubit = on[i % on.length] ?? 0;
    gates.push(gate('rx', [qubit], PI / 4), gate('rz', [qubit], PI / 8));
    if (pair !== undefined) gates.push(entangler(pair, target));
  }
  return circuit(terms, gates);
}

/** A gate on every qubit, and one on every edge. */
export function wide(terms: Terms): NativeGateIR {
  return circuit(terms, [
    ...terms.qubits.map((qubit) => gate('rx', [qubit], PI / 2)),
    ...terms.pairs.map((pair) => entangler(pair, terms.target)),
  ]);
}

/** More than the device has: gates on all qubits that a circuit may have. */
export function tooWide({ target }: Terms, most: number): NativeGateIR {
  const qubits = Array.from({ length: most }, (_, qubit) => qubit);
  const gates = qubits.map((qubit) => gate('rx', [qubit], PI / 2));
  return circuit({ target, irQubits: most, qubits }, gates);
}

function entangler(pair: readonly [number, number], target: Target): Gate {
  return target === 'pcz' ? gate('cp', pair, PI / 2) : gate(target, pair);
}

/** A circuit after which a perfect device measures `outcome` on one qubit, always. */
export interface Certain {
  readonly of: GateName;
  readonly what: string;
  readonly gates: readonly Gate[];
  readonly measured: number;
  readonly outcome: '0' | '1';
}

/** What each gate of the target does, seen on one measured qubit. A gate that is left out, turns the other way or too far
 *  gives the other outcome. */
export function certainties({ target, qubits, pairs }: Terms): readonly Certain[] {
  const [q = 0] = qubits;
  const turn = (name: GateName, angle: number): Gate => gate(name, [q], angle);
  const on = (of: GateName, what: string, outcome: '0' | '1', ...gates: readonly Gate[]): Certain => ({
    of,
    what,
    gates,
    measured: q,
    outcome,
  });
  const known: Certain[] = [
    on('rx', 'two quarter turns of rx are a half turn', '1', turn('rx', PI / 2), turn('rx', PI / 2)),
    on('ry', 'two quarter turns of ry are a half turn', '1', turn('ry', PI / 2), turn('ry', PI / 2)),
    on(
      'rz',
      'a half turn of rz reverses a quarter turn of ry',
      '0',
      turn('ry', PI / 2),
      turn('rz', PI),
      turn('ry', PI / 2),
    ),
    on(
      'rz',
      'quarter turns of rx, rz and ry, each in its positive direction, turn 0 into 1',
      '1',
      turn('rx', PI / 2),
      turn('rz', PI / 2),
      turn('ry', PI / 2),
    ),
    on('id', 'id changes nothing', '1', flip(q), turn('id', IDLE_NS)),
    on(
      'virtual_z',
      'a half turn of virtual_z reverses a quarter turn of ry',
      '0',
      turn('ry', PI / 2),
      turn('virtual_z', PI),
      turn('ry', PI / 2),
    ),
    on(
      'virtual_z',
      'quarter turns of rx, virtual_z and ry, each in its positive direction, turn 0 into 1',
      '1',
      turn('rx', PI / 2),
      turn('virtual_z', PI / 2),
      turn('ry', PI / 2),
    ),
    on('x90', 'x90 is a quarter turn of rx', '1', gate('x90', [q]), turn('rx', PI / 2)),
    on(
      'y_minus_90',
      'y_minus_90 reverses a quarter turn of ry',
      '0',
      turn('ry', PI / 2),
      gate('y_minus_90', [q]),
    ),
    ...onPairs(target, pairs[0]),
  ];
  return known.filter(({ of }) => LEGAL_GATES[target].includes(of));
}

function onPairs(target: Target, pair: readonly [number, number] | undefined): readonly Certain[] {
  if (pair === undefined) return [];
  const [a, b] = pair;
  const measuring = (
    of: GateName,
    what: string,
    measured: number,
    outcome: '0' | '1',
    ...gates: readonly Gate[]
  ): Certain => ({ of, what, gates, measured, outcome });
  const around = (entangling: Gate): readonly Gate[] => [
    ...hadamard(b, target),
    entangling,
    ...hadamard(b, target),
  ];
  return [
    measuring('cnot', 'cnot flips its second qubit if the first is 1', b, '1', flip(a), gate('cnot', pair)),
    measuring('cnot', 'cnot leaves its first qubit alone', a, '0', flip(b), gate('cnot', pair)),
    measuring('cz', 'cz flips the phase if both qubits are 1', b, '1', flip(a), ...around(gate('cz', pair))),
    measuring('cz', 'cz does nothing if a qubit is 0', b, '0', ...around(gate('cz', pair))),
    measuring('cp', 'cp by a half turn flips the phase', b, '1', flip(a), ...around(gate('cp', pair, PI))),
    measuring(
      'cp',
      'cp by a quarter turn, and then one of rx, turn a superposition into 0',
      b,
      '0',
      ...[flip(a), ...hadamard(b, target), gate('cp', pair, PI / 2), gate('rx', [b], PI / 2)],
    ),
    measuring('cp', 'cp does nothing if a qubit is 0', b, '0', ...around(gate('cp', pair, PI))),
    measuring('iswap', 'iswap moves a 1 to the other qubit', b, '1', flip(a), gate('iswap', pair)),
    measuring('iswap', 'iswap takes the 1 from the first qubit', a, '0', flip(a), gate('iswap', pair)),
  ];
}

/** An entangled pair: both qubits give the same outcome, each half of the time. */
export function bellPair(terms: Terms, pair: readonly [number, number]): NativeGateIR {
  const [a, b] = pair;
  return circuit(terms, [...hadamard(a, terms.target), ...controlledNot(a, b, terms.target)], pair);
}
