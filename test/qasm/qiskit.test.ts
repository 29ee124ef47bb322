// This reader beside Qiskit: 500 random programs mean the same to both, and what Qiskit's exporters write is read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { TARGETS, validateIr, type Target } from '../../src/protocol/ir.ts';
import { parseQasm, printQasm } from '../../src/qasm/index.ts';
import { distance, type Complex, type Matrix, unitaryOf } from './matrices.ts';
import { randomProgram } from './random-programs.ts';

const PYTHON = join('dist', 'test-qiskit', 'bin', 'python');
const NEAR = 1e-9;
const PROGRAMS = Array.from({ length: 500 }, (_, seed) => randomProgram(seed + 1));
/** Circuits that this reader has made of some of them, as `printQasm` writes them. */
const PRINTED = TARGETS.flatMap((target) =>
  PROGRAMS.slice(0, 20).flatMap(({ text }) => {
    const { circuit } = parseQasm(text, { target, compile: true });
    return ([2, 3] as const).map((version) => {
      // Qiskit cannot say what a gate without a definition does, and OpenQASM 2 has no delay.
      const gates = version === 2 ? circuit.gates.filter(({ gate }) => gate !== 'id') : circuit.gates;
      const written = { ...circuit, gates };
      return {
        version,
        text: printQasm(written, { version }),
        unitary: unitaryOf(circuit.num_qubits, gates),
      };
    });
  }),
);

interface Written {
  readonly name: string;
  readonly version: 2 | 3;
  readonly text: string;
  readonly unitary: readonly number[];
}

interface FromQiskit {
  readonly read: readonly (readonly number[])[];
  readonly written: readonly Written[];
}

function matrixOf(flat: readonly number[]): Matrix {
  const size = Math.sqrt(flat.length / 2);
  return Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (__, column): Complex => {
      const at = 2 * (row * size + column);
      return [flat[at] ?? NaN, flat[at + 1] ?? NaN];
    }),
  );
}

function assertSame(text: string, target: Target, expected: Matrix): void {
  const { circuit } = parseQasm(text, { target, compile: true });
  const { num_qubits: qubits, gates } = validateIr(circuit);
  const found = distance(unitaryOf(qubits, gates), expected);
  assert.ok(found < NEAR, `off by ${found} on ${target}:\n${text}`);
}

const skip = existsSync(PYTHON) ? false : `no Qiskit here (${PYTHON}): node .ci/setup.mjs --qiskit`;

describe('beside Qiskit', { skip }, () => {
  let qiskit: FromQiskit;
  before(() => {
    const { stdout, stderr, status } = spawnSync(PYTHON, [join('test', 'qasm', 'ask_qiskit.py')], {
      input: JSON.stringify([...PROGRAMS, ...PRINTED].map(({ version, text }) => [version, text])),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    assert.equal(status, 0, stderr);
    qiskit = JSON.parse(stdout) as FromQiskit;
  });

  for (const target of TARGETS) {
    it(`500 random programs mean the same for target ${target}`, () => {
      PROGRAMS.forEach(({ text }, k) => assertSame(text, target, matrixOf(qiskit.read[k] ?? [])));
    });
  }

  it('reads what printQasm writes, in both versions', () => {
    PRINTED.forEach(({ text, unitary }, k) => {
      const found = distance(matrixOf(qiskit.read[PROGRAMS.length + k] ?? []), unitary);
      assert.ok(found < NEAR, `off by ${found}:\n${text}`);
    });
  });

  it('every program that its exporters write of the standard gates is read, and means the same', () => {
    const names = new Set(qiskit.written.map(({ name }) => name));
    assert.ok(
      names.size > 80 && qiskit.written.length > 150,
      `${qiskit.written.length} programs of ${names.size}`,
    );
    for (const { text, unitary } of qiskit.written) {
      const expected = matrixOf(unitary);
      for (const target of TARGETS) assertSame(text, target, expected);
    }
  });
});
