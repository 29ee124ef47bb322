// A cancelled job sends nothing and ends as `cancelled`, wherever it was when the cancel came.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin, type Cancellation } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 5 };

describe('cancelling', () => {
  it('stops a running job, and the next one starts when it has really ended', async () => {
    const executor = new HeldExecutor();
    const seen: Cancellation[] = [];
    const watcher = definePlugin({
      name: 'watcher',
      apply: (node) => node.hooks.onCancel.tap('watcher', (cancellation) => void seen.push(cancellation)),
    });
    const test = await startTestNode({ cloud, executor, plugins: [watcher] });
    try {
      const [running, queued, last] = [
        await cloud.submit(job),
        await cloud.submit(job),
        await cloud.submit(job),
      ];
      await waitUntil('starting the first job', () => executor.started.length === 1);
      await cloud.whenState(running, 'executing');
      await cloud.cancel(queued);
      const queuedStatus = await cloud.whenState(queued, 'cancelled');
      assert.ok(queuedStatus['cancelled_at'] && queuedStatus['message_id'] && queuedStatus['qpu_id']);
      await cloud.cancel(running);
      await cloud.whenState(running, 'cancelled');
      assert.equal(executor.cancels, 1);
      await waitUntil('starting the last job', () => executor.started.includes(last));
      executor.release(last);
      assert.equal((await cloud.outcome(last)).status, 'completed');
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
      assert.deepEqual(executor.started, [running, last]);
      assert.deepEqual([...cloud.results.keys()], [last]);
      assert.deepEqual(
        new Set(seen.map(({ jobId, stage }) => `${jobId} ${stage}`)),
        new Set([`${running} running`, `${queued} queued`]),
      );
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('skips a job that was cancelled before the node saw it', async () => {
    const first = await startTestNode({ cloud });
    const { stateDir } = first;
    await first.node.stop();
    const jobId = await cloud.submit(job);
    await cloud.cancel(jobId);
    const executor = new HeldExecutor();
    const second = await startTestNode({ cloud, executor, stateDir });
    try {
      await cloud.whenState(jobId, 'cancelled');
      await waitUntil('acknowledging the message', async () => (await cloud.pending()) === 0);
      assert.deepEqual(executor.started, []);
      assert.equal(cloud.results.has(jobId), false);
    } finally {
      await second.stop();
      await first.stop();
    }
  });

  it('suppresses a result that is saved but not yet delivered', async () => {
    const test = await startTestNode({ cloud });
    try {
      cloud.fail('webhook', { status: 503 });
      const jobId = await cloud.submit(job);
      await cloud.whenState(jobId, 'completed');
      await waitUntil('trying to deliver', () =>
        cloud.deliveries.some(({ body }) => JSON.stringify(body).includes(jobId)),
      );
      await waitUntil('waiting to try again', () => test.node.jobs.cancellable().includes(jobId));
      await cloud.cancel(jobId);
      await cloud.whenState(jobId, 'cancelled');
      cloud.heal();
      await waitUntil('acknowledging the message', async () => (await cloud.pending()) === 0);
      assert.equal(cloud.results.has(jobId), false);
    } finally {
      cloud.heal();
      await test.stop();
    }
  });

  it('calls an executor unhealthy that does not stop', async () => {
    let endRun = (): void => {};
    const stubborn = {
      run: () => new Promise<never>((_, reject) => (endRun = () => reject(new Error('at last')))),
    };
    const test = await startTestNode({ cloud, executor: stubborn, env: { CODA_CANCEL_GRACE_SEC: '0.05' } });
    try {
      const jobId = await cloud.submit(job);
      await cloud.whenState(jobId, 'executing');
      await cloud.cancel(jobId);
      await cloud.whenState(jobId, 'cancelled');
      await waitUntil('the executor being called unhealthy', () =>
        test.node.readiness().reasons.some((reason) => reason.includes('still runs')),
      );
      endRun();
      await waitUntil('the executor being healthy again', () => test.node.readiness().ready);
    } finally {
      await test.stop();
    }
  });
});
