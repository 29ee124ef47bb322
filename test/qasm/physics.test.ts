// Every gate that the reader knows is decomposed into every target's own gates, to the matrix that the textbooks give.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseQasm } from '../../src/qasm/index.ts';
import { TARGETS, validateIr, type Gate, type Target } from '../../src/protocol/ir.ts';
import {
  adjoint,
  controlled,
  distance,
  GATES_BY_NAME,
  identity,
  product,
  unitaryOf,
  type Matrix,
} from './matrices.ts';

/** Angles at which decompositions have cases of their own, and one without a pattern. */
const ANGLES = [0, Math.PI / 2, -Math.PI / 2, Math.PI, -Math.PI, 2 * Math.PI, 3 * Math.PI, 0.7, -2.4, 1e-9];
const NEAR = 1e-12;

/** The gates that `text` becomes, on `qubits` qubits named q. */
function compiled(text: string, qubits: number, target: Target): readonly Gate[] {
  const { circuit } = parseQasm(`OPENQASM 3.0; qubit[${qubits}] q; ${text}`, { target, compile: true });
  return validateIr(circuit).gates;
}

function assertIs(
  text: string,
  qubits: number,
  expected: Matrix,
  targets: readonly Target[] = TARGETS,
): void {
  for (const target of targets) {
    const found = distance(unitaryOf(qubits, compiled(text, qubits, target)), expected);
    assert.ok(found < NEAR, `${text} on ${target}: off by ${found}`);
  }
}

function operands(qubits: number, from = 0): string {
  return Array.from({ length: qubits }, (_, k) => `q[${k + from}]`).join(', ');
}

function call(name: string, angles: readonly number[], qubits: number, from = 0): string {
  return `${name}${angles.length === 0 ? '' : `(${angles.join(', ')})`} ${operands(qubits, from)};`;
}

/** Lists of as many angles as a gate takes: each alone at every one, and all at once. */
function anglesFor(count: number): number[][] {
  if (count === 0) return [[]];
  return ANGLES.map((angle, k) =>
    Array.from({ length: count }, (_, j) =>
      j === 0 ? angle : (ANGLES[(k * 3 + j * 7) % ANGLES.length] ?? 0),
    ),
  );
}

describe('the standard gates', () => {
  for (const [name, [count, qubits, matrix]] of Object.entries(GATES_BY_NAME)) {
    it(`${name} is the gate of the textbook on every target`, () => {
      for (const angles of anglesFor(count)) assertIs(call(name, angles, qubits), qubits, matrix(...angles));
    });
  }

  it('rccx and rc3x are what qelib1.inc defines', () => {
    const same = (name: string, qubits: number, definition: string): void => {
      for (const target of TARGETS) {
        const expected = unitaryOf(
          qubits,
          compiled(
            `gate own ${'abcd'.slice(0, qubits).split('').join(', ')} { ${definition} } ${call('own', [], qubits)}`,
            qubits,
            target,
          ),
        );
        assertIs(call(name, [], qubits), qubits, expected, [target]);
      }
    };
    const [p, m] = ['u1(pi/4)', 'u1(-pi/4)'];
    same('rccx', 3, `u2(0,pi) c; ${p} c; cx b,c; ${m} c; cx a,c; ${p} c; cx b,c; ${m} c; u2(0,pi) c;`);
    same(
      'rc3x',
      4,
      `u2(0,pi) d; ${p} d; cx c,d; ${m} d; u2(0,pi) d; cx a,d; ${p} d; cx b,d; ${m} d; cx a,d; ${p} d; cx b,d; ${m} d; u2(0,pi) d; ${p} d; cx c,d; ${m} d; u2(0,pi) d;`,
    );
  });

  it('take as few gates for two qubits as they can', () => {
    const counts = (text: string): number[] =>
      TARGETS.map((target) => compiled(text, 3, target).filter(({ qubits }) => qubits.length === 2).length);
    // In the order cz, iswap, pcz, cnot.
    for (const [text, expected] of [
      ['cx q[0], q[1];', [1, 2, 1, 1]],
      ['cz q[0], q[1];', [1, 2, 1, 1]],
      ['cp(0.3) q[0], q[1];', [2, 2, 1, 2]],
      ['cp(pi) q[0], q[1];', [1, 2, 1, 1]],
      ['cry(0.3) q[0], q[1];', [2, 2, 1, 2]],
      ['rzz(0.3) q[0], q[1];', [2, 2, 1, 2]],
      ['swap q[0], q[1];', [3, 3, 3, 3]],
      ['iswap q[0], q[1];', [2, 1, 2, 2]],
      ['ecr q[0], q[1];', [1, 2, 1, 1]],
      ['ccx q[0], q[1], q[2];', [6, 12, 5, 6]],
      ['cswap q[0], q[1], q[2];', [8, 16, 7, 8]],
      ['h q[0]; t q[1]; crz(0) q[0], q[1];', [0, 0, 0, 0]],
    ] as const) {
      assert.deepEqual(counts(text), expected, text);
    }
  });

  it('take no more gates for one qubit than they need', () => {
    const names = (text: string, target: Target): string =>
      compiled(text, 2, target)
        .map(({ gate, params }) => `${gate}${params.length === 0 ? '' : `(${params.join(' ')})`}`)
        .join(' ');
    const { PI } = Math;
    for (const [text, target, expected] of [
      ['h q[0];', 'cz', `rz(${PI}) ry(${PI / 2})`],
      ['h q[0];', 'cnot', `y_minus_90 virtual_z(${PI})`],
      ['x q[0];', 'cz', `rx(${PI})`],
      ['y q[0];', 'cz', `ry(${PI})`],
      ['s q[0];', 'cz', `rz(${PI / 2})`],
      ['s q[0];', 'cnot', `virtual_z(${PI / 2})`],
      ['sx q[0];', 'cnot', 'x90'],
      ['u(0.1, 0.2, 0.3) q[0];', 'cz', 'rz(0.3) ry(0.1) rz(0.2)'],
      ['cx q[0], q[1];', 'cz', `ry(${-PI / 2}) cz ry(${PI / 2})`],
      ['cx q[0], q[1];', 'cnot', 'cnot'],
      ['cz q[0], q[1];', 'cz', 'cz'],
      ['cp(0.5) q[0], q[1];', 'pcz', 'cp(0.5)'],
      ['iswap q[0], q[1];', 'iswap', 'iswap'],
      ['rzz(0.5) q[0], q[1];', 'cnot', 'cnot virtual_z(0.5) cnot'],
    ] as const) {
      assert.equal(names(text, target), expected, `${text} on ${target}`);
    }
  });
});

describe('modifiers', () => {
  const names = fc.constantFrom(
    ...Object.keys(GATES_BY_NAME).filter((name) => (GATES_BY_NAME[name]?.[1] ?? 0) <= 2),
  );
  const drawn = fc.record({
    name: names,
    angles: fc.array(fc.double({ min: -7, max: 7, noNaN: true }), { minLength: 4, maxLength: 4 }),
    target: fc.constantFrom(...TARGETS),
  });

  function gateOf(
    name: string,
    all: readonly number[],
  ): { angles: number[]; qubits: number; matrix: Matrix } {
    const [count, qubits, matrix] = GATES_BY_NAME[name] ?? assert.fail(name);
    const angles = all.slice(0, count);
    return { angles, qubits, matrix: matrix(...angles) };
  }

  it('ctrl and negctrl control any gate, its phase too', () => {
    fc.assert(
      fc.property(
        drawn,
        fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }),
        ({ name, angles: all, target }, isNegative) => {
          const { angles, qubits, matrix } = gateOf(name, all);
          const width = qubits + isNegative.length;
          const modifiers = isNegative.map((negative) => (negative ? 'negctrl @ ' : 'ctrl @ ')).join('');
          const zeros = isNegative.flatMap((negative, k) => (negative ? [k] : []));
          assertIs(
            modifiers + call(name, angles, width),
            width,
            controlled(isNegative.length, matrix, zeros),
            [target],
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('inv is the inverse, and pow with a whole number repeats', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: -3, max: 4 }), ({ name, angles: all, target }, exponent) => {
        const { angles, qubits, matrix } = gateOf(name, all);
        const base = exponent < 0 ? adjoint(matrix) : matrix;
        const expected = Array.from({ length: Math.abs(exponent) }, () => base).reduce(
          product,
          identity(matrix.length),
        );
        assertIs(`inv @ ${call(name, angles, qubits)}`, qubits, adjoint(matrix), [target]);
        assertIs(`pow(${exponent}) @ ${call(name, angles, qubits)}`, qubits, expected, [target]);
        assertIs(
          `ctrl @ pow(${exponent}) @ ${call(name, angles, qubits + 1)}`,
          qubits + 1,
          controlled(1, expected),
          [target],
        );
      }),
      { numRuns: 200 },
    );
  });

  it('pow with a fraction is the principal root', () => {
    const root = (name: string, other: string, exponent: string): void => {
      const [, , matrix] = GATES_BY_NAME[other] ?? assert.fail(other);
      assertIs(`pow(${exponent}) @ ${name} q[0];`, 1, matrix());
      assertIs(`ctrl @ pow(${exponent}) @ ${name} q[0], q[1];`, 2, controlled(1, matrix()));
    };
    root('x', 'sx', '0.5');
    root('z', 's', '1 / 2.0');
    root('z', 't', '0.25');
    root('s', 'tdg', '-0.5');
    const [, , csx] = GATES_BY_NAME['csx'] ?? assert.fail('csx');
    assertIs('pow(0.5) @ cx q[0], q[1];', 2, csx());
  });

  it('work on gates of the program, which may contain others and loops', () => {
    const own = `
      gate turn(t) a { gphase(t); for int k in [1:2] { rz(k * t) a; } h a; }
      gate pair(t) a, b { turn(t / 2) a; inv @ turn(t) b; iswap a, b; }`;
    const h = GATES_BY_NAME['h']?.[2]() ?? assert.fail();
    const [, , rz] = GATES_BY_NAME['rz'] ?? assert.fail();
    const turn = product(h, rz(0.9)).map((row) =>
      row.map(
        ([re, im]) =>
          [re * Math.cos(0.3) - im * Math.sin(0.3), re * Math.sin(0.3) + im * Math.cos(0.3)] as const,
      ),
    );
    assertIs(`${own} turn(0.3) q[0];`, 1, turn);
    assertIs(`${own} ctrl @ turn(0.3) q[0], q[1];`, 2, controlled(1, turn));
    assertIs(`${own} pow(2) @ turn(0.3) q[0];`, 1, product(turn, turn));
    assertIs(`${own} pair(0.3) q[0], q[1]; inv @ pair(0.3) q[0], q[1];`, 2, identity(4));
    assertIs(`${own} ctrl(2) @ inv @ turn(0.3) q[0], q[1], q[2];`, 3, controlled(2, adjoint(turn)));
  });

  it('control up to 11 times, and no more', () => {
    for (const controls of [3, 4, 5]) {
      const { matrix } = gateOf('ry', [0.4]);
      assertIs(
        `ctrl(${controls}) @ ry(0.4) ${operands(controls + 1)};`,
        controls + 1,
        controlled(controls, matrix),
        ['cz', 'pcz'],
      );
    }
    assert.ok(compiled(`ctrl(11) @ x ${operands(12)};`, 12, 'cz').length > 4_000);
    assert.throws(
      () => compiled(`ctrl(12) @ x ${operands(13)};`, 13, 'cz'),
      /more than 12 qubits is not decomposed/,
    );
  });
});
