// What the reader takes: each construct of the language in a small program, and the circuit that it is.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateIr } from '../../src/protocol/ir.ts';
import { parseQasm, type QasmCircuit, type QasmOptions } from '../../src/qasm/index.ts';

/** Reads a program, for target cz unless `options` say otherwise. */
function read(text: string, options: QasmOptions = { target: 'cz' }): QasmCircuit {
  const found = parseQasm(text, options);
  validateIr(found.circuit);
  return found;
}

/** The gates as one text: `rx(1) 0, cz 0 1`. */
function gates(text: string, options?: QasmOptions): string {
  return read(text, options)
    .circuit.gates.map(({ gate, qubits, params }) => {
      const angles = params.length === 0 ? '' : `(${params.join(' ')})`;
      return `${gate}${angles} ${qubits.join(' ')}`;
    })
    .join(', ');
}

function measured(text: string): readonly number[] {
  return read(text).circuit.measurements;
}

const { PI } = Math;

describe('a program', () => {
  it('may say its version, or not; includes add nothing that is not there', () => {
    for (const head of [
      'OPENQASM 3.0;\ninclude "stdgates.inc";',
      'OPENQASM 3;',
      "OPENQASM 3.1; include 'stdgates.inc';",
      '// a comment\n/* and\nanother */ OPENQASM 3.0; // more\n',
      '\uFEFFOPENQASM 3.0;\r\n',
      '',
    ]) {
      assert.equal(gates(`${head} qubit q; rx(1) q;`), 'rx(1) 0', head);
    }
    assert.equal(gates('OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; rx(1/2) q[0];'), 'rx(0.5) 0');
    assert.equal(
      gates('include "qelib1.inc"; qreg q[1]; rx(1/2) q[0];'),
      'rx(0.5) 0',
      'the file says the version',
    );
  });

  it('has several registers, and both old and new ones', () => {
    const program = `
      qubit a; qubit[2] b; qreg c[2]; bit[2] x; creg y[1]; bit z;
      rx(1) a; rx(2) b[1]; rx(3) c[0]; cz b[0], c[1];
      z = measure a; y[0] = measure c[0]; x = measure b;`;
    assert.equal(gates(program), 'rx(1) 0, rx(2) 2, rx(3) 3, cz 1 4');
    assert.equal(read(program).circuit.num_qubits, 5);
    assert.deepEqual(measured(program), [1, 2, 3, 0], 'in the order of the bits');
  });

  it('has physical qubits in place of registers', () => {
    const program = 'bit[2] c; rx(1) $3; cz $3, $0; c[0] = measure $3; c[1] = measure $0;';
    assert.equal(gates(program), 'rx(1) 3, cz 3 0');
    assert.equal(read(program).circuit.num_qubits, 4);
    assert.deepEqual(measured(program), [3, 0]);
  });

  it('spreads a gate over registers', () => {
    assert.equal(gates('qubit[3] q; rx(1) q;'), 'rx(1) 0, rx(1) 1, rx(1) 2');
    assert.equal(gates('qubit[2] a; qubit[2] b; cz a, b;'), 'cz 0 2, cz 1 3');
    assert.equal(gates('qubit a; qubit[2] b; cz a, b; cz b, a;'), 'cz 0 1, cz 0 2, cz 1 0, cz 2 0');
    assert.equal(
      gates('qubit[5] q; rx(1) q[1:2]; rx(2) q[0:2:4]; rx(3) q[{3, 1}]; rx(4) q[-1];'),
      'rx(1) 1, rx(1) 2, rx(2) 0, rx(2) 2, rx(2) 4, rx(3) 3, rx(3) 1, rx(4) 4',
    );
    assert.equal(
      gates('qubit[4] q; let odd = q[1:2:3]; let all = odd ++ q[0]; rx(1) odd[1]; rx(2) all;'),
      'rx(1) 3, rx(2) 1, rx(2) 3, rx(2) 0',
    );
  });

  it('measures in every form, some of the qubits, in any order', () => {
    assert.deepEqual(measured('qubit[2] q; bit[2] c; c = measure q;'), [0, 1]);
    assert.deepEqual(measured('qubit[2] q; bit[2] c = measure q;'), [0, 1]);
    assert.deepEqual(measured('qubit[2] q; bit c = measure q[1];'), [1]);
    assert.deepEqual(measured('qubit[2] q; creg c[2]; measure q -> c;'), [0, 1]);
    assert.deepEqual(
      measured('qubit[3] q; bit[3] c; c[0] = measure q[2]; measure q[0] -> c[2]; c[1] = measure q[1];'),
      [2, 1, 0],
    );
    assert.deepEqual(measured('qubit[3] q; bit[2] c; c[0:1] = measure q[1:2];'), [1, 2]);
    assert.deepEqual(
      measured('qubit[3] q; measure q[2]; measure q[0];'),
      [2, 0],
      'into no bit: as they stand',
    );
    assert.deepEqual(
      measured('qubit q; bit[2] c; c[0] = measure q; c[1] = measure q;'),
      [0, 0],
      'one qubit twice',
    );
    assert.deepEqual(measured('qubit[2] q; bit[2] c; for int k in [0:1] c[1 - k] = measure q[k];'), [1, 0]);
  });

  it('has barriers, and resets before the first gate, which change nothing', () => {
    assert.equal(
      gates(
        'qubit[2] q; reset q; rx(1) q[0]; barrier q; reset q[1]; barrier; barrier q[0], q[1]; rx(1) q[1];',
      ),
      'rx(1) 0, rx(1) 1',
    );
  });

  it('delays in every unit of time, each as an id of so many nanoseconds', () => {
    assert.equal(
      gates(
        'qubit[2] q; delay[100ns] q[0]; delay[1.5 us] q; delay[2µs] q[1]; delay[1ms] q[0]; delay[1e-9s] q[0];',
      ),
      'id(100) 0, id(1500) 0, id(1500) 1, id(2000) 1, id(1000000) 0, id(1) 0',
    );
    assert.equal(gates('qubit q; const duration t = 50ns; delay[2 * t + 1us / 2] q;'), 'id(600) 0');
    assert.equal(gates('qubit q; id q;'), 'id(0) 0');
  });

  it('calls the gates that it defines, with loops in them', () => {
    const program = `
      gate half(θ) a { rx(θ / 2) a; }
      gate pair(x, y) a, b { half(x) a; half(y) b; cz a, b; barrier a, b; for int k in {1, 3} rz(k * x) b; }
      qubit[2] q; pair(pi, 1.0) q[1], q[0];`;
    assert.equal(gates(program), `rx(${PI / 2}) 1, rx(0.5) 0, cz 1 0, rz(${PI}) 0, rz(${3 * PI}) 0`);
    assert.deepEqual(read(program).gates, { source: 1, native: 5 });
  });

  it('runs loops over constant ranges and sets', () => {
    assert.equal(gates('qubit[5] q; for int i in [0:2:4] { rx(i) q[i]; }'), 'rx(0) 0, rx(2) 2, rx(4) 4');
    assert.equal(gates('qubit[5] q; for uint[8] i in [3:-1:2] rx(i + 0.5) q[i];'), 'rx(3.5) 3, rx(2.5) 2');
    assert.equal(gates('qubit q; for float f in {0.5, 1} rx(f) q;'), 'rx(0.5) 0, rx(1) 0');
    assert.equal(
      gates(
        'const int n = 2; qubit[n] q; for int i in [0:n - 1] { for int j in [0:i] { rx(i * 10 + j) q[j]; } }',
      ),
      'rx(0) 0, rx(10) 0, rx(11) 1',
    );
    assert.equal(gates('qubit q; for int i in [1:0] rx(i) q;'), '', 'an empty range');
  });

  it('has annotations and pragmas; a verbatim box of Braket is run as it is written', () => {
    assert.equal(gates('@crosstalk off\nqubit q; @a.b c\nrx(1) q;'), 'rx(1) 0');
    const { circuit, warnings } = read('pragma some tool; with a message\nqubit q; rx(1) q;');
    assert.equal(circuit.gates.length, 1);
    assert.match(warnings[0]?.message ?? '', /pragma 'some tool; with a message' is left out/);
    const verbatim = 'bit b; #pragma braket verbatim\nbox { rx(1) $0; } h $0; b = measure $0;';
    assert.equal(gates(verbatim, { target: 'cz', compile: true }), `rx(1) 0, rz(${PI}) 0, ry(${PI / 2}) 0`);
    assert.equal(gates('qubit q; box { rx(1) q; } { rx(2) q; }'), 'rx(1) 0, rx(2) 0');
  });

  it('has gates with modifiers that reduce to native ones', () => {
    for (const [text, target, expected] of [
      ['inv @ rx(0.5) q[0];', 'cz', 'rx(-0.5) 0'],
      ['pow(2) @ rz(0.25) q[0];', 'cz', 'rz(0.5) 0'],
      ['pow(0.5) @ ry(0.5) q[0];', 'cz', 'ry(0.25) 0'],
      ['pow(-2) @ rx(0.25) q[0];', 'cz', 'rx(-0.5) 0'],
      ['inv @ cz q[0], q[1];', 'cz', 'cz 0 1'],
      ['ctrl @ z q[0], q[1];', 'cz', 'cz 0 1'],
      ['ctrl @ x q[1], q[0];', 'cnot', 'cnot 1 0'],
      ['inv @ ctrl @ x q[1], q[0];', 'cnot', 'cnot 1 0'],
      ['ctrl @ p(0.5) q[0], q[1];', 'pcz', 'cp(0.5) 0 1'],
      ['inv @ cp(0.5) q[0], q[1];', 'pcz', 'cp(-0.5) 0 1'],
      ['ctrl(2) @ gphase(0.5) q[0], q[1];', 'pcz', 'cp(0.5) 1 0'],
      ['ctrl @ gphase(0.5) q[0];', 'cz', 'rz(0.5) 0'],
      ['pow(2) @ x90 q[0];', 'cnot', `rx(${PI}) 0`],
      ['inv @ virtual_z(0.5) q[0];', 'cnot', 'virtual_z(-0.5) 0'],
      ['inv @ rz(0.5) q[0];', 'cnot', 'rz(-0.5) 0'],
      ['pow(0) @ rx(0.5) q[0]; pow(2) @ cz q[0], q[1];', 'cz', ''],
    ] as const) {
      assert.equal(gates(`qubit[2] q; ${text}`, { target }), expected, text);
    }
  });

  it('is OpenQASM 2 if it says so', () => {
    const program = `OPENQASM 2.0; include "qelib1.inc";
      gate half(t) a { U(t/2, -pi/2, pi/2) a; }
      qreg q[2]; qreg box[1]; creg c[2];
      half(pi) q; u1(pi/2) box[0]; CX q[0], q[1]; barrier q;
      measure q -> c;`;
    assert.equal(
      gates(program, { target: 'cnot', compile: true }),
      `x90 0, x90 1, virtual_z(${PI / 2}) 2, cnot 0 1`,
    );
    assert.equal(
      gates('OPENQASM 2.0; qreg q[1]; rx(-2^2 + 2^3^0) q[0]; rx(ln(exp(1)) + acos(0)*0) q[0];'),
      'rx(-2) 0, rx(1) 0',
    );
    assert.equal(gates('OPENQASM 2.0; opaque delay(t) a; qreg q[1]; delay(100) q[0];'), 'id(100) 0');
  });
});

describe('the target', () => {
  it('is that of the gates, if they belong to one alone', () => {
    for (const [text, target] of [
      ['cz q[0], q[1];', 'cz'],
      ['iswap q[0], q[1];', 'iswap'],
      ['cp(1) q[0], q[1];', 'pcz'],
      ['cnot q[0], q[1];', 'cnot'],
      ['cx q[0], q[1];', 'cnot'],
      ['x90 q[0];', 'cnot'],
    ] as const) {
      assert.equal(read(`qubit[2] q; rx(1) q[0]; ${text}`, {}).circuit.target, target);
    }
    const ambiguous = /does not say for which target it is: its gates \(rx\) belong to cz, iswap, pcz, cnot/;
    assert.throws(() => read('qubit q; rx(1) q;', {}), ambiguous);
    assert.throws(
      () => read('qubit[2] q; cz q[0], q[1]; iswap q[0], q[1];', {}),
      /no target has all gates .*: cz iswap/,
    );
    assert.throws(
      () => read('qubit q; h q;', { compile: true }),
      /1:\d+: gate 'h' is not a gate of any target/,
    );
  });

  it('has its own gates one to one, also those that tools define since the standard files lack them', () => {
    assert.equal(
      gates('qubit[2] q; cx q[0], q[1]; CX q[1], q[0]; cnot q[0], q[1];', { target: 'cnot' }),
      'cnot 0 1, cnot 1 0, cnot 0 1',
    );
    const own = 'gate iswap q0, q1 { s q0; s q1; h q0; cx q0, q1; cx q1, q0; h q1; }';
    assert.equal(gates(`${own} qubit[2] q; iswap q[0], q[1];`, { target: 'iswap' }), 'iswap 0 1');
    const other = 'gate iswap a, b { cz a, b; }';
    assert.equal(
      gates(`${other} qubit[2] q; iswap q[0], q[1];`, { target: 'cz' }),
      'cz 0 1',
      'its own meaning',
    );
    assert.equal(gates('gate x90 a { rx(pi / 2) a; } qubit q; x90 q;', { target: 'cz' }), `rx(${PI / 2}) 0`);
    const own2 = 'gate iswap a, b { rx(1) a; } gate rx(t) a { ry(t) a; } qubit[2] q;';
    assert.equal(gates(`${own2} iswap q[0], q[1]; rx(2) q[0];`, { target: 'iswap' }), 'rx(1) 0, ry(2) 0');
  });

  it('gets other gates only if it is asked to', () => {
    const text = 'qubit[2] q; h q[0]; cx q[0], q[1];';
    assert.throws(
      () => read(text),
      /gate 'h' is not a gate of target cz \(rx ry rz cz id\)[^]*gate 'cx' is not/,
    );
    const { gates: counts } = read(text, { target: 'cz', compile: true });
    assert.deepEqual(counts, { source: 2, native: 5 });
  });
});

describe('a circuit that was read', () => {
  it('says from what it was made', () => {
    const { metadata } = read('qubit q; rx(1) q;').circuit;
    assert.match(metadata.source_hash, /^sha256:[0-9a-f]{64}$/);
    assert.ok(Math.abs(Date.parse(metadata.compiled_at) - Date.now()) < 60_000);
  });

  it('comes with warnings about what may surprise', () => {
    const warned = (text: string): string =>
      read(`qubit[2] q; ${text}`)
        .warnings.map(({ message }) => message)
        .join('; ');
    assert.equal(warned('bit[2] c = measure q;'), '');
    assert.match(warned('rx(1) q;'), /measures nothing/);
    assert.match(warned('bit[3] c; c[1:2] = measure q;'), /1 of 3 bits are never measured/);
    assert.match(warned('bit c; c = measure q[0]; c = measure q[1];'), /measured twice/);
    assert.match(warned('bit c; c = measure q[0]; measure q[1];'), /goes into no bit/);
    assert.match(
      warned('rx(1 / 2) q; bit[2] c = measure q;'),
      /two integers divided give an integer .* this is 0/,
    );
    assert.match(
      warned('rx(90deg) q; bit[2] c = measure q;'),
      /'deg' is understood, but is no part of OpenQASM/,
    );
  });
});
