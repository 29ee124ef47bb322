// The page's server on a real node: what it answers, and what its events say while jobs come, run and end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  DeviceMap,
  JobDetail,
  JobsPage,
  Results,
  Snapshot,
  Timeline,
  Trend,
} from '../../../plugins/page/api.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../../src/testing/index.ts';
import { cloud } from '../../support/cloud.ts';
import { CountingExecutor, HeldExecutor } from '../../support/executors.ts';
import { ask, Reader, urlOf } from './reader.ts';

const job = { ir: bell('cz').ir, shots: 4 };

async function withNode(
  executor: unknown,
  work: (test: TestNode, url: string) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const test = await startTestNode({ cloud, executor, env });
  try {
    await work(test, urlOf(test));
  } finally {
    await test.stop();
  }
}

describe('the page', () => {
  it('tells of jobs that come, run and end, without being asked', async () => {
    const executor = new HeldExecutor();
    await withNode(executor, async ({ node }, url) => {
      const reader = await Reader.open(url);
      const idle = await reader.until(
        'the idle device',
        ({ node: { ready }, device }) => ready && device.idle?.reason === 'no jobs',
      );
      assert.deepEqual(idle.running, []);
      assert.equal(idle.cloud.qpuId, node.session.qpuId);

      const first = await cloud.submit(job);
      const second = await cloud.submit(job);
      const busy = await reader.until(
        'both jobs',
        ({ running, waiting }) => running.length + waiting.length === 2,
      );
      assert.deepEqual(
        busy.running.map(({ jobId }) => jobId),
        [first],
      );
      assert.deepEqual(
        busy.waiting.map(({ jobId }) => jobId),
        [second],
      );
      assert.equal(busy.device.idle, null);
      assert.deepEqual(busy.device.busyEdges, [[0, 1]]);

      executor.release(first);
      await waitUntil('the second run', () => executor.started.includes(second));
      executor.release(second);
      for (const id of [first, second]) await cloud.outcome(id);
      const rows = (): string[] => reader.of('jobs').flatMap(({ jobs }) => jobs.map(({ jobId }) => jobId));
      await waitUntil('both ends', () => rows().length === 2);
      assert.deepEqual(rows().toSorted(), [first, second].toSorted());
      const end = await reader.until(
        'the counts',
        ({ counts }) => counts.completed === 2 && counts.undelivered === 0,
      );
      assert.deepEqual(end.device.busyEdges, []);
      assert.ok((end.device.busyShareLastMinute ?? 0) > 0);

      const spans = new Map(
        reader.of('spans').flatMap((event) => event.spans.map((span) => [span.from, span])),
      );
      assert.equal(
        [...spans.values()].reduce((jobs, span) => jobs + span.jobs, 0),
        2,
      );
      const timeline = await ask<Timeline>(`${url}/page/timeline`);
      assert.ok(timeline.spans.some((span) => span.busy > 0));
      for (const [i, span] of timeline.spans.entries()) {
        assert.ok(span.from <= span.to && span.from >= (timeline.spans[i - 1]?.to ?? 0) - 0.2, `${i}`);
      }
      const { jobs } = await ask<JobsPage>(`${url}/page/jobs`);
      assert.deepEqual(
        jobs.map(({ jobId }) => jobId),
        [second, first],
      );
      const detail = await ask<JobDetail>(`${url}/page/jobs/${encodeURIComponent(first)}`);
      assert.equal(detail.outcome, 'completed');
      reader.close();
    });
  });

  it('shows the device and the results that are not delivered', async () => {
    await withNode('simulator', async (test, url) => {
      const device = await ask<DeviceMap>(`${url}/page/device`);
      assert.equal(device.qubits, test.node.session.numQubits);
      const results = await ask<Results>(`${url}/page/results`);
      assert.deepEqual(
        { ...results },
        {
          refused: [],
          undelivered: [],
          refusedCount: 0,
          undeliveredCount: 0,
          replayingCount: 0,
          deadLetterCount: 0,
          problems: [],
        },
      );
      const state = await ask<Snapshot>(`${url}/page/state`);
      assert.equal(state.node.phase, 'running');
      assert.equal((await fetch(`${url}/page/jobs/nobody`)).status, 404);
    });
  });

  it('shows what it has seen itself if there is no history', async () => {
    const executor = new CountingExecutor();
    await withNode(
      executor,
      async (_, url) => {
        const ids: string[] = [];
        for (let i = 0; i < 5; i += 1) {
          ids.unshift(await cloud.submit(job));
          await cloud.outcome(ids[0] ?? '');
        }
        const failed = await cloud.submit({ ...job, ir: '{"gates": 7}' });
        await cloud.outcome(failed);
        assert.equal((await ask<Snapshot>(`${url}/page/state`)).node.hasHistory, false);
        const first = await ask<JobsPage>(`${url}/page/jobs?limit=4`);
        const rest = await ask<JobsPage>(`${url}/page/jobs?limit=4&before=${first.next}`);
        assert.deepEqual(
          [...first.jobs, ...rest.jobs].map(({ jobId }) => jobId),
          [failed, ...ids],
        );
        assert.equal(rest.next, null);
        const search = (ids[2] ?? '').slice(3).toUpperCase();
        const found = await ask<JobsPage>(`${url}/page/jobs?search=${search}`);
        assert.deepEqual(
          found.jobs.map(({ jobId }) => jobId),
          [ids[2]],
        );
        const failures = await ask<JobsPage>(`${url}/page/jobs?outcome=failed`);
        assert.deepEqual(
          failures.jobs.map(({ jobId, outcome, startedAt }) => [jobId, outcome, startedAt]),
          [[failed, 'failed', null]],
        );
        const detail = await ask<JobDetail>(`${url}/page/jobs/${failed}`);
        assert.match(detail.errorText ?? '', /invalid circuit/);
        assert.deepEqual([detail.drawing, detail.counts, detail.delivery], [null, null, null]);
        assert.deepEqual((await ask<Trend>(`${url}/page/trend?hours=1`)).buckets, []);
      },
      { CODA_HISTORY_MAX_MB: '0' },
    );
  });
});
