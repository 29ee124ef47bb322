import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import plugin from 'coda-plugin-qubit-mapping';
import { definePlugin, type Device, type Edge, type NativeGateIR } from 'coda-node';
import { ghz, testPlugin } from 'coda-node/testing';

/** A ring of five qubits, and one that nothing is connected to but its neighbour. */
const RING: readonly Edge[] = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 4],
  [4, 0],
  [4, 5],
];

/** The simulator, with these edges. */
const withDevice = (device: Device): ReturnType<typeof definePlugin> =>
  definePlugin({
    name: 'device',
    apply: ({ hooks }) => hooks.wrapExecutor.tap('device', () => ({ device })),
  });

const ring = withDevice({ logicalEdges: RING });

describe('the mapping', () => {
  it('leaves a circuit where it is, if it fits there', async () => {
    const ir = ghz(3, 'cz').ir;
    const { jobs } = await testPlugin(plugin, { executor: 'simulator', plugins: [ring], jobs: [{ ir }] });
    assert.deepEqual(jobs[0]?.circuit?.gates, ir.gates);
    assert.deepEqual(jobs[0].annotations['qubits'], [0, 1, 2]);
  });

  it('moves a circuit off broken qubits, and measures the same', async () => {
    const sample = ghz(3, 'cz');
    const { jobs } = await testPlugin(plugin, {
      options: { broken: [1] },
      executor: 'simulator',
      plugins: [ring],
      jobs: [{ ir: sample.ir, shots: 500 }],
    });
    const [job] = jobs;
    assert.ok(job?.outcome?.status === 'completed', job?.error);
    assert.deepEqual(sample.expected(job.outcome.counts, 500), {
      ok: true,
      reason: 'only 000 and 111, each about half',
    });
    for (const { qubits } of job.circuit?.gates ?? []) {
      assert.ok(!qubits.includes(1));
      const [a = 0, b = a] = qubits;
      assert.ok(a === b || RING.some((edge) => edge.includes(a) && edge.includes(b)), `${a} and ${b}`);
    }
  });

  it('keeps the direction of a CNOT', async () => {
    const { jobs } = await testPlugin(plugin, {
      executor: 'simulator',
      plugins: [withDevice({ directedEdges: [[3, 1]] })],
      jobs: [{ ir: ghz(2, 'cnot').ir, shots: 100 }],
    });
    assert.deepEqual(jobs[0]?.annotations['qubits'], [3, 1]);
  });

  it('refuses what does not fit, in its own words', async () => {
    const triangle: NativeGateIR = {
      ...ghz(3, 'cz').ir,
      gates: [
        [0, 1],
        [1, 2],
        [2, 0],
      ].map((qubits) => ({ gate: 'cz', qubits, params: [] })),
    };
    const { jobs } = await testPlugin(plugin, {
      executor: 'simulator',
      plugins: [ring],
      jobs: [{ ir: triangle }, { ir: ghz(7, 'cz').ir }, { ir: ghz(2, 'cz').ir }],
    });
    assert.deepEqual(
      jobs.map(({ error, runs }) => ({ error, runs })),
      [
        {
          error:
            'this circuit does not fit on the device: the device has no qubits that are connected as its gates need it',
          runs: 0,
        },
        {
          error:
            'this circuit does not fit on the device: it has 7 qubits, and the device 6 that can be used',
          runs: 0,
        },
        { error: undefined, runs: 1 },
      ],
    );
  });

  it('gives up a search that takes too long', async () => {
    const { jobs } = await testPlugin(plugin, {
      options: { maxSteps: 2 },
      plugins: [ring],
      jobs: [{ ir: ghz(3, 'cz').ir }],
    });
    assert.match(jobs[0]?.error ?? '', /no place was found in 2 steps/);
  });

  it('wants an executor that has a device', async () => {
    await assert.rejects(
      testPlugin(plugin),
      /does not say which qubits are connected\n.*Give the executor a `device`/,
    );
  });
});
