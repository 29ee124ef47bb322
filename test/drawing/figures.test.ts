// What is counted of a circuit.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationOf, figuresOf } from '../../src/drawing/figures.ts';
import { angleText, ASCII_SIGNS, nanosecondsText, UNICODE_SIGNS } from '../../src/drawing/symbols.ts';
import { drawable } from './circuits.ts';

const CIRCUIT = drawable(
  5,
  [
    ['rx', 0, 1],
    ['cz', 0, 1],
    ['cz', 1, 2],
    ['rx', 0, 1],
    ['rx', 0, 1],
    ['id', 3, 500],
  ],
  [0, 1, 1],
);

describe('the figures of a circuit', () => {
  it('count gates, depth along the qubits, and qubits in use', () => {
    assert.deepEqual(figuresOf(CIRCUIT), {
      qubits: 5,
      qubitsUsed: 4,
      gates: 6,
      byGate: [
        ['rx', 3],
        ['cz', 2],
        ['id', 1],
      ],
      twoQubitGates: 2,
      depth: 4,
      twoQubitDepth: 2,
      measurements: 3,
    });
    const { depth, twoQubitDepth, qubitsUsed, byGate } = figuresOf(drawable(3, []));
    assert.deepEqual([depth, twoQubitDepth, qubitsUsed, byGate], [0, 0, 0, []]);
  });

  it('have a time if the times of all its gates are known', () => {
    assert.deepEqual(durationOf(CIRCUIT, { rx: 20, cz: 40, measure: 300 }), {
      nanoseconds: 800,
      isWhole: true,
    });
    assert.deepEqual(durationOf(CIRCUIT, { rx: 300, cz: 40 }), { nanoseconds: 940, isWhole: false });
    assert.deepEqual(durationOf(CIRCUIT, { measure: 300 }), { missing: ['rx', 'cz'] });
    assert.deepEqual(durationOf(drawable(1, [['id', 0, -5]]), {}), { nanoseconds: 0, isWhole: true });
  });
});

describe('numbers in drawings', () => {
  it('are fractions of π if they are exact, else short', () => {
    const texts = [
      0,
      Math.PI,
      -Math.PI / 2,
      (3 * Math.PI) / 4,
      (-5 * Math.PI) / 3,
      2 * Math.PI,
      Math.PI / 64,
    ].map((angle) => angleText(angle, UNICODE_SIGNS));
    assert.deepEqual(texts, ['0', 'π', '-π/2', '3π/4', '-5π/3', '2π', 'π/64']);
    const others = [1, 0.1234567, Math.PI + 1e-6, 1e-9, -1e300, -0].map((angle) =>
      angleText(angle, ASCII_SIGNS),
    );
    assert.deepEqual(others, ['1', '0.1235', '3.142', '1e-9', '-1e+300', '0']);
    assert.equal(angleText(Math.PI / 2, ASCII_SIGNS), 'pi/2');
  });

  it('are durations in a unit that is easy to read', () => {
    const texts = [0, 20, 999, 1_500, 2_345_678, 3e9].map((time) => nanosecondsText(time, UNICODE_SIGNS));
    assert.deepEqual(texts, ['0ns', '20ns', '999ns', '1.5µs', '2.346ms', '3s']);
    assert.equal(nanosecondsText(1_500, ASCII_SIGNS), '1.5us');
  });
});
