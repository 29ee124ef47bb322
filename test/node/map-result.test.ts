// A plugin that maps results: off the device's path, checked, and what was measured is never lost.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runAction } from '../../src/cli/results/actions.ts';
import { terminal } from '../../src/cli/terminal/output.ts';
import { definePlugin, type Executor, type Job, type RunOutcome, type SeenResult } from '../../src/index.ts';
import { readRefused } from '../../src/outbox/refused.ts';
import { nodeFolder, refusedDirectory } from '../../src/state/layout.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { BatchExecutor, CountingExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };
type Map = (result: SeenResult, job: Job) => SeenResult | undefined | Promise<SeenResult | undefined>;

const measuring = (result: object): Executor => ({
  run: (_ir, shots) =>
    Promise.resolve({
      counts: { '00': shots - 1, '11': 1 },
      executionTimeMs: 1,
      shotsCompleted: shots,
      ...result,
    }),
});

function mapping(map: Map, name = 'mitigation'): ReturnType<typeof definePlugin> {
  return definePlugin({
    name,
    apply: ({ hooks }) => hooks.mapResult.tapPromise(name, async (result, held) => map(result, held)),
  });
}

const flip: Map = (result) => {
  const flipped = Object.entries(result.counts).map(([bits, count]) => [
    bits.replaceAll(/./g, (bit) => (bit === '0' ? '1' : '0')),
    count,
  ]);
  return { ...result, counts: Object.fromEntries(flipped) };
};

describe('a plugin in mapResult', () => {
  it('changes what is reported, after the one before it', async () => {
    const drop: Map = (result) => ({
      ...result,
      counts: { '11': result.counts['11'] ?? 0 },
      shotsCompleted: 3,
    });
    const plugins = [mapping(flip, 'first'), mapping(drop, 'second'), mapping(() => undefined, 'third')];
    const test = await startTestNode({ cloud, executor: measuring({}), plugins });
    try {
      const jobId = await cloud.submit(job);
      assert.deepEqual(await cloud.outcome(jobId), {
        job_id: jobId,
        status: 'completed',
        counts: { '11': 3 },
        execution_time_ms: 1,
        shots_completed: 3,
      });
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('may make the bits fit, and sees memory and metadata, as afterRun does; the cloud does not', async () => {
    const executor = measuring({
      counts: { '001': 3, '110': 1 },
      memory: ['001', '001', '110', '001'],
      metadata: { temperatureMk: 12 },
      colour: 'blue',
      shape: 'round',
    });
    const seen: (SeenResult | RunOutcome)[] = [];
    const trim: Map = (result) => {
      seen.push(result);
      return { ...result, counts: { '00': 3, '11': 1 }, metadata: { ...result.metadata, trimmed: true } };
    };
    const watch = definePlugin({
      name: 'watch',
      apply: ({ hooks }) => hooks.afterRun.tap('watch', (_job, outcome) => void seen.push(outcome)),
    });
    const test = await startTestNode({ cloud, executor, plugins: [mapping(trim), watch] });
    try {
      const jobId = await cloud.submit(job);
      assert.deepEqual(await cloud.outcome(jobId), {
        job_id: jobId,
        status: 'completed',
        counts: { '00': 3, '11': 1 },
        execution_time_ms: 1,
        shots_completed: 4,
      });
      assert.deepEqual(seen[0]?.metadata, { temperatureMk: 12 });
      assert.deepEqual(seen[1]?.metadata, { temperatureMk: 12, trimmed: true });
      assert.deepEqual(seen[1]?.memory, ['001', '001', '110', '001']);
      await cloud.outcome(await cloud.submit(job));
      const named = test.log.filter((line) => line.includes('returned the field'));
      assert.equal(named.length, 1, named.join('\n'));
      assert.match(named[0] ?? '', /'colour'/);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('maps each result of a batch', async () => {
    const first = await startTestNode({ cloud });
    await first.node.stop();
    const jobIds = [await cloud.submit(job), await cloud.submit(job), await cloud.submit(job)];
    const executor = new BatchExecutor();
    const test = await startTestNode({ cloud, executor, plugins: [mapping(flip)], stateDir: first.stateDir });
    try {
      for (const jobId of jobIds) {
        const body = await cloud.outcome(jobId);
        assert.ok(body.status === 'completed');
        assert.deepEqual(body.counts, { '11': 4 });
      }
      assert.ok(executor.batches.length > 0);
    } finally {
      await test.stop();
      await first.stop();
    }
  });

  it('does not hold up the device', async () => {
    const executor = new CountingExecutor();
    const finish: (() => void)[] = [];
    const hang: Map = () => new Promise((resolve) => finish.push(() => resolve(undefined)));
    const test = await startTestNode({ cloud, executor, plugins: [mapping(hang)] });
    try {
      const jobIds = [await cloud.submit(job), await cloud.submit(job)];
      await waitUntil('both runs', () => executor.runs.length === 2 && finish.length === 2);
      const cancelled = jobIds[0] ?? '';
      await cloud.cancel(cancelled);
      await cloud.whenState(cancelled, 'cancelled');
      for (const end of finish) end();
      await cloud.outcome(jobIds[1] ?? '');
      await waitUntil('the acknowledgements', async () => (await cloud.pending()) === 0);
      assert.equal(cloud.deliveries.filter(({ body }) => JSON.stringify(body).includes(cancelled)).length, 0);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('that has not ended when the operator gives the job up does not cost what was measured', async () => {
    const finish: (() => void)[] = [];
    const hang: Map = () => new Promise((resolve) => finish.push(() => resolve(undefined)));
    const test = await startTestNode({ cloud, executor: measuring({}), plugins: [mapping(hang)] });
    try {
      const jobId = await cloud.submit(job);
      await waitUntil('the tap', () => finish.length === 1);
      test.node.cancelRunning();
      const body = await cloud.outcome(jobId);
      assert.ok(body.status === 'failed');
      assert.match(body.error, /the operator stopped the node/);
      const [name = ''] = await readdir(refusedDirectory(nodeFolder(test.stateDir)));
      const kept = readRefused(join(refusedDirectory(nodeFolder(test.stateDir)), name));
      assert.ok(kept?.outcome.status === 'completed');
      assert.deepEqual([kept.jobId, kept.outcome.counts], [jobId, { '00': 3, '11': 1 }]);
      // Its tap ends after all: nothing more is posted, and the node can stop.
      for (const end of finish) end();
      await waitUntil('the acknowledgement', async () => (await cloud.pending()) === 0);
      assert.equal(cloud.deliveries.filter(({ body: sent }) => sent?.job_id === jobId).length, 1);
      assert.equal(test.node.jobs.figures().running, 0);
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  const broken: Readonly<Record<string, readonly [Map, RegExp]>> = {
    'that throws': [
      () => {
        throw new Error('no calibration file');
      },
      /plugin 'mitigation' failed in mapResult: no calibration file/,
    ],
    'that is late': [
      () => new Promise(() => {}),
      /plugin 'mitigation' has not settled in mapResult after 0.1 s/,
    ],
    'that returns halves': [
      (result) => ({ ...result, counts: { '00': 0.5 } }),
      /plugin 'mitigation' failed in mapResult: .*non-negative integer, got 0.5/,
    ],
    'that returns other bits': [
      (result) => ({ ...result, counts: { '000': 4 } }),
      /plugin 'mitigation' made of .* a bitstring of 2 bits/,
    ],
  };
  for (const [what, [map, expected]] of Object.entries(broken)) {
    it(`${what} fails the job by name, and what was measured can be replayed`, async () => {
      const env = { CODA_HOOK_TIMEOUT_SEC: '0.1' };
      const test = await startTestNode({ cloud, executor: measuring({}), plugins: [mapping(map)], env });
      const { stateDir } = test;
      try {
        const jobId = await cloud.submit(job);
        const body = await cloud.outcome(jobId);
        assert.ok(body.status === 'failed');
        assert.match(body.error, expected);
        assert.equal((await readdir(refusedDirectory(nodeFolder(stateDir)))).length, 1);
        const printed: unknown[] = [];
        const out = {
          ...terminal(process.stdout),
          write: () => {},
          json: (value: unknown) => void printed.push(value),
        };
        const request = { stateDir, jobs: [], json: true, out };
        assert.equal(await runAction('show', { ...request, jobs: [jobId] }), 0);
        const shown = printed[0] as Record<string, unknown>;
        assert.deepEqual(shown['counts'], { '00': 3, '11': 1 });
        assert.match(String(shown['reason']), expected);
        await waitUntil('the acknowledgement', async () => (await cloud.pending()) === 0);
        assert.equal(await runAction('replay', { ...request, jobs: [jobId] }), 0);
        const replayed = await waitUntil('the replay', () =>
          cloud.deliveries.find(({ body: sent }) => {
            const posted = JSON.stringify(sent);
            return posted.includes(jobId) && posted.includes('"completed"');
          }),
        );
        assert.match(JSON.stringify(replayed.body), /"00":3/);
        await waitUntil('the end of its file', async () => {
          const names = await readdir(join(nodeFolder(stateDir), 'replay'));
          return names.length === 0;
        });
      } finally {
        await test.stop();
      }
    });
  }
});
