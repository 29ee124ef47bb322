// Constant expressions: the precedence, functions, types and casts of the language.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseQasm, QasmError } from '../../src/qasm/index.ts';

/** The angle that `expression` is. */
function angle(expression: string, before = ''): number {
  const { circuit } = parseQasm(`${before} qubit q; rx(${expression}) q;`, { target: 'cz' });
  return circuit.gates[0]?.params[0] ?? NaN;
}

function angleOf2(expression: string): number {
  const { circuit } = parseQasm(`OPENQASM 2.0; qreg q[1]; rx(${expression}) q[0];`, { target: 'cz' });
  return circuit.gates[0]?.params[0] ?? NaN;
}

const { PI, E } = Math;

describe('expressions', () => {
  it('have the precedence of the language', () => {
    for (const [text, value] of [
      ['1 + 2 * 3', 7],
      ['(1 + 2) * 3', 9],
      ['10 - 3 - 2', 5],
      ['2.0 ** 3 ** 2', 512],
      ['-2.0 ** 2', -4],
      ['2.0 ** -1', 0.5],
      ['-pi / 2', -PI / 2],
      ['7 / 2', 3],
      ['-7 / 2', -3],
      ['7 / 2.0', 3.5],
      ['7 % 4 + 1', 4],
      ['1 << 3 + 1', 16],
      ['6 & 3 | 8', 10],
      ['5 ^ 1', 4],
      ['~5 & 7', 2],
      ['1 < 2 == true', 1],
      ['3 > 2 && !(1 >= 2) || false', 1],
      ['100ns / 50ns', 2],
    ] as const) {
      assert.equal(angle(text), value, text);
    }
    assert.equal(angleOf2('2^3^2'), 512);
    assert.equal(angleOf2('-2^2'), -4);
    assert.equal(angleOf2('1/2 + 3*pi/4'), 0.5 + (3 * PI) / 4);
  });

  it('have numbers in every form', () => {
    for (const [text, value] of [
      ['0x1F', 31],
      ['0b1_01', 5],
      ['0o17', 15],
      ['1_000', 1000],
      ['9007199254740983', 9007199254740983],
      ['1.', 1],
      ['.5', 0.5],
      ['1e3', 1000],
      ['1.5E-3', 0.0015],
      ['1_0.2_5e+1', 102.5],
      ['90deg', PI / 2],
      ['1.5rad', 1.5],
    ] as const) {
      assert.equal(angle(text), value, text);
    }
  });

  it('have the constants and functions of the language', () => {
    for (const [text, value] of [
      ['pi', PI],
      ['π', PI],
      ['tau / 4', PI / 2],
      ['τ', 2 * PI],
      ['euler', E],
      ['ℇ', E],
      ['sin(pi / 2)', 1],
      ['cos(0)', 1],
      ['tan(0.5)', Math.tan(0.5)],
      ['arcsin(1)', PI / 2],
      ['arccos(1.0)', 0],
      ['arctan(1)', PI / 4],
      ['exp(1)', E],
      ['log(euler)', 1],
      ['sqrt(2)', Math.SQRT2],
      ['floor(2.7) + ceiling(2.2)', 5],
      ['mod(-1, 3)', 2],
      ['mod(5.5, 2)', 1.5],
      ['pow(2, 10)', 1024],
      ['popcount(7)', 3],
    ] as const) {
      assert.equal(angle(text), value, text);
    }
    assert.equal(angleOf2('ln(exp(2)) + asin(0) + atan(0)'), 2);
  });

  it('have typed constants and casts', () => {
    for (const [before, text, value] of [
      ['const int n = 3;', 'n / 2', 1],
      ['const float n = 3;', 'n / 2', 1.5],
      ['const uint[8] n = 3; const float[64] x = n * 0.5;', 'x', 1.5],
      ['const bool b = 5;', 'b', 1],
      ['const angle a = -pi / 2;', 'a', (3 * PI) / 2],
      ['const angle a = 3 * pi;', 'a / 2', PI / 2],
      ['const angle[4] a = 0.4;', 'a', PI / 8],
      ['', 'float(7) / 2', 3.5],
      ['', 'int(-7.9)', -7],
      ['', 'uint[32](7.9) / 2', 3],
      ['', 'bool(0.1) + 1', 2],
      ['', 'angle(tau + 1)', 1],
    ] as const) {
      assert.ok(Math.abs(angle(text, before) - value) < 1e-15, `${before} ${text}: ${angle(text, before)}`);
    }
  });

  it('are computed as JavaScript computes them, for any of the common operators', () => {
    interface Tree {
      readonly text: string;
      readonly value: number;
    }
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => {
      const pair = fc.tuple(tie('tree'), tie('tree'));
      const bracketed = (operator: string, operate: (a: number, b: number) => number): fc.Arbitrary<Tree> =>
        pair.map(([a, b]) => ({
          text: `(${a.text}) ${operator} (${b.text})`,
          value: operate(a.value, b.value),
        }));
      const product = bracketed('*', (a, b) => a * b);
      return {
        tree: fc.oneof(
          { depthSize: 'small', withCrossShrink: true },
          fc.integer({ min: 0, max: 9 }).map((digit) => ({ text: `${digit}.5`, value: digit + 0.5 })),
          product,
          bracketed('+', (a, b) => a + b),
          // Without brackets around them: products bind stronger.
          fc
            .tuple(product, product)
            .map(([a, b]) => ({ text: `${a.text} - ${b.text}`, value: a.value - b.value })),
          tie('tree').map(({ text, value }) => ({ text: `-(${text})`, value: -value })),
        ),
      };
    });
    fc.assert(
      fc.property(tree, ({ text, value }) => {
        // Adding 0 makes 0 of -0.
        if (Number.isFinite(value)) assert.equal(angle(text) + 0, value + 0, text);
      }),
      { numRuns: 300 },
    );
  });

  it('without a value are errors at their place', () => {
    for (const [text, column, message] of [
      ['1 / 0', 14, /no value/],
      ['1.0 / 0.0', 14, /no value/],
      ['sqrt(-1)', 14, /no value/],
      ['log(0)', 14, /too large/],
      ['10.0 ** 400', 14, /too large/],
      ['2 ** 60', 14, /too large/],
      ['99999999999999999999', 14, /too large/],
      ['1e999', 14, /too large/],
      ['1 + 5ns', 14, /'\+' does not fit int and duration/],
      ['5ns', 14, /takes angles, and this is a time/],
      ['1.5 & 1', 14, /'&' does not fit float and int/],
      ['sin(1, 2)', 14, /sin takes 1 value, here are 2/],
      ['acos(1)', 14, /no function 'acos'[^]*OpenQASM 3 calls it arccos/],
      ['nope', 14, /no constant 'nope'/],
      ['1 +', 17, /'\)' cannot stand here[^]*expected an expression/],
      ['2 im', 14, /complex/],
      ['3abc', 14, /goes on with letters/],
      ['10dt', 14, /unit 'dt'/],
    ] as const) {
      assert.throws(
        () => angle(text),
        (thrown) => {
          assert.ok(thrown instanceof QasmError);
          assert.match(thrown.message, message);
          assert.equal(thrown.diagnostics[0]?.column, column, thrown.message);
          return true;
        },
      );
    }
    assert.throws(() => angleOf2('2**3'), /'\*\*' cannot stand here/);
    assert.throws(() => angleOf2('arcsin(1)'), /OpenQASM 2 calls it asin/);
    assert.throws(() => angleOf2('tau'), /no constant 'tau'/);
  });
});
