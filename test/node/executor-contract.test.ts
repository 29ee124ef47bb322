// A whole node with executors of other people: other spellings, broken results, strange errors.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NativeGateIR } from '../../src/index.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';

const ir = bell('cz').ir;
const good = { counts: { '00': 3 }, executionTimeMs: 1.5, shotsCompleted: 3 };
const thrower = (thrown: unknown) => (): never => {
  throw thrown;
};

/** What `run` does, and what is reported to the cloud. */
const BROKEN: Readonly<Record<string, readonly [run: () => unknown, says: RegExp]>> = {
  'keys of the wrong length': [() => ({ ...good, counts: { '0': 3 } }), /key '0'.*bitstring of 2 bits/],
  'keys that are no bits': [() => ({ ...good, counts: { '0x': 3 } }), /key '0x'/],
  'a count that is NaN': [() => ({ ...good, counts: { '00': NaN } }), /counts\['00'\].*NaN/],
  'a negative count': [() => ({ ...good, counts: { '00': -1 } }), /counts\['00'\].*-1/],
  'half a count': [() => ({ ...good, counts: { '00': 0.5 } }), /counts\['00'\].*0\.5/],
  'a Map': [() => ({ ...good, counts: new Map([['00', 3]]) }), /a Map.*Object\.fromEntries/],
  'no counts': [() => ({ executionTimeMs: 1, shotsCompleted: 3 }), /counts must be a plain object/],
  'no time': [() => ({ ...good, executionTimeMs: undefined }), /executionTimeMs.*missing/],
  'an endless time': [() => ({ ...good, executionTimeMs: Infinity }), /executionTimeMs.*Infinity/],
  'no shots': [() => ({ ...good, shotsCompleted: undefined }), /shotsCompleted is missing/],
  nothing: [() => undefined, /returned undefined/],
  null: [() => null, /returned null/],
  'a result that cannot be read': [
    () => Object.defineProperty({}, 'counts', { get: thrower(new Error('counts are gone')) }),
    /counts are gone/,
  ],
  'an Error': [thrower(new Error('the fridge is warm')), /^the fridge is warm$/],
  'a string': [thrower('cold again'), /^cold again$/],
  'an empty string': [thrower(''), /without an error message/],
  'an object': [thrower({ code: 7 }), /code.*7/],
  undefined: [thrower(undefined), /undefined was thrown in place of an error/],
  'a rejection with nothing': [() => Promise.reject(), /undefined was thrown in place of an error/],
  'a novel': [thrower(new Error('x'.repeat(100_000))), /^x{499}…$/],
};

describe('an executor', () => {
  async function started(executor: object, env: Readonly<Record<string, string>> = {}): Promise<TestNode> {
    return startTestNode({ cloud, executor, env });
  }

  it('that breaks its contract fails its job in words, and the next job runs', async () => {
    let run: () => unknown = () => good;
    const test = await started({ run: () => run() });
    try {
      for (const [name, [broken, says]] of Object.entries(BROKEN)) {
        run = broken;
        const body = await cloud.outcome(await cloud.submit({ ir, shots: 3 }));
        assert.equal(body.status, 'failed', name);
        assert.match(body.status === 'failed' ? body.error : '', says, name);
      }
      run = () => good;
      assert.equal((await cloud.outcome(await cloud.submit({ ir, shots: 3 }))).status, 'completed');
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('may return a result that is no promise', async () => {
    const test = await started({ run: () => good });
    try {
      assert.equal((await cloud.outcome(await cloud.submit({ ir, shots: 3 }))).status, 'completed');
    } finally {
      await test.stop();
    }
  });

  it('may spell everything as the Python documents do', async () => {
    const batches: number[] = [];
    const cancelled: string[] = [];
    let release = (): void => {};
    let cancel = (): void => {};
    const executor = {
      device: { directed_edges: [[0, 1]] },
      run(_: NativeGateIR, shots: number) {
        return new Promise((resolve, reject) => {
          release = () => resolve({ counts: { '00': shots }, execution_time_ms: 2, shots_completed: shots });
          cancel = () => reject(new Error('cancelled'));
        });
      },
      batch_run(jobs: readonly { shots: number }[]) {
        batches.push(jobs.length);
        return jobs.map(({ shots }) => ({
          counts: { '11': shots },
          execution_time_ms: 4,
          shots_completed: shots,
        }));
      },
      cancel_current_job() {
        cancelled.push('cancel_current_job');
        cancel();
      },
    };
    const test = await started(executor);
    try {
      const first = await cloud.submit({ ir, shots: 5 });
      await cloud.whenState(first, 'executing');
      await cloud.cancel(first);
      await cloud.whenState(first, 'cancelled');
      assert.deepEqual(cancelled, ['cancel_current_job']);
      // While the second runs, three more gather for a batch.
      const second = await cloud.submit({ ir, shots: 6 });
      await cloud.whenState(second, 'executing');
      const others = await Promise.all([7, 8, 9].map((shots) => cloud.submit({ ir, shots })));
      // A job that is still checked would miss the batch.
      await waitUntil('queueing', () => {
        const stages = test.node.jobs.waiting(3).map(({ stage }) => stage);
        return stages.length === 3 && stages.every((stage) => stage === 'queued');
      });
      release();
      assert.deepEqual(await cloud.outcome(second), {
        job_id: second,
        status: 'completed',
        counts: { '00': 6 },
        execution_time_ms: 2,
        shots_completed: 6,
      });
      for (const jobId of others) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      assert.deepEqual(batches, [3]);
      assert.deepEqual(cloud.connects.at(-1)?.body?.connectivity, [[0, 1]]);
      await cloud.whenHeartbeat(({ body }) => body?.connectivity?.[0]?.[1] === 1);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('has its current couplings in the connect request and in every heartbeat', async () => {
    const device = { directedEdges: [[0, 1]], logicalEdges: [[5, 6]] };
    const test = await started({ run: () => good, device }, { CODA_HEARTBEAT_INTERVAL_SEC: '1' });
    try {
      assert.deepEqual(cloud.connects.at(-1)?.body?.connectivity, [[0, 1]]);
      device.directedEdges = [
        [0, 1],
        [1, 2],
      ];
      await cloud.whenHeartbeat(({ body }) => body?.connectivity?.length === 2);
    } finally {
      await test.stop();
    }
  });
});

describe('the simulator', () => {
  it('runs when CODA_EXECUTOR_FACTORY names it', async () => {
    const test = await startTestNode({ cloud, env: { CODA_EXECUTOR_FACTORY: 'simulator' } });
    try {
      assert.equal(test.node.executorSource, 'simulator');
      const body = await cloud.outcome(await cloud.submit({ ir, shots: 500 }));
      const { ok, reason } = bell('cz').expected(body.status === 'completed' ? body.counts : {}, 500);
      assert.ok(ok, reason);
    } finally {
      await test.stop();
    }
  });

  it('is never chosen for a node that names no executor: that one measures zeros, and says so loudly', async () => {
    const test = await startTestNode({ cloud });
    try {
      assert.equal(test.node.executorSource, 'noop');
      assert.ok(test.log.some((line) => / WARN .*NO EXECUTOR/.test(line)));
      assert.equal(test.node.readiness().toJSON()['executor'], 'noop');
    } finally {
      await test.stop();
    }
  });
});
