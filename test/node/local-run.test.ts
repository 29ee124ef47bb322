// A circuit of the operator has the device between two jobs, as a job has it, and the cloud hears nothing of it.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { definePlugin, type EndedJob, type Executor, type IdleGap } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { CountingExecutor, HeldExecutor, zeros } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };
const { ir } = job;

describe('node.jobs.runLocal', () => {
  it('runs after the running job and before those that wait, and is in no stream and no outbox', async () => {
    const executor = new HeldExecutor();
    const ended: EndedJob[] = [];
    const gaps: IdleGap[] = [];
    const seen: string[] = [];
    const plugin = definePlugin({
      name: 'watch',
      apply({ hooks }) {
        hooks.onEnd.tap('watch', (one) => void ended.push(one));
        hooks.afterGap.tap('watch', (gap) => void gaps.push(gap));
        hooks.prepare.tap('watch', (_circuit, { jobId }) => void seen.push(`prepare ${jobId}`));
        hooks.onJob.tap('watch', ({ jobId }) => void seen.push(`onJob ${jobId}`));
        hooks.mapResult.tap('watch', (_result, { jobId }) => void seen.push(`mapResult ${jobId}`));
        hooks.afterRun.tap('watch', ({ jobId }) => void seen.push(`afterRun ${jobId}`));
      },
    });
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      const { jobs } = test.node;
      const running = await cloud.submit(job);
      await waitUntil('the run', () => executor.started.length === 1);
      const next = await cloud.submit(job);
      await waitUntil('the next job', () => jobs.waiting(1).length === 1);
      const local = jobs.runLocal(ir, { shots: 7, name: 'bell.qasm' });
      await waitUntil('the word of it', () =>
        test.node.readiness().reasons.includes('the operator runs bell.qasm on the device'),
      );
      assert.equal(executor.started.length, 1);
      executor.release(running);
      await waitUntil('the local run', () => executor.started.length === 2);
      const [now] = jobs.running();
      assert.equal(now?.origin, 'local');
      assert.equal(now.jobId, executor.started[1]);
      assert.notEqual(now.jobId, next);
      executor.release(now.jobId);
      const { outcome, jobId } = await local;
      assert.equal(jobId, now.jobId);
      assert.deepEqual(outcome, { status: 'completed', ...zeros(ir, 7) });
      await waitUntil('the next run', () => executor.started.includes(next));
      executor.release(next);
      for (const id of [running, next]) assert.equal((await cloud.outcome(id)).status, 'completed');
      await waitUntil('all acknowledged', async () => (await cloud.pending()) === 0);
      assert.deepEqual([...cloud.results.keys()].toSorted(), [running, next].toSorted());
      assert.deepEqual(
        ended.map(({ jobId: id, origin }) => [id, origin]),
        [
          [running, 'cloud'],
          [jobId, 'local'],
          [next, 'cloud'],
        ],
      );
      assert.deepEqual(
        seen.filter((line) => line.endsWith(jobId)).map((line) => line.split(' ')[0]),
        ['prepare', 'onJob', 'mapResult', 'afterRun'],
      );
      assert.ok(gaps.some(({ reason, text }) => reason === 'closed' && text.includes('bell.qasm')));
      assert.equal(jobs.figures().completed, 2);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('is stopped by its signal, waiting or running, and by a shutdown', async () => {
    const executor = new HeldExecutor();
    const test = await startTestNode({ cloud, executor });
    const { jobs } = test.node;
    const first = new AbortController();
    const running = jobs.runLocal(ir, { shots: 4, signal: first.signal });
    await waitUntil('the run', () => executor.started.length === 1);
    const second = new AbortController();
    const waiting = jobs.runLocal(ir, { shots: 4, signal: second.signal });
    const last = jobs.runLocal(ir, { shots: 4 });
    second.abort(new Error('never mind'));
    await assert.rejects(waiting, /never mind/);
    first.abort();
    assert.deepEqual((await running).outcome, { status: 'cancelled' });
    assert.equal(executor.cancels, 1);
    await waitUntil('the last run', () => executor.started.length === 2);
    await test.stop();
    assert.deepEqual((await last).outcome, { status: 'cancelled' });
    await assert.rejects(jobs.runLocal(ir, { shots: 4 }), /shutting down/);
  });

  it('leaves nothing behind at the signals that live as long as the node', async () => {
    const test = await startTestNode({ cloud, executor: new CountingExecutor() });
    try {
      const { jobs } = test.node;
      const { signal } = new AbortController();
      for (let runs = 0; runs < 20; runs += 1) await jobs.runLocal(ir, { shots: 4, signal });
      const hold = await jobs.hold('to see its signal');
      for (const one of [signal, hold.signal]) {
        assert.deepEqual(getEventListeners(one, 'abort'), []);
        const kept = keptAt(one);
        assert.ok(kept < 20, `${kept} entries at a signal that 20 runs had`);
      }
      hold.release();
    } finally {
      await test.stop();
    }
  });

  it('fails as a job fails: by its circuit, its executor, its time, a plugin', async () => {
    let fault = 'executor';
    const executor: Executor = {
      run(circuit, shots, { signal }) {
        if (fault === 'executor') return Promise.reject(new Error('the laser is off'));
        if (fault === 'bits') return Promise.resolve({ ...zeros(circuit, shots), counts: { '0': shots } });
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped'))),
        );
      },
    };
    const plugin = definePlugin({
      name: 'gate-keeper',
      apply({ hooks }) {
        hooks.onJob.tap('gate-keeper', () => {
          if (fault === 'plugin') throw new Error('not today');
        });
      },
    });
    const env = { CODA_JOB_TIMEOUT_SEC: '0.2' };
    const test = await startTestNode({ cloud, executor, plugins: [plugin], env });
    try {
      const { jobs } = test.node;
      const errors: Record<string, RegExp> = {
        executor: /the laser is off/,
        bits: /counts/,
        time: /timed out after 0.2 s/,
        plugin: /plugin 'gate-keeper' failed in onJob: not today/,
      };
      for (const [name, error] of Object.entries(errors)) {
        fault = name;
        const { outcome } = await jobs.runLocal(ir, { shots: 4 });
        assert.ok(outcome.status === 'failed', name);
        assert.match(outcome.error, error);
      }
      await assert.rejects(jobs.runLocal({ ...ir, num_qubits: 1 }, { shots: 4 }), /qubit/);
      await assert.rejects(jobs.runLocal(ir, { shots: 0.5 }), /shots/);
      // The device is free again.
      assert.deepEqual(jobs.admission.reasons, []);
    } finally {
      await test.stop();
    }
  });
});

/** Entries of the sets and maps that Node.js keeps at a signal: AbortSignal.any leaves one for each call. */
function keptAt(signal: AbortSignal): number {
  const parts = Object.getOwnPropertySymbols(signal).map((symbol): unknown => Reflect.get(signal, symbol));
  return parts
    .map((part) => (typeof part === 'object' && part !== null && 'size' in part ? Number(part.size) : 0))
    .reduce((sum, size) => sum + size, 0);
}
