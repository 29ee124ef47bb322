// Writes a circuit as a program in OpenQASM 3 or 2, which `parseQasm` and the usual tools read.
import { LEGAL_GATES, type Gate, type GateName, type NativeGateIR } from '../protocol/ir.ts';
import { shown } from '../protocol/text.ts';
import { QasmError } from './diagnostics.ts';

export interface PrintOptions {
  /** Of OpenQASM; 3 by default. */
  readonly version?: 2 | 3;
}

/** Definitions of the gates that the standard files do not have. */
const DEFINITIONS: Partial<Readonly<Record<GateName, string>>> = {
  virtual_z: 'gate virtual_z(theta) a { rz(theta) a; }',
  x90: 'gate x90 a { rx(pi / 2) a; }',
  y_minus_90: 'gate y_minus_90 a { ry(-pi / 2) a; }',
  iswap: 'gate iswap a, b { s a; s b; h a; cx a, b; cx b, a; h b; }',
};

/** Names in the standard files, where they differ. The first qelib1.inc had no cp. */
const NAMES: Readonly<Record<2 | 3, Partial<Readonly<Record<GateName, string>>>>> = {
  2: { cnot: 'cx', cp: 'cu1' },
  3: { cnot: 'cx' },
};

/**
 * Writes a circuit that `validateIr` has passed. `parseQasm` with the circuit's target gives it back: the same gates and
 * measurements, each number to its last digit. Throws a QasmError for what the language cannot say: a negative duration.
 */
export function printQasm(circuit: NativeGateIR, options: PrintOptions = {}): string {
  const { version = 3 } = options;
  const { target, num_qubits: qubits, gates, measurements } = circuit;
  const used = new Set(gates.map(({ gate }) => gate));
  const definitions = LEGAL_GATES[target].flatMap((gate) =>
    used.has(gate) ? (DEFINITIONS[gate] ?? []) : [],
  );
  const opaque = version === 2 && used.has('id') ? ['// In nanoseconds.', 'opaque delay(duration) a;'] : [];
  const head =
    version === 3 ? ['OPENQASM 3.0;', 'include "stdgates.inc";'] : ['OPENQASM 2.0;', 'include "qelib1.inc";'];
  const registers =
    version === 3
      ? [`qubit[${qubits}] q;`, ...(measurements.length === 0 ? [] : [`bit[${measurements.length}] c;`])]
      : [`qreg q[${qubits}];`, ...(measurements.length === 0 ? [] : [`creg c[${measurements.length}];`])];
  const lines = [
    ...head,
    `// A circuit for target ${target}.`,
    ...definitions,
    ...opaque,
    ...registers,
    ...gates.map((gate, index) => gateLine(gate, index, version)),
    ...measurementLines(circuit, version),
  ];
  return `${lines.join('\n')}\n`;
}

function gateLine({ gate, qubits, params }: Gate, index: number, version: 2 | 3): string {
  const operands = qubits.map((qubit) => `q[${qubit}]`).join(', ');
  if (gate === 'id') {
    const [duration = 0] = params;
    if (duration < 0) {
      throw new QasmError(`gates[${index}]: an id of ${shown(duration)} ns cannot be written in OpenQASM`, {
        remedy: 'A duration has to be 0 or more.',
      });
    }
    return version === 3
      ? `delay[${decimal(duration)}ns] ${operands};`
      : `delay(${decimal(duration)}) ${operands};`;
  }
  const name = NAMES[version][gate] ?? gate;
  return `${name}${params.length === 0 ? '' : `(${params.map(angle).join(', ')})`} ${operands};`;
}

/** As a fraction of pi if it is exactly one. */
function angle(value: number): string {
  for (const part of [1, 2, 3, 4, 6, 8, 12, 16]) {
    const count = Math.round((value * part) / Math.PI);
    if (count === 0 || Math.abs(count) > 64 || (count * Math.PI) / part !== value) continue;
    const times = count === 1 ? 'pi' : count === -1 ? '-pi' : `${count} * pi`;
    return part === 1 ? times : `${times} / ${part}`;
  }
  return decimal(value);
}

/** A large integer would be read as one, and is too large for that. */
function decimal(value: number): string {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

function measurementLines({ measurements, num_qubits: qubits }: NativeGateIR, version: 2 | 3): string[] {
  const isWhole = measurements.length === qubits && measurements.every((qubit, k) => qubit === k);
  if (isWhole) return [version === 3 ? 'c = measure q;' : 'measure q -> c;'];
  return measurements.map((qubit, k) =>
    version === 3 ? `c[${k}] = measure q[${qubit}];` : `measure q[${qubit}] -> c[${k}];`,
  );
}
