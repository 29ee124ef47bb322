// The kernel against an independent simulator, and against matrices written down by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  applyGate,
  groundState,
  probabilities,
  type StateVector,
} from '../../../plugins/simulator/statevector.ts';
import { ExecutorError, LEGAL_GATES, type Gate, type GateName } from '../../../src/index.ts';
import { anyCircuit, gate, GATE_NAMES, referenceState, TARGETS } from './reference.ts';

const TOLERANCE = 1e-12;

function stateAfter(qubits: number, gates: readonly Gate[]): StateVector {
  const state = groundState(qubits);
  for (const each of gates) applyGate(state, each.gate, each.qubits, each.params);
  return state;
}

/** The largest distance between amplitudes, after turning `other` by the best global phase. */
function distance(state: StateVector, other: StateVector): number {
  let overlapRe = 0;
  let overlapIm = 0;
  for (let i = 0; i < state.re.length; i++) {
    const [aRe, aIm, bRe, bIm] = [state.re[i]!, state.im[i]!, other.re[i]!, other.im[i]!];
    overlapRe += bRe * aRe + bIm * aIm;
    overlapIm += bRe * aIm - bIm * aRe;
  }
  const overlap = Math.hypot(overlapRe, overlapIm);
  const [phaseRe, phaseIm] = [overlapRe / overlap, overlapIm / overlap];
  let largest = 0;
  for (let i = 0; i < state.re.length; i++) {
    const re = phaseRe * other.re[i]! - phaseIm * other.im[i]!;
    const im = phaseRe * other.im[i]! + phaseIm * other.re[i]!;
    largest = Math.max(largest, Math.hypot(state.re[i]! - re, state.im[i]! - im));
  }
  return largest;
}

function agreesWithReference({ qubits, gates }: { qubits: number; gates: readonly Gate[] }): void {
  const state = stateAfter(qubits, gates);
  const reference = referenceState(qubits, gates);
  assert.ok(distance(state, reference) < TOLERANCE, `amplitudes differ by ${distance(state, reference)}`);

  const all = [...Array(qubits).keys()];
  const expected = probabilities(reference, all);
  probabilities(state, all).forEach((probability, outcome) =>
    assert.ok(Math.abs(probability - expected[outcome]!) < TOLERANCE, `probability of ${outcome} differs`),
  );
}

describe('the state-vector kernel agrees with quantum-circuit', () => {
  for (const target of TARGETS) {
    it(`on circuits for target ${target}`, () => {
      fc.assert(fc.property(anyCircuit(LEGAL_GATES[target]), agreesWithReference), { numRuns: 60 });
    });
  }

  it('on circuits of all eleven gates', () => {
    assert.equal(GATE_NAMES.length, 11);
    fc.assert(fc.property(anyCircuit(GATE_NAMES), agreesWithReference), { numRuns: 100 });
  });

  // Random circuits can go long without a gate that matters; here every gate acts on a state
  // whose amplitudes are all different, on both orders of two distant qubits.
  for (const name of GATE_NAMES) {
    it(`on ${name} alone`, () => {
      const generic = [0, 1, 2].flatMap((qubit) => [
        gate('ry', [qubit], [0.3 + qubit]),
        gate('rz', [qubit], [0.7 + 2 * qubit]),
      ]);
      for (const qubits of [
        [0, 2],
        [2, 0],
        [1, 2],
      ]) {
        const twoQubits = ['cz', 'iswap', 'cnot', 'cp'].includes(name);
        const angle = ['x90', 'y_minus_90', 'cz', 'iswap', 'cnot'].includes(name) ? [] : [0.9];
        const gates = [...generic, gate(name, twoQubits ? qubits : qubits.slice(0, 1), angle)];
        agreesWithReference({ qubits: 3, gates });
      }
    });
  }
});

describe('gate definitions', () => {
  const h = Math.SQRT1_2;
  /** Gate, the basis state it acts on (bit q is qubit q), the exact amplitudes it must give. */
  const cases: [Gate, number, [number, number][]][] = [
    [gate('rx', [0], [Math.PI / 2]), 0b0, [[h, 0], [0, -h]]], // prettier-ignore
    [gate('x90', [0]), 0b1, [[0, -h], [h, 0]]], // prettier-ignore
    [gate('ry', [0], [Math.PI / 2]), 0b0, [[h, 0], [h, 0]]], // prettier-ignore
    [gate('y_minus_90', [0]), 0b0, [[h, 0], [-h, 0]]], // prettier-ignore
    [gate('rz', [0], [Math.PI / 2]), 0b0, [[h, -h], [0, 0]]], // prettier-ignore
    [gate('rz', [0], [Math.PI / 2]), 0b1, [[0, 0], [h, h]]], // prettier-ignore
    [gate('virtual_z', [0], [Math.PI / 2]), 0b1, [[0, 0], [h, h]]], // prettier-ignore
    [gate('id', [0], [100]), 0b1, [[0, 0], [1, 0]]], // prettier-ignore
    [gate('cz', [0, 1]), 0b11, [[0, 0], [0, 0], [0, 0], [-1, 0]]], // prettier-ignore
    [gate('cz', [0, 1]), 0b10, [[0, 0], [0, 0], [1, 0], [0, 0]]], // prettier-ignore
    [gate('cp', [0, 1], [Math.PI / 4]), 0b11, [[0, 0], [0, 0], [0, 0], [h, h]]], // prettier-ignore
    [gate('iswap', [0, 1]), 0b01, [[0, 0], [0, 0], [0, 1], [0, 0]]], // prettier-ignore
    [gate('iswap', [0, 1]), 0b11, [[0, 0], [0, 0], [0, 0], [1, 0]]], // prettier-ignore
    [gate('cnot', [0, 1]), 0b01, [[0, 0], [0, 0], [0, 0], [1, 0]]], // prettier-ignore
    [gate('cnot', [0, 1]), 0b10, [[0, 0], [0, 0], [1, 0], [0, 0]]], // prettier-ignore
    [gate('cnot', [1, 0]), 0b10, [[0, 0], [0, 0], [0, 0], [1, 0]]], // prettier-ignore
  ];

  for (const [each, basis, expected] of cases) {
    const name = `${each.gate}(${[...each.qubits, ...each.params.map((angle) => angle.toFixed(3))].join(', ')})`;
    it(`${name} on basis state ${basis.toString(2).padStart(Math.log2(expected.length), '0')}`, () => {
      const state = groundState(Math.log2(expected.length));
      state.re[0] = 0;
      state.re[basis] = 1;
      applyGate(state, each.gate, each.qubits, each.params);
      expected.forEach(([re, im], i) => {
        assert.ok(Math.hypot(state.re[i]! - re, state.im[i]! - im) < 1e-15, `amplitude ${i} differs`);
      });
    });
  }

  it('refuses a gate that it does not know', () => {
    // A plain-JavaScript caller is not held back by the type.
    const unknown = 'hadamard' as GateName;
    assert.throws(() => applyGate(groundState(1), unknown, [0], []), ExecutorError);
  });
});

it('keeps the norm over a thousand gates', () => {
  const gates = Array.from({ length: 1000 }, (_, i) =>
    i % 3 === 0 ? gate('iswap', [i % 5, (i + 1) % 5]) : gate(i % 2 === 0 ? 'rx' : 'ry', [i % 5], [i / 7]),
  );
  const [norm] = probabilities(stateAfter(5, gates), []);
  assert.ok(Math.abs(norm! - 1) < 1e-12, `the norm is ${norm}`);
});

it('probabilities of some positions are the marginal distribution, in the order asked for', () => {
  // Position 0 is 1 with probability 1/4, position 2 with probability 1; position 1 is spectator.
  const state = stateAfter(3, [
    gate('ry', [0], [Math.PI / 3]),
    gate('ry', [1], [1]),
    gate('rx', [2], [Math.PI]),
  ]);
  const close = (actual: Float64Array, expected: number[]): void =>
    expected.forEach((probability, i) => assert.ok(Math.abs(actual[i]! - probability) < 1e-15));
  close(probabilities(state, [0, 2]), [0, 0, 0.75, 0.25]);
  close(probabilities(state, [2, 0]), [0, 0.75, 0, 0.25]);
  close(probabilities(state, [2]), [0, 1]);
});
