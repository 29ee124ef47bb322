// What the node tells of jobs that have ended, of outcomes that are saved, and of the times in which nothing ran.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin, type EndedJob, type IdleGap } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };

function recorder(): {
  plugin: ReturnType<typeof definePlugin>;
  ended: Map<string, EndedJob[]>;
  gaps: IdleGap[];
  events: string[];
} {
  const ended = new Map<string, EndedJob[]>();
  const gaps: IdleGap[] = [];
  const events: string[] = [];
  const plugin = definePlugin({
    name: 'recorder',
    apply({ hooks }) {
      hooks.onEnd.tap('recorder', (one) => {
        events.push(`end ${one.jobId}`);
        ended.set(one.jobId, [...(ended.get(one.jobId) ?? []), one]);
      });
      hooks.afterSave.tap('recorder', ({ jobId }) => void events.push(`saved ${jobId}`));
      hooks.onWebhook.tap('recorder', ({ jobId }) => void events.push(`post ${jobId}`));
      hooks.afterGap.tap('recorder', (gap) => void gaps.push(gap));
    },
  });
  return { plugin, ended, gaps, events };
}

describe('onEnd, afterSave and afterGap', () => {
  it('tell each end once, in whatever way the job ends, with its times', async () => {
    const executor = new HeldExecutor();
    const { plugin, ended, events } = recorder();
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      const before = Date.now();
      const completed = await cloud.submit(job);
      const running = await cloud.submit(job);
      const queued = await cloud.submit(job);
      const broken = await cloud.submit({ ...job, ir: '{"gates": 7}' });
      await waitUntil('the first run', () => executor.started.length === 1);
      await waitUntil('the others', () => test.node.jobs.waiting(5).length === 2);
      const { jobs } = test.node;
      assert.deepEqual(
        jobs.running().map(({ jobId, circuit }) => [jobId, circuit]),
        [[completed, { shots: 4, qubits: 2, gates: job.ir.gates.length, measurements: 2 }]],
      );
      assert.deepEqual(
        jobs.waiting(5).map(({ jobId, stage }) => [jobId, stage]),
        [
          [running, 'queued'],
          [queued, 'queued'],
        ],
      );
      assert.equal(jobs.waiting(1).length, 1);
      assert.equal(jobs.device().idle, null);
      executor.release(completed);
      await waitUntil('the second run', () => executor.started.includes(running));
      await cloud.cancel(queued);
      await cloud.whenState(queued, 'cancelled');
      await cloud.cancel(running);
      await cloud.whenState(running, 'cancelled');
      for (const id of [completed, broken]) await cloud.outcome(id);
      await waitUntil('all ends', () => ended.size === 4);
      assert.deepEqual(
        [completed, running, queued, broken].map((id) => ended.get(id)?.map(({ outcome }) => outcome.status)),
        [['completed'], ['cancelled'], ['cancelled'], ['failed']],
      );
      const only = (id: string): EndedJob => ended.get(id)?.[0] ?? assert.fail(`no end of ${id}`);
      const first = only(completed);
      const times = [before, first.takenAt, first.queuedAt, first.startedAt, first.endedAt, Date.now()];
      assert.ok(first.sentAt >= before - 1 && first.sentAt <= Date.now());
      // Times of two clocks: the monotonic one, and that of the system, in whole milliseconds.
      for (const [i, time] of times.entries()) {
        assert.ok(time !== null && time >= (times[i - 1] ?? 0) - 2, `${i}: ${times.join(' ')}`);
      }
      assert.equal(first.origin, 'cloud');
      assert.deepEqual(first.circuit, {
        shots: 4,
        qubits: 2,
        gates: job.ir.gates.length,
        measurements: 2,
      });
      assert.equal(first.job?.ir.gates.length, job.ir.gates.length);
      assert.ok(first.bytes > 100);
      assert.equal(only(queued).startedAt, null);
      assert.ok(only(running).startedAt !== null && (only(running).startedAt ?? 0) >= first.endedAt - 1);
      const failed = only(broken);
      assert.equal(failed.circuit, null);
      assert.equal(failed.job, null);
      assert.match(failed.where ?? '', /in the check of its circuit/);
      assert.ok(failed.outcome.status === 'failed' && failed.outcome.error !== '');
      // No post before the disk has it.
      assert.deepEqual(
        events.filter((event) => event.endsWith(completed)),
        [`end ${completed}`, `saved ${completed}`, `post ${completed}`],
      );
      assert.ok(!events.includes(`saved ${queued}`));
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('tell why nothing ran, without a hole and without an overlap', async () => {
    const executor = new HeldExecutor();
    const { plugin, ended, gaps } = recorder();
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      await waitUntil('an answer of Redis', () => test.node.jobs.device().idle?.reason === 'no jobs');
      const hold = await test.node.jobs.hold('warm-up');
      const ids = [await cloud.submit(job), await cloud.submit(job)];
      assert.match(test.node.jobs.device().idle?.text ?? '', /warm-up/);
      hold.release();
      for (const [i, id] of ids.entries()) {
        await waitUntil('a run', () => executor.started.includes(id));
        // One that is still checked would make the gap another one.
        await waitUntil('the next job', () => i > 0 || test.node.jobs.waiting(1)[0]?.stage === 'queued');
        executor.release(id);
        await cloud.outcome(id);
      }
      await waitUntil('both ends', () => ended.size === 2);
    } finally {
      await test.stop();
    }
    const reasons = gaps.map(({ reason }) => reason).filter((reason, i, all) => reason !== all[i - 1]);
    // Until Redis has answered for the first time, it is the reason.
    const expected = /^(redis, )?no jobs, closed, ((no jobs|preparing), )*between runs, no jobs, closed$/;
    assert.match(reasons.join(', '), expected);
    const runs = [...ended.values()].flat();
    const spans = [
      ...runs.map(({ startedAt, endedAt }) => ({ startedAt: startedAt ?? 0, endedAt })),
      ...gaps,
    ];
    const ordered = spans.toSorted((a, b) => a.startedAt - b.startedAt);
    for (const [i, { startedAt }] of ordered.entries()) {
      const before = ordered[i - 1];
      if (before !== undefined) assert.ok(Math.abs(startedAt - before.endedAt) < 2, JSON.stringify(ordered));
    }
    const busyMs = runs.reduce((sum, { startedAt, endedAt }) => sum + endedAt - (startedAt ?? 0), 0);
    assert.ok(busyMs > 0);
    assert.deepEqual(cloud.violations, []);
  });
});
