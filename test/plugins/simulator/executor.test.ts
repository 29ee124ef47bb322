// The simulator as its users see it: circuits in, counts out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createSimulator } from '../../../plugins/simulator/executor.ts';
import { probabilities } from '../../../plugins/simulator/statevector.ts';
import { ConfigError, ExecutorError, type Gate, type RunContext } from '../../../src/index.ts';
import { silentLogger } from '../../../src/log.ts';
import { anyCircuit, circuit, gate, GATE_NAMES, referenceState } from './reference.ts';

const SEED = 20_240_229;
const X = Math.PI;

function context(signal: AbortSignal = new AbortController().signal): RunContext {
  return { jobId: 'job', signal, log: silentLogger };
}

async function countsOf(
  qubits: number,
  gates: readonly Gate[],
  measurements: readonly number[],
  shots = 1000,
): Promise<Record<string, number>> {
  const result = await createSimulator({ seed: SEED }).run(
    circuit(qubits, gates, measurements),
    shots,
    context(),
  );
  assert.equal(result.shotsCompleted, shots);
  assert.ok(Number.isFinite(result.executionTimeMs) && result.executionTimeMs >= 0);
  assert.equal(
    Object.values(result.counts).reduce((sum, count) => sum + count, 0),
    shots,
  );
  return result.counts;
}

/** |0…0⟩ + |1…1⟩ over `qubits` qubits. */
function ghz(qubits: number): Gate[] {
  const spread = Array.from({ length: qubits - 1 }, (_, i) => gate('cnot', [i, i + 1]));
  return [gate('ry', [0], [Math.PI / 2]), ...spread];
}

function chiSquare(counts: Record<string, number>, expected: Record<string, number>): number {
  return Object.entries(expected).reduce(
    (sum, [key, mean]) => sum + ((counts[key] ?? 0) - mean) ** 2 / mean,
    0,
  );
}

describe('counts', () => {
  it('of a Bell pair', async () => {
    const counts = await countsOf(2, ghz(2), [0, 1], 10_000);
    assert.deepEqual(Object.keys(counts).toSorted(), ['00', '11']);
    assert.ok(chiSquare(counts, { '00': 5000, '11': 5000 }) < 11, JSON.stringify(counts));
  });

  it('of a Bell pair made by each target', async () => {
    const plus = [gate('ry', [0], [Math.PI / 2]), gate('ry', [1], [Math.PI / 2])];
    const undo = gate('ry', [1], [-Math.PI / 2]);
    for (const entangle of [gate('cz', [0, 1]), gate('cp', [0, 1], [Math.PI])]) {
      assert.deepEqual(Object.keys(await countsOf(2, [...plus, entangle, undo], [0, 1])).toSorted(), [
        '00',
        '11',
      ]);
    }
    // iSWAP moves the excitation of qubit 0 to qubit 1.
    assert.deepEqual(await countsOf(2, [gate('rx', [0], [X]), gate('iswap', [0, 1])], [0, 1]), {
      '01': 1000,
    });
  });

  it('of a 12-qubit GHZ state', async () => {
    const all = [...Array(12).keys()];
    const counts = await countsOf(12, ghz(12), all, 10_000);
    assert.deepEqual(Object.keys(counts).toSorted(), ['0'.repeat(12), '1'.repeat(12)]);
  });

  it('put the k-th measurement at the k-th character', async () => {
    const flipped = [gate('rx', [1], [X])];
    assert.deepEqual(await countsOf(3, flipped, [0, 1, 2]), { '010': 1000 });
    assert.deepEqual(await countsOf(3, flipped, [1, 0, 2]), { '100': 1000 });
    assert.deepEqual(await countsOf(3, flipped, [2, 0, 1]), { '001': 1000 });
  });

  it('of some qubits leave the others out', async () => {
    assert.deepEqual(await countsOf(5, [gate('rx', [3], [X]), ...ghz(2)], [3]), { '1': 1000 });
    assert.deepEqual(Object.keys(await countsOf(5, ghz(3), [2, 0])).toSorted(), ['00', '11']);
  });

  it('repeat the bit of a qubit that is measured twice', async () => {
    assert.deepEqual(Object.keys(await countsOf(2, ghz(2), [0, 1, 0])).toSorted(), ['000', '111']);
  });

  it('are 0 for qubits without a gate, wherever they are', async () => {
    assert.deepEqual(await countsOf(50, [gate('rx', [49], [X])], [48, 49, 0]), { '010': 1000 });
    assert.deepEqual(await countsOf(3, [], [2, 0]), { '00': 1000 });
    assert.deepEqual(await countsOf(3, [gate('id', [1], [50])], [1]), { '0': 1000 });
  });

  it('without measurements are one empty key', async () => {
    assert.deepEqual(await countsOf(2, ghz(2), []), { '': 1000 });
  });

  it('of a single shot are one outcome', async () => {
    const counts = await countsOf(2, ghz(2), [0, 1], 1);
    assert.equal(Object.keys(counts).length, 1);
  });

  it('follow the distribution of the circuit', async () => {
    const rotations = [0, 1, 2, 3].flatMap((qubit) => [
      gate('ry', [qubit], [1.2 + 0.2 * qubit]),
      gate('rz', [qubit], [0.5 + 0.3 * qubit]),
    ]);
    const gates = [
      ...rotations,
      gate('iswap', [0, 1]),
      gate('cp', [1, 2], [0.8]),
      gate('cnot', [2, 3]),
      ...rotations,
    ];
    const shots = 200_000;
    const order = [2, 0, 3, 1];
    const counts = await countsOf(4, gates, order, shots);
    const expected: Record<string, number> = {};
    probabilities(referenceState(4, gates), order).forEach((probability, outcome) => {
      const key = order.map((_, k) => (outcome >> k) & 1).join('');
      expected[key] = probability * shots;
    });
    assert.ok(
      Object.values(expected).every((mean) => mean > 5),
      'the bound needs a few shots an outcome',
    );
    // 15 degrees of freedom: 45 is exceeded once in ten thousand seeds, and this one is fixed.
    assert.ok(chiSquare(counts, expected) < 45, `chi-square ${chiSquare(counts, expected)}`);
  });

  it('have only possible outcomes, as long as the measurements, for any circuit', async () => {
    const input = anyCircuit(GATE_NAMES).chain(({ qubits, gates }) =>
      fc.record({
        qubits: fc.constant(qubits),
        gates: fc.constant(gates),
        measurements: fc.array(fc.integer({ min: 0, max: qubits - 1 }), { maxLength: 8 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(input, async ({ qubits, gates, measurements }) => {
        const counts = await countsOf(qubits, gates, measurements, 100);
        const distinct = [...new Set(measurements)];
        const possible = probabilities(referenceState(qubits, gates), distinct);
        for (const [key, count] of Object.entries(counts)) {
          assert.equal(key.length, measurements.length);
          assert.ok(Number.isInteger(count) && count > 0);
          const outcome = distinct.reduce(
            (bits, qubit, j) => bits | (Number(key[measurements.indexOf(qubit)]) << j),
            0,
          );
          assert.ok(possible[outcome]! > 1e-12, `${key} cannot happen`);
          measurements.forEach((qubit, k) => assert.equal(key[k], key[measurements.indexOf(qubit)]));
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the seed', () => {
  const fair = circuit(3, [gate('x90', [0]), gate('x90', [1]), gate('x90', [2])], [0, 1, 2]);

  async function threeRuns(seed?: number): Promise<Record<string, number>[]> {
    const simulator = createSimulator(seed === undefined ? {} : { seed });
    const results = [];
    for (let i = 0; i < 3; i++) results.push((await simulator.run(fair, 100_000, context())).counts);
    return results;
  }

  it('repeats a sequence of runs, each run with its own stream', async () => {
    const first = await threeRuns(SEED);
    assert.deepEqual(await threeRuns(SEED), first);
    assert.notDeepEqual(first[0], first[1]);
    assert.notDeepEqual(first[1], first[2]);
    assert.notDeepEqual(await threeRuns(SEED + 1), first);
  });

  it('is random by default', async () => {
    // 300,000 shots over eight equal outcomes: two seeds agree once in more than 10^40 times.
    assert.notDeepEqual(await threeRuns(), await threeRuns());
  });

  it('gives a run the same stream whether or not other runs are in progress', async () => {
    const simulator = createSimulator({ seed: SEED });
    const together = await Promise.all([0, 1, 2].map(() => simulator.run(fair, 100_000, context())));
    assert.deepEqual(
      together.map((result) => result.counts),
      await threeRuns(SEED),
    );
  });

  it('and maxQubits must be whole numbers in range', () => {
    for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
      assert.throws(
        () => createSimulator({ seed }),
        (e) => e instanceof ConfigError && /seed/.test(e.message),
      );
    }
    for (const maxQubits of [0, 21, 2.5]) {
      assert.throws(
        () => createSimulator({ maxQubits }),
        (e) => e instanceof ConfigError && /maxQubits/.test(e.message),
      );
    }
  });
});

describe('limits', () => {
  function flips(qubits: number): Gate[] {
    return Array.from({ length: qubits }, (_, qubit) => gate('rx', [qubit], [X]));
  }

  function refusal(error: unknown, ...words: string[]): boolean {
    assert.ok(error instanceof ExecutorError);
    for (const word of words)
      assert.ok(error.message.includes(word), `'${word}' is not in: ${error.message}`);
    return true;
  }

  it('12 qubits run, 13 are refused with both numbers and a remedy', async () => {
    assert.deepEqual(await countsOf(13, flips(12), [0, 11, 12]), { '110': 1000 });
    const run = createSimulator().run(circuit(13, flips(13), [0]), 10, context());
    await assert.rejects(run, (error) => refusal(error, '13 qubits', 'at most 12', 'maxQubits'));
  });

  it('count only qubits with a gate: idle, id and measured ones are free', async () => {
    const idle = Array.from({ length: 50 }, (_, qubit) => gate('id', [qubit], [20]));
    const all = [...Array(50).keys()];
    const expected = '1'.repeat(12) + '0'.repeat(38);
    assert.deepEqual(await countsOf(50, [...idle, ...flips(12)], all), { [expected]: 1000 });
  });

  it('maxQubits moves the limit', async () => {
    const wide = await createSimulator({ maxQubits: 13 }).run(circuit(13, flips(13), [12]), 10, context());
    assert.deepEqual(wide.counts, { '1': 10 });
    const narrow = createSimulator({ maxQubits: 2 }).run(circuit(3, flips(3), [0]), 10, context());
    await assert.rejects(narrow, (error) => refusal(error, '3 qubits', 'at most 2'));
  });

  it('refuses a number of shots that is no count or beyond the limit', async () => {
    for (const shots of [0, 1.5, NaN, 1_000_000_001]) {
      const run = createSimulator().run(circuit(1, flips(1), [0]), shots, context());
      await assert.rejects(run, (error) => refusal(error, `${shots} shots`, '1000000000'));
    }
  });
});

describe('abort', () => {
  const reason = new Error('cancelled by the cloud');

  /** Aborts on the event loop's next turn: a run that never yields would end by result instead. */
  async function abortedRun(gates: readonly Gate[], shots: number): Promise<void> {
    const controller = new AbortController();
    const run = createSimulator().run(circuit(12, gates, [0]), shots, context(controller.signal));
    setImmediate(() => controller.abort(reason));
    await assert.rejects(run, (error) => error === reason);
  }

  it('before the start runs nothing', async () => {
    const run = createSimulator().run(circuit(1, [], [0]), 10, context(AbortSignal.abort(reason)));
    await assert.rejects(run, (error) => error === reason);
  });

  it('among the gates ends the run with the signal’s reason', async () => {
    const gates = Array.from({ length: 100_000 }, (_, i) => gate('rx', [i % 12], [0.1]));
    await abortedRun(gates, 1);
  });

  it('among the shots ends the run with the signal’s reason', async () => {
    await abortedRun([gate('x90', [0])], 1_000_000_000);
  });

  it('leaves the simulator able to run the next circuit', async () => {
    const simulator = createSimulator({ seed: SEED });
    const aborted = simulator.run(circuit(1, [], [0]), 10, context(AbortSignal.abort(reason)));
    await assert.rejects(aborted, (error) => error === reason);
    const result = await simulator.run(circuit(1, [gate('rx', [0], [X])], [0]), 10, context());
    assert.deepEqual(result.counts, { '1': 10 });
  });
});

it('reports no device: every qubit couples to every other', () => {
  assert.equal(createSimulator().device, undefined);
});
