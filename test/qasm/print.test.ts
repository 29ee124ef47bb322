// Circuits written as OpenQASM: what was written is read again to the same circuit, by this reader.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  GATES,
  LEGAL_GATES,
  TARGETS,
  validateIr,
  type Gate,
  type NativeGateIR,
  type Target,
} from '../../src/protocol/ir.ts';
import { parseQasm, printQasm, QasmError } from '../../src/qasm/index.ts';
import { METADATA } from '../protocol/arbitraries.ts';

function circuit(
  target: Target,
  qubits: number,
  gates: readonly Gate[],
  measurements: readonly number[],
): NativeGateIR {
  return validateIr({ target, num_qubits: qubits, gates, measurements, metadata: METADATA });
}

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const angle = fc.oneof(
  number,
  fc.double({ min: -7, max: 7, noNaN: true }),
  fc.integer({ min: -8, max: 8 }).map((k) => (k * Math.PI) / 4),
);

function anyCircuit(target: Target): fc.Arbitrary<NativeGateIR> {
  return fc.integer({ min: 2, max: 50 }).chain((qubits) => {
    const gate = fc.constantFrom(...LEGAL_GATES[target]).chain((name) =>
      fc.record({
        gate: fc.constant(name),
        qubits: fc.uniqueArray(fc.nat(qubits - 1), {
          minLength: GATES[name].qubits,
          maxLength: GATES[name].qubits,
        }),
        params: fc.array(name === 'id' ? number.map(Math.abs) : angle, {
          minLength: GATES[name].params,
          maxLength: GATES[name].params,
        }),
      }),
    );
    return fc
      .record({
        gates: fc.array(gate, { maxLength: 20 }),
        measurements: fc.array(fc.nat(qubits - 1), { maxLength: 60 }),
      })
      .map((drawn) => circuit(target, qubits, drawn.gates, drawn.measurements));
  });
}

/** Without -0, which is 0. */
function plain({ target, num_qubits, gates, measurements }: NativeGateIR): unknown {
  return JSON.parse(JSON.stringify({ target, num_qubits, gates, measurements }));
}

describe('a circuit that is written', () => {
  for (const target of TARGETS) {
    for (const version of [3, 2] as const) {
      it(`as OpenQASM ${version} for target ${target} is read again to the last digit`, () => {
        fc.assert(
          fc.property(anyCircuit(target), (ir) => {
            const text = printQasm(ir, { version });
            const { circuit: again, gates } = parseQasm(text, { target });
            assert.deepEqual(plain(again), plain(ir), text);
            // Not in its usual form, each token is read by itself.
            const spaced = parseQasm(text.replaceAll('[', '[ '), { target }).circuit;
            assert.deepEqual(plain(spaced), plain(ir));
            assert.deepEqual(gates, { source: ir.gates.length, native: ir.gates.length });
          }),
          { numRuns: 150 },
        );
      });
    }
  }

  it('is a program for people and other tools', () => {
    const gates: Gate[] = [
      { gate: 'virtual_z', qubits: [0], params: [-Math.PI / 2] },
      { gate: 'y_minus_90', qubits: [2], params: [] },
      { gate: 'cnot', qubits: [2, 0], params: [] },
      { gate: 'rx', qubits: [0], params: [0.1] },
      { gate: 'id', qubits: [1], params: [20.5] },
    ];
    assert.equal(
      printQasm(circuit('cnot', 3, gates, [2, 0])),
      `OPENQASM 3.0;
include "stdgates.inc";
// A circuit for target cnot.
gate y_minus_90 a { ry(-pi / 2) a; }
gate virtual_z(theta) a { rz(theta) a; }
qubit[3] q;
bit[2] c;
virtual_z(-pi / 2) q[0];
y_minus_90 q[2];
cx q[2], q[0];
rx(0.1) q[0];
delay[20.5ns] q[1];
c[0] = measure q[2];
c[1] = measure q[0];
`,
    );
    const cp: Gate[] = [
      { gate: 'cp', qubits: [0, 1], params: [(3 * Math.PI) / 4] },
      { gate: 'id', qubits: [1], params: [20] },
    ];
    assert.equal(
      printQasm(circuit('pcz', 2, cp, [0, 1]), { version: 2 }),
      `OPENQASM 2.0;
include "qelib1.inc";
// A circuit for target pcz.
// In nanoseconds.
opaque delay(duration) a;
qreg q[2];
creg c[2];
cu1(3 * pi / 4) q[0], q[1];
delay(20) q[1];
measure q -> c;
`,
    );
  });

  it('cannot have a negative duration', () => {
    const ir = circuit('cz', 1, [{ gate: 'id', qubits: [0], params: [-5] }], [0]);
    assert.throws(
      () => printQasm(ir),
      (thrown) =>
        thrown instanceof QasmError && /gates\[0\]: an id of -5 ns cannot be written/.test(thrown.message),
    );
  });
});
