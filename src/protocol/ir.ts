// NativeGateIR 1.0: the compiled circuit of a job, its gates and its validation (PROTOCOL §4).
// A precompiled schema checks the structure; one pass over the gates checks their meaning.
import { JobError, messageOf } from '../errors.ts';
import { foreignDocument, foreignText } from './foreign-circuit.ts';
import { parseJsonInPieces } from './json-pieces.ts';
import type { GateShape, IrShape } from './schemas.ts';
import { isRecord, printable, shown } from './text.ts';
import { validateIrShape } from './validators.js';

export const TARGETS = ['cz', 'iswap', 'pcz', 'cnot'] as const;
export type Target = (typeof TARGETS)[number];

export type GateName =
  'rx' | 'ry' | 'rz' | 'virtual_z' | 'id' | 'x90' | 'y_minus_90' | 'cz' | 'iswap' | 'cnot' | 'cp';

export interface Gate {
  readonly gate: GateName;
  /** Qubit indices; for `cnot` `[control, target]`. */
  readonly qubits: readonly number[];
  /** Radians; for `id` a duration in nanoseconds. */
  readonly params: readonly number[];
}

/** A circuit that has passed validation; field names are those of the wire. */
export interface NativeGateIR {
  readonly version: '1.0';
  readonly target: Target;
  /** 1 to 50. */
  readonly num_qubits: number;
  readonly gates: readonly Gate[];
  /** The measured qubits; the k-th entry is the k-th measurement. */
  readonly measurements: readonly number[];
  readonly metadata: {
    readonly source_hash: string;
    readonly compiled_at: string;
    readonly compiler_version: string;
    /** 0 to 3. */
    readonly optimization_level: number;
  };
}

/** How many qubits and parameters a gate takes. */
export interface GateArity {
  readonly qubits: 1 | 2;
  readonly params: 0 | 1;
}

/** The gates of NativeGateIR 1.0 (PROTOCOL §4). */
export const GATES: Readonly<Record<GateName, GateArity>> = {
  rx: { qubits: 1, params: 1 },
  ry: { qubits: 1, params: 1 },
  rz: { qubits: 1, params: 1 },
  virtual_z: { qubits: 1, params: 1 },
  id: { qubits: 1, params: 1 },
  x90: { qubits: 1, params: 0 },
  y_minus_90: { qubits: 1, params: 0 },
  cz: { qubits: 2, params: 0 },
  iswap: { qubits: 2, params: 0 },
  cnot: { qubits: 2, params: 0 },
  cp: { qubits: 2, params: 1 },
};

/** The gates that a circuit for each target may use (PROTOCOL §4). */
export const LEGAL_GATES: Readonly<Record<Target, readonly GateName[]>> = {
  cz: ['rx', 'ry', 'rz', 'cz', 'id'],
  iswap: ['rx', 'ry', 'rz', 'iswap', 'id'],
  pcz: ['rx', 'ry', 'rz', 'cp', 'id'],
  cnot: ['rx', 'ry', 'rz', 'x90', 'y_minus_90', 'virtual_z', 'cnot', 'id'],
};

/** Target -> legal gate -> arity. Maps, so that a gate named `constructor` is not found. */
const RULES: Readonly<Record<Target, ReadonlyMap<string, GateArity>>> = {
  cz: rulesOf('cz'),
  iswap: rulesOf('iswap'),
  pcz: rulesOf('pcz'),
  cnot: rulesOf('cnot'),
};

/**
 * Reads and validates the `ir_json` of a job (PROTOCOL §4): defaults filled, unknown fields ignored.
 * Throws a JobError of at most 500 characters that names the first broken rule and where it is broken.
 */
export function parseIr(text: string | undefined): NativeGateIR {
  const json = present(text);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw notJson(json, error);
  }
  return validateIr(value);
}

/** As `parseIr`, with a `yield` wherever it may pause: for a circuit that takes long to read. */
export function* parseIrInSteps(text: string | undefined): Generator<undefined, NativeGateIR> {
  const json = present(text);
  let value: unknown;
  try {
    value = yield* parseJsonInPieces(json);
  } catch (error) {
    throw notJson(json, error);
  }
  yield;
  return validateIr(value);
}

/**
 * Validates a parsed circuit as `parseIr` does. Does not change `value`; the result shares its lists, so that a
 * circuit of 100,000 gates is not copied.
 */
export function validateIr(value: unknown): NativeGateIR {
  if (!validateIrShape(value)) {
    const foreign = foreignDocument(value);
    throw foreign === undefined ? invalid(shapeFault(value)) : new JobError(foreign);
  }
  const { target, num_qubits, measurements, metadata } = value;
  if (!isTarget(target)) throw invalid(`target ${shown(target)} is not one of ${TARGETS.join(', ')}`);
  const gates = withParams(value.gates);
  assertGates(gates, target, num_qubits);
  checkMeasurements(measurements, num_qubits);
  return {
    version: '1.0',
    target,
    num_qubits,
    gates,
    measurements,
    metadata: {
      source_hash: metadata.source_hash,
      compiled_at: metadata.compiled_at,
      compiler_version: metadata.compiler_version ?? '0.1.0',
      optimization_level: metadata.optimization_level ?? 2,
    },
  };
}

type CompleteGate = GateShape & { readonly params: readonly number[] };

function withParams(gates: IrShape['gates']): readonly CompleteGate[] {
  const isComplete = (gate: GateShape): gate is CompleteGate => gate.params !== undefined;
  return gates.every(isComplete)
    ? gates
    : gates.map((gate) => (isComplete(gate) ? gate : { ...gate, params: [] }));
}

function assertGates(
  gates: readonly CompleteGate[],
  target: Target,
  numQubits: number,
): asserts gates is readonly (CompleteGate & Gate)[] {
  const rules = RULES[target];
  let index = 0;
  for (const { gate, qubits, params } of gates) {
    const arity = rules.get(gate);
    if (arity === undefined) throw invalid(`gates[${index}]: ${illegalGate(gate, target)}`);
    if (qubits.length !== arity.qubits) {
      throw invalid(
        `gates[${index}]: '${gate}' takes ${counted(arity.qubits, 'qubit')}, got ${qubits.length}`,
      );
    }
    if (params.length !== arity.params) {
      throw invalid(
        `gates[${index}]: '${gate}' takes ${counted(arity.params, 'param')}, got ${params.length}`,
      );
    }
    for (const qubit of qubits) {
      if (qubit < 0 || qubit >= numQubits) throw invalid(`gates[${index}]: ${outside(qubit, numQubits)}`);
    }
    if (arity.qubits === 2 && qubits[0] === qubits[1]) {
      throw invalid(`gates[${index}]: '${gate}' takes two different qubits, got ${qubits[0]} twice`);
    }
    index += 1;
  }
}

/** Measuring a qubit twice is legal: both positions of the bitstring then have its value. */
function checkMeasurements(measurements: readonly number[], numQubits: number): void {
  let index = 0;
  for (const qubit of measurements) {
    if (qubit < 0 || qubit >= numQubits)
      throw invalid(`measurements[${index}]: ${outside(qubit, numQubits)}`);
    index += 1;
  }
}

function isTarget(target: string): target is Target {
  return TARGETS.some((known) => known === target);
}

function rulesOf(target: Target): ReadonlyMap<string, GateArity> {
  return new Map(LEGAL_GATES[target].map((gate) => [gate, GATES[gate]]));
}

function illegalGate(gate: string, target: Target): string {
  const legal = LEGAL_GATES[target].join(' ');
  return Object.hasOwn(GATES, gate)
    ? `'${gate}' is not legal for target '${target}' (legal: ${legal})`
    : `unknown gate ${shown(gate)} (legal for target '${target}': ${legal})`;
}

function outside(qubit: number, numQubits: number): string {
  return `qubit ${qubit} is outside 0 to ${numQubits - 1}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function present(text: string | undefined): string {
  if (text === undefined) throw new JobError('the job has no ir_json');
  // A byte order mark, as editors and PowerShell put it before UTF-8.
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Has no `cause`: the parser's message quotes the circuit, which may put control characters into a log. */
function notJson(text: string, error: unknown): JobError {
  return new JobError(foreignText(text) ?? `ir_json is not JSON: ${printable(messageOf(error), 200)}`);
}

function invalid(fault: string): JobError {
  return new JobError(`invalid circuit: ${fault}`);
}

/** The schema's first error in words. Its path is short, since it consists of names from the schema. */
function shapeFault(value: unknown): string {
  const error = validateIrShape.errors?.[0];
  if (error === undefined) return 'its structure is wrong';
  const steps = error.instancePath.split('/').slice(1);
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
  const where = path === '' ? 'the document' : path.slice(1);
  switch (error.keyword) {
    case 'required':
      return `${where} has no '${String(error.params['missingProperty'])}'`;
    case 'const':
      return `${where} must be ${shown(error.params['allowedValue'])}, got ${shown(valueAt(value, steps))}`;
    default: {
      const rule = error.params['type'] === 'number' ? 'must be a finite number' : error.message;
      return `${where} ${rule}, got ${shown(valueAt(value, steps))}`;
    }
  }
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  let at = value;
  for (const step of steps) at = Array.isArray(at) ? at[Number(step)] : isRecord(at) ? at[step] : undefined;
  return at;
}
