// A plugin that prepares circuits: ahead of the device, with its own words to the cloud, and checked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  definePlugin,
  JobError,
  type CodaNode,
  type Executor,
  type Job,
  type NativeGateIR,
} from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { CountingExecutor, HeldExecutor, zeros } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };
type Prepare = (circuit: NativeGateIR, job: Job) => NativeGateIR | Promise<NativeGateIR>;

function preparing(prepare: Prepare, name = 'mapper'): ReturnType<typeof definePlugin> {
  return definePlugin({
    name,
    apply: (node: CodaNode) =>
      node.hooks.prepare.tapPromise(name, async (circuit, held) => prepare(circuit, held)),
  });
}

class Recorder implements Executor {
  readonly circuits: NativeGateIR[] = [];

  run(ir: NativeGateIR, shots: number): ReturnType<Executor['run']> {
    this.circuits.push(ir);
    return Promise.resolve(zeros(ir, shots));
  }
}

const move = (by: number): Prepare => {
  return (circuit) => ({
    ...circuit,
    num_qubits: circuit.num_qubits + by,
    gates: circuit.gates.map((gate) => ({ ...gate, qubits: gate.qubits.map((qubit) => qubit + by) })),
    measurements: circuit.measurements.map((qubit) => qubit + by),
  });
};

describe('a plugin in prepare', () => {
  it('changes what runs, each after the one before it', async () => {
    const executor = new Recorder();
    const seen: NativeGateIR[] = [];
    const plugins = [
      preparing(move(1), 'first'),
      preparing(move(2), 'second'),
      preparing((circuit) => circuit, 'third'),
      definePlugin({
        name: 'witness',
        apply: ({ hooks }) => hooks.onJob.tap('witness', ({ ir }) => void seen.push(ir)),
      }),
    ];
    const test = await startTestNode({ cloud, executor, plugins });
    try {
      const body = await cloud.outcome(await cloud.submit(job));
      assert.ok(body.status === 'completed');
      const [circuit] = executor.circuits;
      assert.deepEqual(circuit?.measurements, [3, 4]);
      assert.equal(circuit?.num_qubits, 5);
      assert.deepEqual(seen, [circuit]);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('refuses a job in its own words', async () => {
    const executor = new CountingExecutor();
    const refuse: Prepare = () => {
      throw new JobError('qubit 17 is being repaired until Monday');
    };
    const test = await startTestNode({ cloud, executor, plugins: [preparing(refuse)] });
    try {
      const jobId = await cloud.submit(job);
      assert.deepEqual(await cloud.outcome(jobId), {
        job_id: jobId,
        status: 'failed',
        error: 'qubit 17 is being repaired until Monday',
      });
      assert.deepEqual(executor.runs, []);
    } finally {
      await test.stop();
    }
  });

  const broken: Readonly<Record<string, readonly [Prepare, RegExp]>> = {
    'that throws': [
      () => {
        throw new Error('no table');
      },
      /plugin 'mapper' failed in prepare: no table/,
    ],
    'whose circuit is not valid': [
      (circuit) => ({ ...circuit, gates: [{ gate: 'cz', qubits: [0, 0], params: [] }] }),
      /plugin 'mapper' failed in prepare: what it returned is no circuit .*two different qubits/,
    ],
    'that is late': [() => new Promise(() => {}), /plugin 'mapper' has not settled in prepare after 0.1 s/],
    'that edits what it is given': [
      (circuit) => {
        (circuit.gates as unknown[]).length = 0;
        return circuit;
      },
      /plugin 'mapper' failed in prepare: .*read only/,
    ],
  };
  for (const [what, [prepare, expected]] of Object.entries(broken)) {
    it(`${what} fails the job by name`, async () => {
      const env = { CODA_HOOK_TIMEOUT_SEC: '0.1' };
      const test = await startTestNode({ cloud, plugins: [preparing(prepare)], env });
      try {
        const body = await cloud.outcome(await cloud.submit(job));
        assert.ok(body.status === 'failed');
        assert.match(body.error, expected);
      } finally {
        await test.stop();
      }
    });
  }

  it('works while the device does, and one that takes long is passed by others', async () => {
    const executor = new HeldExecutor();
    const begun: string[] = [];
    let slow: string | undefined;
    let finish: (() => void) | undefined;
    const prepare: Prepare = async (circuit, { jobId }) => {
      begun.push(jobId);
      if (begun.length === 2) {
        slow = jobId;
        await new Promise<void>((resolve) => (finish = resolve));
      }
      return circuit;
    };
    const test = await startTestNode({ cloud, executor, plugins: [preparing(prepare)] });
    try {
      const first = await cloud.submit(job);
      await waitUntil('the first run', () => executor.started.includes(first));
      const second = await cloud.submit(job);
      await waitUntil('preparing the second', () => slow === second);
      const third = await cloud.submit(job);
      await waitUntil('preparing the third', () => begun.includes(third));
      assert.deepEqual(executor.started, [first]);
      executor.release(first);
      await waitUntil('the third run', () => executor.started.includes(third));
      finish?.();
      executor.release(third);
      await waitUntil('the second run', () => executor.started.includes(second));
      executor.release(second);
      for (const jobId of [first, second, third]) await cloud.outcome(jobId);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('does not bring a job back that was cancelled meanwhile', async () => {
    const executor = new CountingExecutor();
    let finish: (() => void) | undefined;
    const prepare: Prepare = async (circuit) => {
      if (finish === undefined) await new Promise<void>((resolve) => (finish = resolve));
      return circuit;
    };
    const test = await startTestNode({ cloud, executor, plugins: [preparing(prepare)] });
    try {
      const jobId = await cloud.submit(job);
      await waitUntil('preparing', () => finish);
      await cloud.cancel(jobId);
      await cloud.whenState(jobId, 'cancelled');
      finish?.();
      const next = await cloud.submit(job);
      await cloud.outcome(next);
      assert.deepEqual(executor.runs, [next]);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });
});
