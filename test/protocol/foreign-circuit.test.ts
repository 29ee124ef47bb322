// Circuits of other formats and encodings are named, and what is taken is said.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { JobError } from '../../src/errors.ts';
import { bell } from '../../src/testing/index.ts';
import { parseIr, parseIrInSteps } from '../../src/protocol/ir.ts';

const { ir } = bell('cz');
const JSON_TEXT = JSON.stringify(ir);

/** As the bytes of a file or of a message become text. */
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const utf16 = Buffer.from(`\uFEFF${JSON_TEXT}`, 'utf16le');

const TABLE: readonly (readonly [string, string])[] = [
  ['OpenQASM 2.0', 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\n'],
  ['OpenQASM 3', '// a bell pair\n/* by * hand */\n\nOPENQASM 3;\nqubit[2] q;\n'],
  ['OpenQASM', 'include "stdgates.inc";\nqubit[2] q;'],
  ['OpenQASM', 'gate bell a, b { h a; cx a, b; }\nqubit[2] q;'],
  ['text in UTF-16', asText(utf16)],
  ['text in UTF-16', asText(Buffer.from(utf16).swap16())],
  ['text in UTF-16', asText(utf16.subarray(2))],
  ['a gzip file', asText(gzipSync(JSON_TEXT))],
  ['gzip in base64', gzipSync(JSON_TEXT).toString('base64')],
  ['a zip file', 'PK\u0003\u0004\u0014'],
  ['a zstd file', asText(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04]))],
  ['a bzip2 file', asText(Buffer.from([0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26]))],
  ['an xz file', asText(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04]))],
  ['Qiskit QPY', 'QISKIT\u000d\u0001'],
  ['a Python pickle', asText(Buffer.from([0x80, 0x04, 0x95, 0x10]))],
  ['QIR (LLVM)', '; ModuleID = \'bell\'\nsource_filename = "bell"\n'],
  ['QIR (LLVM bitcode)', asText(Buffer.from([0x42, 0x43, 0xc0, 0xde, 0x35]))],
  ['Quil', 'DECLARE ro BIT[2]\nH 0\nCNOT 0 1\n'],
  ['a Python program', '# bell\nfrom qiskit import QuantumCircuit\n'],
  ['HTML or XML', '<!DOCTYPE html><title>Sign in</title>'],
  ['empty', ' \n'],
  ['a Cirq circuit', '{"cirq_type": "Circuit", "moments": []}'],
  ['a Braket program', '{"braketSchemaHeader": {"name": "braket.ir.openqasm.program"}, "source": ""}'],
  ['a Qiskit Qobj', '{"qobj_id": "1", "schema_version": "1.3.0", "experiments": []}'],
  ['a Qiskit object', '{"__type__": "QuantumCircuit", "__value__": "eJwL"}'],
  ['an IonQ circuit', '{"qubits": 2, "circuit": [{"gate": "h", "target": 0}]}'],
  ['an IonQ circuit', '{"format": "ionq.circuit.v0", "input": {}}'],
  ['a pytket circuit', '{"bits": [], "qubits": [], "commands": [], "phase": "0.0"}'],
  ['a whole job', JSON.stringify({ ir_json: JSON_TEXT, shots: 5 })],
  ['JSON in a JSON string', JSON.stringify(JSON_TEXT)],
  ['OpenQASM 3.0', JSON.stringify('OPENQASM 3.0; qubit q;')],
];

describe('a circuit of another format', () => {
  for (const [name, text] of TABLE) {
    it(`is named: ${name}`, () => {
      const read = [() => parseIr(text), () => [...parseIrInSteps(text)]];
      for (const parse of read) {
        assert.throws(parse, (error) => {
          assert.ok(error instanceof JobError);
          assert.ok(
            error.message.startsWith(`the circuit is ${name}; this node takes NativeGateIR 1.0, as JSON`),
          );
          assert.ok(error.message.length <= 500);
          return true;
        });
      }
    });
  }

  it('is not confused with a NativeGateIR with a fault, nor with other JSON', () => {
    assert.throws(() => parseIr(JSON_TEXT.slice(0, -1)), /^JobError: ir_json is not JSON/);
    assert.throws(
      () => parseIr(JSON.stringify({ ...ir, cirq_type: 'x', version: '2.0' })),
      /^JobError: invalid circuit/,
    );
    assert.throws(() => parseIr('{"a": 1}'), /^JobError: invalid circuit/);
  });
});

describe('a byte order mark', () => {
  it('is taken', () => {
    assert.deepEqual(parseIr(`\uFEFF${JSON_TEXT}`), parseIr(JSON_TEXT));
    const steps = parseIrInSteps(`\uFEFF${JSON_TEXT}`);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    assert.deepEqual(step.value, parseIr(JSON_TEXT));
  });
});
