// Programs as the field's tools write them: all are read for every target, and give the same distribution on each.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { applyGate, groundState, probabilities } from '../../plugins/simulator/statevector.ts';
import { TARGETS, validateIr, type NativeGateIR, type Target } from '../../src/protocol/ir.ts';
import { parseQasm } from '../../src/qasm/index.ts';

const FOLDER = join('test', 'qasm', 'fixtures');

/** By file: how many bits are measured, and something that physics says of them. */
const KNOWN: Readonly<
  Record<string, { readonly measured: readonly number[]; readonly check?: (found: Float64Array) => void }>
> = {
  'qiskit-3.qasm': { measured: [0, 1, 2] },
  'qiskit-2.qasm': { measured: [2, 0, 1] },
  'braket.qasm': { measured: [0, 1, 2] },
  'braket-verbatim.qasm': { measured: [0, 1] },
  'oqtopus.qasm': { measured: [0, 1], check: (found) => assertNear(found, [0.5, 0, 0, 0.5]) },
  'oqtopus-physical.qasm': {
    measured: [0, 1, 2],
    check: (found) => assertNear(found, [0.25, 0, 0, 0.25, 0.25, 0, 0, 0.25]),
  },
  'cirq.qasm': { measured: [0, 2, 1] },
};

function assertNear(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  for (let k = 0; k < expected.length; k++) {
    assert.ok(
      Math.abs((found[k] ?? NaN) - (expected[k] ?? NaN)) < 1e-12,
      `${Array.from(found).join(' ')} is not ${Array.from(expected).join(' ')}`,
    );
  }
}

function read(name: string, target: Target): NativeGateIR {
  const { circuit } = parseQasm(readFileSync(join(FOLDER, name), 'utf8'), {
    target,
    compile: true,
    file: name,
  });
  return validateIr(circuit);
}

function distributionOf({ num_qubits: qubits, gates, measurements }: NativeGateIR): Float64Array {
  const state = groundState(qubits);
  for (const { gate, qubits: on, params } of gates) applyGate(state, gate, on, params);
  return probabilities(state, measurements);
}

describe('programs of other tools', () => {
  it('are all known here', () => {
    assert.deepEqual(readdirSync(FOLDER).toSorted(), Object.keys(KNOWN).toSorted());
  });

  for (const [name, { measured, check }] of Object.entries(KNOWN)) {
    // A verbatim box has only gates of the target that it was written for.
    const targets = name === 'braket-verbatim.qasm' ? (['cz'] as const) : TARGETS;
    it(`${name} is read for ${targets.join(', ')}`, () => {
      const [first, ...others] = targets.map((target) => read(name, target));
      assert.ok(first !== undefined);
      assert.deepEqual(first.measurements, measured);
      const distribution = distributionOf(first);
      check?.(distribution);
      for (const other of others) assertNear(distributionOf(other), distribution);
    });
  }

  it('of Qiskit keep their iswap, although they define it in other gates', () => {
    const count = (target: Target): number =>
      read('qiskit-3.qasm', target).gates.filter(({ gate }) => gate === 'iswap').length;
    // One of the program, and two for each of its four cx.
    assert.equal(count('iswap'), 9);
  });
});
