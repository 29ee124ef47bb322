// A plugin that has the device in `onJob`: it hears when to stop, and nothing else runs until it has really ended.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin, type Executor, type Job, type RunContext } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { CountingExecutor, zeros } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };

/** Taps `onJob` and ends only when the test says so. */
class Calibration {
  readonly begun: Job[] = [];
  readonly contexts: RunContext[] = [];
  readonly #ends: (() => void)[] = [];
  readonly plugin = (timeoutSec?: number): ReturnType<typeof definePlugin> =>
    definePlugin({
      name: 'calibration',
      apply: (node) =>
        node.hooks.onJob.tapPromise(
          { name: 'calibration', ...(timeoutSec === undefined ? {} : { timeoutSec }) },
          (begun, context) => {
            this.begun.push(begun);
            this.contexts.push(context);
            return new Promise<void>((resolve) => this.#ends.push(resolve));
          },
        ),
    });

  end(): void {
    this.#ends.shift()?.();
  }
}

describe('a plugin in onJob', () => {
  it('that is late fails its job at once, and keeps the device until it has ended', async () => {
    const calibration = new Calibration();
    const executor = new CountingExecutor();
    const env = { CODA_HOOK_TIMEOUT_SEC: '0.1', CODA_CANCEL_GRACE_SEC: '0.1' };
    const test = await startTestNode({ cloud, executor, plugins: [calibration.plugin()], env });
    try {
      const [late, next] = [await cloud.submit(job), await cloud.submit(job)];
      const body = await cloud.outcome(late);
      assert.ok(body.status === 'failed');
      assert.match(body.error, /plugin 'calibration' has not settled in onJob after 0.1 s/);
      assert.match(String(calibration.contexts[0]?.signal.reason), /it has used up its time/);
      const reason = await waitUntil('being called unhealthy', () =>
        test.node.readiness().reasons.find((text) => text.includes(`still runs job ${late}`)),
      );
      assert.match(
        reason,
        /plugin 'calibration' in onJob still runs job .* 0.1 s after it was asked to stop/,
      );
      assert.equal(calibration.begun.length, 1);
      assert.deepEqual(executor.runs, []);
      calibration.end();
      await waitUntil('calibrating for the next', () => calibration.begun.length === 2);
      await waitUntil('being healthy', () => test.node.readiness().ready);
      calibration.end();
      assert.equal((await cloud.outcome(next)).status, 'completed');
      assert.deepEqual(executor.runs, [next]);
    } finally {
      calibration.end();
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('has as long as its tap says', async () => {
    const calibration = new Calibration();
    const env = { CODA_HOOK_TIMEOUT_SEC: '0.05' };
    const test = await startTestNode({ cloud, plugins: [calibration.plugin(60)], env });
    try {
      const jobId = await cloud.submit(job);
      const [context] = await waitUntil('calibrating', () => calibration.contexts[0] && calibration.contexts);
      // Much longer than the limit of other taps: it would be late by now.
      await new Promise((resolve) => void setTimeout(resolve, 200));
      assert.equal(context?.signal.aborted, false);
      calibration.end();
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await test.stop();
    }
  });

  it('cannot name a limit that is none', async () => {
    await assert.rejects(
      startTestNode({ cloud, plugins: [new Calibration().plugin(0)] }),
      /plugin 'calibration' taps onJob with a timeoutSec of 0, which is no number of seconds above 0/,
    );
  });

  it('hears of a cancel, and the job never gets to the device', async () => {
    const calibration = new Calibration();
    const executor = new CountingExecutor();
    const test = await startTestNode({ cloud, executor, plugins: [calibration.plugin()] });
    try {
      const jobId = await cloud.submit(job);
      const context = await waitUntil('calibrating', () => calibration.contexts[0]);
      await cloud.cancel(jobId);
      await cloud.whenState(jobId, 'cancelled');
      await waitUntil('the signal', () => context.signal.aborted);
      assert.match(String(context.signal.reason), /the job was cancelled/);
      const next = await cloud.submit(job);
      calibration.end();
      await waitUntil('calibrating for the next', () => calibration.begun.length === 2);
      calibration.end();
      await cloud.outcome(next);
      assert.deepEqual(executor.runs, [next]);
    } finally {
      await test.stop();
    }
  });

  it('hears of a shutdown, and the job runs after the next start', async () => {
    const calibration = new Calibration();
    const first = await startTestNode({ cloud, plugins: [calibration.plugin()] });
    const jobId = await cloud.submit(job);
    const context = await waitUntil('calibrating', () => calibration.contexts[0]);
    context.signal.addEventListener('abort', () => calibration.end());
    await first.node.stop();
    assert.match(String(context.signal.reason), /the node is shutting down/);
    assert.equal(cloud.deliveries.filter(({ body }) => JSON.stringify(body).includes(jobId)).length, 0);
    const second = await startTestNode({ cloud, stateDir: first.stateDir });
    try {
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await second.stop();
      await first.stop();
    }
  });

  it('cannot change the job', async () => {
    const faults: unknown[] = [];
    const attempts: ((job: Job) => unknown)[] = [
      (seen) => Reflect.set(seen, 'shots', 7) || assert.fail('shots'),
      (seen) => Object.assign(seen, { shots: 7 }),
      (seen) => Object.assign(seen, { ir: bell('cnot').ir }),
      (seen) => Object.assign(seen.ir, { num_qubits: 7 }),
      (seen) => (seen.ir.gates as unknown[]).push({}),
      (seen) => Object.assign(seen.ir.gates[0]?.params ?? {}, { 0: 7 }),
      (seen) => Object.assign(seen.ir.metadata, { compiler_version: '7' }),
    ];
    const seen: unknown[] = [];
    const plugin = definePlugin({
      name: 'vandal',
      apply: (node) =>
        node.hooks.onJob.tap('vandal', (held) => {
          for (const attempt of attempts) {
            try {
              attempt(held);
            } catch (thrown) {
              faults.push(thrown);
            }
          }
        }),
    });
    const executor: Executor = {
      run(ir, shots) {
        seen.push(ir, shots);
        return Promise.resolve(zeros(ir, shots));
      },
    };
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      await cloud.outcome(await cloud.submit(job));
      assert.equal(faults.length, attempts.length);
      assert.deepEqual(seen, [job.ir, job.shots]);
    } finally {
      await test.stop();
    }
  });

  it('never shares the device, over 200 jobs of which many are cancelled at random', async () => {
    let onDevice = 0;
    let most = 0;
    const use = async (ms: number): Promise<void> => {
      onDevice += 1;
      most = Math.max(most, onDevice);
      await new Promise((resolve) => void setTimeout(resolve, ms));
      onDevice -= 1;
    };
    let calibrations = 0;
    const plugin = definePlugin({
      name: 'calibration',
      apply: (node) =>
        node.hooks.onJob.tapPromise({ name: 'calibration', timeoutSec: 0.02 }, async () => {
          calibrations += 1;
          // Some are late, and none listens to its signal.
          await use(calibrations % 20 === 0 ? 40 : 2);
        }),
    });
    const executor: Executor = {
      async run(ir, shots) {
        await use(2);
        return zeros(ir, shots);
      },
    };
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      const jobIds: string[] = [];
      for (let i = 0; i < 200; i += 1) {
        jobIds.push(await cloud.submit(job));
        const chosen = jobIds[Math.floor(Math.random() * jobIds.length)] ?? '';
        if (i % 3 === 0) await cloud.cancel(chosen);
      }
      await waitUntil('the end of all', async () => (await cloud.pending()) === 0);
      assert.equal(most, 1);
      assert.ok(calibrations > 20);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });
});
