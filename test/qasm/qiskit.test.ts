// This reader beside Qiskit: 500 random programs mean the same to both, and what Qiskit's exporters write is read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { TARGETS, validateIr, type Target } from '../../src/protocol/ir.ts';
import { parseQasm } from '../../src/qasm/index.ts';
import { distance, type Complex, type Matrix, unitaryOf } from './matrices.ts';
import { randomProgram } from './random-programs.ts';

const PYTHON = join('dist', 'test-qiskit', 'bin', 'python');
const NEAR = 1e-9;
const PROGRAMS = Array.from({ length: 500 }, (_, seed) => randomProgram(seed + 1));

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
      input: JSON.stringify(PROGRAMS.map(({ version, text }) => [version, text])),
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
