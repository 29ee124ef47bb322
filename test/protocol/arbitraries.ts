// Inputs for the tests of this folder: fixed, arbitrary and damaged circuits, and any text.
import fc from 'fast-check';
import {
  GATES,
  type GateName,
  LEGAL_GATES,
  type NativeGateIR,
  TARGETS,
  type Target,
} from '../../src/protocol/ir.ts';

export const METADATA = { source_hash: 'sha256:0', compiled_at: '2026-01-01T00:00:00Z' };

/** A Bell circuit with every field written out. */
export const BELL: NativeGateIR = {
  version: '1.0',
  target: 'cz',
  num_qubits: 2,
  gates: [
    { gate: 'ry', qubits: [1], params: [Math.PI / 2] },
    { gate: 'cz', qubits: [0, 1], params: [] },
  ],
  measurements: [0, 1],
  metadata: { ...METADATA, compiler_version: '0.3.0', optimization_level: 1 },
};

/** A circuit that measures `count` qubits. */
export function measuring(count: number): NativeGateIR {
  return { ...BELL, num_qubits: 50, measurements: Array.from({ length: count }, (_, k) => k % 50) };
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

function gateOf(name: GateName, numQubits: number): fc.Arbitrary<unknown> {
  const { qubits, params } = GATES[name];
  return fc.record({
    gate: fc.constant(name),
    qubits: fc.uniqueArray(fc.nat(numQubits - 1), { minLength: qubits, maxLength: qubits }),
    params: fc.array(finite, { minLength: params, maxLength: params }),
  });
}

function circuitOf(target: Target, numQubits: number): fc.Arbitrary<unknown> {
  const gates = LEGAL_GATES[target].filter((name) => GATES[name].qubits <= numQubits);
  return fc.record({
    version: fc.constant('1.0'),
    target: fc.constant(target),
    num_qubits: fc.constant(numQubits),
    gates: fc.array(fc.oneof(...gates.map((name) => gateOf(name, numQubits))), { maxLength: 8 }),
    measurements: fc.array(fc.nat(numQubits - 1), { maxLength: 6 }),
    metadata: fc.record({
      source_hash: fc.string(),
      compiled_at: fc.string(),
      compiler_version: fc.string(),
      optimization_level: fc.integer({ min: 0, max: 3 }),
    }),
  });
}

/** Any valid circuit, with every field written out. */
export const validCircuits: fc.Arbitrary<unknown> = fc
  .tuple(fc.constantFrom(...TARGETS), fc.integer({ min: 1, max: 50 }))
  .chain(([target, numQubits]) => circuitOf(target, numQubits));

/** Any text: all code points, halves of surrogate pairs too. Starts 1 s faster than fast-check's `binary` strings. */
export function anyText(maxLength = 12): fc.Arbitrary<string> {
  const unit = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
  return fc.string({ unit, maxLength });
}

const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    null,
    -1,
    0.5,
    50,
    51,
    1e308,
    '',
    '__proto__',
    'constructor',
    '\u0000\u202e',
    'x'.repeat(3000),
  ),
  anyText(600),
);

/** `documents` with one value anywhere inside replaced, or one field removed or added. */
export function mutated(documents: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(
      documents,
      fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
      hostile,
      fc.constantFrom('set', 'drop', 'add'),
    )
    .map(([document, path, value, how]) => {
      const copy: unknown = structuredClone(document);
      mutate(copy, path, value, how);
      return copy;
    });
}

function mutate(node: unknown, path: readonly number[], value: unknown, how: string): void {
  if (typeof node !== 'object' || node === null) return;
  const keys = Object.keys(node);
  const [step = 0, ...rest] = path;
  const key = keys[step % Math.max(keys.length, 1)] ?? 'x';
  const child: unknown = Reflect.get(node, key);
  if (rest.length > 0 && typeof child === 'object' && child !== null) return mutate(child, rest, value, how);
  if (how === 'set') Reflect.set(node, key, value);
  else if (how === 'drop') Reflect.deleteProperty(node, key);
  else Reflect.set(node, Array.isArray(node) ? String(node.length) : 'extra', value);
}
