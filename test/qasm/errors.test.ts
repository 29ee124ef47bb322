// What is refused: each construct by its name, at its place, with what to do; everything wrong at once, up to ten.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodaError } from '../../src/errors.ts';
import { parseQasm, QasmError, rendered, type QasmOptions } from '../../src/qasm/index.ts';

function errorOf(text: string, options: QasmOptions = { target: 'cz', file: 'bell.qasm' }): QasmError {
  try {
    parseQasm(text, options);
  } catch (thrown) {
    assert.ok(thrown instanceof QasmError && thrown instanceof CodaError, String(thrown));
    assert.equal(thrown.code, 'CODA_QASM');
    return thrown;
  }
  return assert.fail(`no error: ${text}`);
}

/** `line:column message` of each. */
function places(text: string): string[] {
  return errorOf(text).diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('an error', () => {
  it('shows the line with carets under the place, what was expected, and a hint', () => {
    assert.equal(
      errorOf('OPENQASM 3.0;\nqubit[2] q;\n\thh q[0];\nrx(1) q[0]\ncz q[0], q[1];\n').message,
      `bell.qasm has 2 errors:
  bell.qasm:3:2: there is no gate 'hh'
    3 |  hh q[0];
      |  ^^
      = Did you mean 'h'?
  bell.qasm:4:11: there is no ';' behind this statement
    4 | rx(1) q[0]
      |           ^
      = expected ';'`,
    );
    assert.match(
      errorOf('qubit q; h q;', { target: 'cz', file: '-' }).message,
      /^standard input has an error:\n {2}standard input:1:10:/,
    );
  });

  it('takes a name in capitals for itself', () => {
    for (const [gate, meant] of [
      ['H q[0]', 'h'],
      ['Sdg q[0]', 'sdg'],
      ['CCX q[0], q[1], q[2]', 'ccx'],
    ]) {
      assert.match(errorOf(`qubit[3] q; ${gate};`).message, new RegExp(`Did you mean '${meant}'\\?`));
    }
  });

  it('counts columns in characters, and shows no character that a terminal obeys', () => {
    const [first] = errorOf('qubit q; /* 😀 π */ rx(\u202e) q;\u001b[2J').diagnostics;
    assert.deepEqual([first?.column, first?.length], [23, 1]);
    const { message } = errorOf('qubit q; rx(1\u001b[2J) q; \u0000 hh\u202e q;');
    for (const hidden of ['\u001b', '\u0000', '\u202e']) assert.ok(!message.includes(hidden));
    assert.match(message, /a character that has no meaning here: \\u001b/);
  });

  it('shows the part of a long line around the place', () => {
    const [only] = errorOf(
      `qubit q; ${'rx(1) q; '.repeat(1000)}hh q; ${'rx(1) q; '.repeat(1000)}`,
    ).diagnostics;
    assert.ok(only !== undefined && only.excerpt.line.length <= 102, only?.excerpt.line);
    assert.match(rendered(only), /^.*\n {4}1 \| ….*hh q;.*…\n {6}\| {51} \^\^\n/);
    assert.equal(only.column, 9010);
  });

  it('is told together with all others, up to ten', () => {
    const wrong = (count: number): string =>
      `qubit q;\n${Array.from({ length: count }, (_, k) => `g${k} q;`).join('\n')}`;
    assert.equal(errorOf(wrong(9)).diagnostics.length, 9);
    const { diagnostics, message } = errorOf(wrong(50));
    assert.equal(diagnostics.length, 10);
    assert.match(message, /^bell\.qasm has more than 10 errors; the first are:/);
  });

  it('is not told again by what follows from it', () => {
    const text =
      'qubit[51] q; rx(1) q; measure q; foo a; foo a; foo a; const int n = x; rx(n) b[n]; rx(n) b; rx(1) b;';
    assert.deepEqual(places(text), [
      '1:1 with this the program has 51 qubits; a circuit has at most 50',
      "1:34 there is no gate 'foo'",
      "1:69 there is no constant 'x'",
      "1:99 there is no qubit 'b'",
    ]);
  });
});

describe('what a circuit cannot have', () => {
  const START = 'OPENQASM 3.0;\nqubit[2] q; bit[2] c;\n';
  for (const [text, message, hint] of [
    ['if (c[0]) x q[0];', /'if' \(classical control\) is not taken/, /fixed before it runs/],
    ['if (c == 1) { rx(1) q; } else { rx(2) q; }', /'if' \(classical control\)/, /fixed/],
    ['while (true) { rx(1) q; }', /'while'/, /fixed/],
    ['switch (c) { case 0 { rx(1) q; } }', /'switch'/, /fixed/],
    ['end;', /'end' is not taken/, /Leave out/],
    ['def f(qubit a) { rx(1) a; }', /'def' \(a subroutine\)/, /as a gate/],
    ['extern f(float) -> float;', /'extern'/, /Compute the value/],
    ['input float t;', /'input'/, /const/],
    ['output bit[2] d;', /'output'/, /Leave the word out/],
    ['int[32] i = 5;', /a variable of type 'int' is not taken/, /write const int/],
    ['float t;', /a variable of type 'float'/, /const float/],
    ['array[int[8], 2] a;', /'array'/, /single constants/],
    ['complex[float] z;', /'complex'/, /float or angle/],
    ['stretch s;', /'stretch'/, /constant/],
    ['cal { play(); }', /'cal' \(pulses\)/, /gates of the target/],
    ['defcal x $0 { play(); }', /'defcal' \(pulses\)/, /own calibrations/],
    ['defcalgrammar "openpulse";', /'defcalgrammar'/, /own calibrations/],
    ['box[100ns] { rx(1) q; }', /a box with a duration/, /delays/],
    ['h[100ns] q;', /a gate with a duration of its own/, /Leave the duration out/],
    ['rx(1)[100ns] q;', /a gate with a duration of its own/, /Leave the duration out/],
    ['delay[10dt] q;', /unit 'dt' depends on the device/, /ns, us, ms or s/],
    ['delay[durationof({ x q[0]; })] q[0];', /'durationof'/, /constant/],
    ['delay[5] q;', /a time with a unit/, undefined],
    ['delay[0ns - 5ns] q[0];', /cannot be shorter than 0/, undefined],
    ['delay[5ns];', /a delay of all qubits/, /Name the qubits/],
    ['c[0] = measure q[0]; rx(1) q[0];', /qubit 0 has been measured before/, /in the middle/],
    ['c[0] = measure q[0]; reset q[0];', /'reset' of qubit 0 in the middle/, /begins in/],
    ['rx(1) q[0]; reset q[0];', /'reset' of qubit 0 in the middle/, /begins in/],
    ['c[0] = 1;', /only be assigned what is measured/, undefined],
    ['c = measure q[0];', /1 qubits are measured into 2 bits/, /same length/],
    ['rx(c[0]) q;', /what is measured cannot be computed with/, /fixed/],
    ['include "other.inc";', /the file 'other\.inc' is not read/, /stdgates\.inc/],
    ['rx(1) $1;', /either registers of qubits or physical qubits/, /on the device is not known/],
    [
      '#pragma braket noise depolarizing(0.1) q[0]',
      /the pragma 'braket noise .*' would change the circuit/,
      /Noise/,
    ],
    ['cz q[0], q[0];', /gate 'cz' acts on one qubit twice/, undefined],
    ['cz q[0];', /gate 'cz' takes 2 qubits, got 1/, undefined],
    ['rx q[0];', /gate 'rx' takes 1 angle, got 0/, undefined],
    ['rx(1) q[2];', /there is no qubit 2: the register has indexes 0 to 1/, undefined],
    ['for int i in [0:2] rx(1) q[i];', /there is no qubit 2/, undefined],
    ['ctrl @ rx(1) q;', /gate 'rx' with its controls takes 2 qubits, got 1/, undefined],
    ['pow(0.5) @ swap q[0], q[1];', /power of 0\.5|not a gate of target/, undefined],
    ['gate a x { a x; }', /gate 'a' calls itself/, /defined before it/],
    ['gate a x { measure x; }', /'measure' cannot stand in a gate/, /consists of gates/],
    ['gate a x { rx(1) q[0]; }', /'q' is not one of the qubits that the gate is given/, /Add it/],
    ['gate a x { rx(1) x[0]; }', /they have no index/, undefined],
    ['gate a x { qubit y; }', /'qubit' cannot stand in a gate/, /before/],
    ['gate a x { rx(1) x; } gate a x { }', /gate 'a' is defined twice/, /another name/],
    ['bit[2] q;', /'q' is declared twice/, /another name/],
    ['const int if = 1;', /'if' is a word of the language/, /another name/],
    ['opaque magic a; magic q[0];', /gate 'magic' is opaque/, /Define it/],
    ['OPENQASM 3.0;', /the version has to be the first statement/, undefined],
    ['}', /'}' cannot stand here/, undefined],
    ['rx(1) q', /the program ends here too early/, undefined],
    ['gate a x { rx(1) x;', /the program ends here too early/, undefined],
    ['/* never closed', /a comment that is never closed/, undefined],
    ['include "stdgates.inc;', /a text that is not closed on its line/, undefined],
    ['nop q;', /'nop' is not taken/, /does nothing/],
    ['box { h q[0]; }', /gate 'h' is not a gate of target cz/, /Compile the program/],
    [
      '#pragma braket verbatim\nbox { h q[0]; }',
      /gate 'h' is not a gate of target cz/,
      /run as it is written/,
    ],
  ] as const) {
    it(`${text.replaceAll('\n', ' ')} is refused by name`, () => {
      const [only, ...more] = errorOf(START + text).diagnostics;
      assert.ok(only !== undefined && more.length <= 1);
      assert.match(only.message, message);
      assert.ok(only.line >= 3 && only.line <= 4, `line ${only.line}`);
      if (hint !== undefined) assert.match(only.hint ?? '', hint);
    });
  }

  it('is refused in OpenQASM 2 if it is of OpenQASM 3, and the other way round', () => {
    const start = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2];\n';
    for (const [text, message] of [
      ['qubit[2] a;', /'qubit' is of OpenQASM 3, and the program says that it is OpenQASM 2/],
      ['ctrl @ x q[0], q[1];', /'ctrl' is of OpenQASM 3/],
      ['for int i in [0:1] rx(1) q[i];', /'for' is of OpenQASM 3/],
      ['const int n = 1;', /'const' is of OpenQASM 3/],
      ['c = measure q;', /an assignment is of OpenQASM 3/],
      ['gphase(1);', /'gphase' is of OpenQASM 3/],
      ['if (c == 1) x q[0];', /'if' \(classical control\) is not taken/],
    ] as const) {
      assert.match(errorOf(start + text).diagnostics[0]?.message ?? '', message);
    }
    assert.match(errorOf('OPENQASM 1.0; qubit q;').message, /OpenQASM 1 is not known here/);
  });

  it('is no program at all', () => {
    for (const text of ['', ' \n', '// nothing'])
      assert.match(errorOf(text).message, /the program has no qubits/);
    assert.match(errorOf('{"version": "1.0", "target": "cz"}').message, /cannot stand here/);
    const unknown = { target: 'xyz' } as unknown as QasmOptions;
    assert.match(
      errorOf('qubit q;', unknown).message,
      /there is no target 'xyz'\n {2}→ Give cz, iswap, pcz or cnot/,
    );
  });
});
