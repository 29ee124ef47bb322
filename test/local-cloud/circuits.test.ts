// The sample circuits against the simulator: each compiles to the right physics on every target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSimulator } from '../../plugins/simulator/executor.ts';
import { silentLogger } from '../../src/log.ts';
import { TARGETS, validateIr, type Gate, type NativeGateIR, type Target } from '../../src/protocol/ir.ts';
import { controlledNot, hadamard } from '../../src/local-cloud/circuits.ts';
import { bell, ghz, randomCircuit } from '../../src/testing/index.ts';

const SHOTS = 4000;
const simulator = createSimulator({ seed: 7 });

async function measure(ir: NativeGateIR, shots = SHOTS): Promise<Record<string, number>> {
  const context = { jobId: 'x', signal: new AbortController().signal, log: silentLogger };
  return (await simulator.run(validateIr(ir), shots, context)).counts;
}

for (const target of TARGETS) {
  test(`Bell and GHZ states are right on ${target}`, async () => {
    for (const sample of [bell(target), ...[2, 3, 5, 9].map((qubits) => ghz(qubits, target))]) {
      const counts = await measure(sample.ir);
      assert.equal(Object.keys(counts).length, 2);
      assert.deepEqual(sample.expected(counts, SHOTS).ok, true, sample.title);
    }
  });

  test(`a CNOT on ${target} flips, and kicks phases back`, async () => {
    const flip = (qubit: number): Gate => ({ gate: 'rx', qubits: [qubit], params: [Math.PI] });
    const both = [...hadamard(0, target), ...hadamard(1, target)];
    for (const [input, output, mirrored] of [
      ['00', '00', '00'],
      ['01', '01', '11'],
      ['10', '11', '10'],
      ['11', '10', '01'],
    ] as const) {
      const prepare = Array.from(input).flatMap((bit, qubit) => (bit === '1' ? [flip(qubit)] : []));
      const cnot = controlledNot(0, 1, target);
      assert.deepEqual(await measure(circuit(target, [...prepare, ...cnot])), { [output]: SHOTS });
      // Between Hadamards, control and target change places: true only if all phases are right.
      assert.deepEqual(await measure(circuit(target, [...prepare, ...both, ...cnot, ...both])), {
        [mirrored]: SHOTS,
      });
    }
  });

  test(`random circuits on ${target} are valid, and the same for the same seed`, async () => {
    const { ir, expected } = randomCircuit(11, 4, 6, target);
    assert.deepEqual(randomCircuit(11, 4, 6, target).ir.gates, ir.gates);
    assert.notDeepEqual(randomCircuit(12, 4, 6, target).ir.gates, ir.gates);
    const counts = await measure(ir);
    assert.ok(Object.keys(counts).length > 2);
    assert.equal(expected(counts, SHOTS).ok, true);
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 50 }), fc.nat(8), (seed, qubits, depth) => {
        validateIr(randomCircuit(seed, qubits, depth, target).ir);
      }),
    );
  });
}

function circuit(target: Target, gates: readonly Gate[]): NativeGateIR {
  return { ...bell(target).ir, gates };
}

test('wrong physics is noticed', () => {
  const { expected } = ghz(3, 'cz');
  assert.equal(expected({ '000': 500, '111': 500 }, 1000).ok, true);
  assert.match(expected({ '000': 499, '010': 1, '111': 500 }, 1000).reason, /010 was measured 1 times/);
  assert.match(expected({ '000': 1000 }, 1000).reason, /more than 5 sigma/);
  assert.match(expected({ '111': 1000 }, 1000).reason, /more than 5 sigma/);
  assert.match(expected({ '000': 400, '111': 500 }, 1000).reason, /add up to 900/);
  assert.match(expected({ '00': 500, '11': 500 }, 1000).reason, /not a bitstring of 3/);
  assert.equal(expected({}, 1000).ok, false);

  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.nat(), (shots, at) => {
      const zeros = at % (shots + 1);
      const isNear = Math.abs(zeros - shots / 2) <= 2.5 * Math.sqrt(shots);
      assert.equal(expected({ '000': zeros, '111': shots - zeros }, shots).ok, isNear);
    }),
  );
});

test('a random circuit is judged by its shape', () => {
  const { expected } = randomCircuit(1, 2, 3, 'cz');
  assert.equal(expected({ '01': 10 }, 10).ok, true);
  assert.equal(expected({ '01': 9 }, 10).ok, false);
  assert.equal(expected({ '0': 10 }, 10).ok, false);
  assert.equal(expected({ '0x': 10 }, 10).ok, false);
});
