// The device: deadlines, blocked event loops, batches that fall apart, and an outbox that is full.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  definePlugin,
  type BatchJob,
  type ExecutionResult,
  type Executor,
  type NativeGateIR,
  type RunContext,
} from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { CountingExecutor, zeros } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 5 };

/** Ends a run only when the test says so, also if it is asked to stop. */
class DeafExecutor implements Executor {
  readonly started: string[] = [];
  readonly aborted: string[] = [];
  readonly #ends = new Map<string, () => void>();

  run(ir: NativeGateIR, shots: number, { jobId, signal }: RunContext): Promise<ExecutionResult> {
    this.started.push(jobId);
    signal.addEventListener('abort', () => this.aborted.push(jobId));
    return new Promise((resolve) => this.#ends.set(jobId, () => resolve(zeros(ir, shots))));
  }

  end(jobId: string): void {
    this.#ends.get(jobId)?.();
  }
}

describe('the device', () => {
  it('has the job in the lines that its executor and the taps of onJob log', async () => {
    const executor: Executor = {
      run: (ir, shots, { log }) => {
        log.warn('too warm', { kelvin: 1 });
        return Promise.resolve(zeros(ir, shots));
      },
    };
    const plugin = definePlugin({
      name: 'fridge',
      apply(node) {
        node.hooks.onJob.tap('fridge', (_, { log }) => log.warn('cooling'));
      },
    });
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      const jobId = await cloud.submit(job);
      await cloud.outcome(jobId);
      const ends = new Set(test.log.map((line) => line.replace(/^.* WARN {2}/, '')));
      assert.ok(ends.has(`cooling job=${jobId}`), test.log.join('\n'));
      assert.ok(ends.has(`too warm kelvin=1 job=${jobId}`), test.log.join('\n'));
    } finally {
      await test.stop();
    }
  });

  const allDone = (): Promise<boolean> =>
    waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);

  it('gets no other job until a run that timed out has really ended, and is unhealthy until then', async () => {
    const executor = new DeafExecutor();
    const env = { CODA_JOB_TIMEOUT_SEC: '0.1', CODA_CANCEL_GRACE_SEC: '0.1' };
    const test = await startTestNode({ cloud, executor, env });
    try {
      const [late, next] = [await cloud.submit(job), await cloud.submit(job)];
      const body = await cloud.outcome(late);
      assert.deepEqual(body, { job_id: late, status: 'failed', error: 'timed out after 0.1 s' });
      assert.deepEqual(executor.aborted, [late]);
      await waitUntil('being called unhealthy', () =>
        test.node.readiness().reasons.some((reason) => reason.includes('still runs job')),
      );
      assert.deepEqual(executor.started, [late]);
      executor.end(late);
      await waitUntil('starting the next', () => executor.started.includes(next));
      executor.end(next);
      // One outcome each: the late result of the first changes nothing.
      await cloud.outcome(next);
      await allDone();
      assert.equal(
        cloud.deliveries.filter(({ body: sent }) => JSON.stringify(sent).includes(late)).length,
        1,
      );
      await waitUntil('being healthy', () => test.node.readiness().ready);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('reports a run that ends at its signal as timed out', async () => {
    const executor: Executor = {
      run: (_ir, _shots, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('as you wish: ' + String(signal.reason)))),
        ),
    };
    const test = await startTestNode({ cloud, executor, env: { CODA_JOB_TIMEOUT_SEC: '0.1' } });
    try {
      const jobId = await cloud.submit(job);
      assert.deepEqual(await cloud.outcome(jobId), {
        job_id: jobId,
        status: 'failed',
        error: 'timed out after 0.1 s',
      });
    } finally {
      await test.stop();
    }
  });

  it('that blocks the event loop is named, also if the run ends with the block', async () => {
    const executor: Executor = {
      run(ir, shots) {
        const until = performance.now() + 3_000;
        while (performance.now() < until);
        return Promise.resolve(zeros(ir, shots));
      },
    };
    const test = await startTestNode({ cloud, executor });
    try {
      const jobId = await cloud.submit(job);
      await cloud.outcome(jobId);
      const line = await waitUntil('the warning', () =>
        test.log.find((text) => text.includes('event loop was blocked')),
      );
      assert.ok(line.includes(jobId) && line.includes('the test'), line);
      // Nor is anybody else blamed.
      assert.equal(
        test.log.find((text) => text.includes('does not answer')),
        undefined,
      );
    } finally {
      await test.stop();
    }
  });

  it('saves each outcome of a batch that fell apart as soon as its own run has ended', async () => {
    class Executor extends DeafExecutor {
      batchRun(_jobs: readonly BatchJob[]): Promise<ExecutionResult[]> {
        return Promise.reject(new Error('no batches today'));
      }
    }
    const executor = new Executor();
    const prepared: string[] = [];
    const first = await startTestNode({ cloud });
    await first.node.stop();
    const jobIds = [await cloud.submit(job), await cloud.submit(job), await cloud.submit(job)];
    const test = await startTestNode({
      cloud,
      executor,
      stateDir: first.stateDir,
      plugins: [
        {
          name: 'watch',
          apply: (node) => node.hooks.onJob.tap('watch', ({ jobId }) => void prepared.push(jobId)),
        },
      ],
    });
    try {
      const done: string[] = [];
      for (let i = 0; i < 3; i += 1) {
        await waitUntil('the next run', () => executor.started.length === i + 1);
        const jobId = executor.started[i] ?? '';
        // A cancel of a job that waits behind it takes effect at once.
        if (i === 0) await cloud.cancel(jobIds[2] ?? '');
        if (i === 0) await cloud.whenState(jobIds[2] ?? '', 'cancelled');
        executor.end(jobId);
        await cloud.outcome(jobId);
        done.push(jobId);
        if (i === 1) break;
      }
      await allDone();
      assert.deepEqual(done, jobIds.slice(0, 2));
      assert.deepEqual(executor.started, jobIds.slice(0, 2));
      assert.deepEqual(new Set(prepared).size, prepared.length, 'onJob fires once a job');
    } finally {
      await test.stop();
      await first.stop();
    }
  });

  it('waits while the outbox is full, says so, and continues when there is room', async () => {
    const executor = new CountingExecutor();
    cloud.fail('webhook', { status: 503 });
    const env = { CODA_OUTBOX_MAX_JOBS: '3', CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1' };
    const test = await startTestNode({ cloud, executor, env });
    try {
      const jobIds: string[] = [];
      for (let i = 0; i < 10; i += 1) jobIds.push(await cloud.submit(job));
      await waitUntil('saying so', () =>
        test.node.readiness().reasons.some((reason) => reason.includes('results wait to be delivered')),
      );
      // The next run starts before the last one is saved, so one more may be under way.
      assert.ok(executor.runs.length === 3 || executor.runs.length === 4, String(executor.runs.length));
      cloud.heal();
      for (const jobId of jobIds) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await allDone();
      await waitUntil('being ready', () => test.node.readiness().ready);
      assert.deepEqual(executor.runs, jobIds);
    } finally {
      cloud.heal();
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('gets nothing at a start with an outbox that is full', async () => {
    cloud.fail('webhook', { status: 503 });
    const env = {
      CODA_OUTBOX_MAX_JOBS: '1',
      CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1',
      CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.1',
    };
    const first = await startTestNode({ cloud, env });
    const saved = await cloud.submit(job);
    await cloud.whenState(saved, 'completed');
    await first.node.stop();
    const executor = new CountingExecutor();
    const second = await startTestNode({ cloud, executor, env, stateDir: first.stateDir });
    try {
      assert.ok(second.node.readiness().reasons.some((reason) => reason.includes('1 results wait')));
      const next = await cloud.submit(job);
      cloud.heal();
      await cloud.outcome(saved);
      await cloud.outcome(next);
      await allDone();
      assert.deepEqual(executor.runs, [next]);
    } finally {
      cloud.heal();
      await second.stop();
      await first.stop();
    }
  });
});
