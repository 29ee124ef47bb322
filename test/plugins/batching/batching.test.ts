// Batches: how many jobs go into one, and that the jobs of a broken batch run one by one.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { batching } from '../../../plugins/batching/index.ts';
import type { ExecutionResult, Executor } from '../../../src/index.ts';
import type { Batch } from '../../../src/kit.ts';
import { silentLogger } from '../../../src/log.ts';
import { standIn, type StandIn } from '../../support/harness.ts';

const RESULT: ExecutionResult = { counts: { '0': 1 }, executionTimeMs: 1, shotsCompleted: 1 };

async function nodeWith(t: TestContext, batchRun?: (...args: unknown[]) => unknown): Promise<StandIn> {
  const executor = { run: () => Promise.resolve(RESULT), ...(batchRun && { batchRun }) } as Executor;
  const node = standIn(t, batching(), { executor, settings: { batchSize: 3 } });
  await node.hooks.start.promise();
  return node;
}

function batchOf(jobs: number, signal = new AbortController().signal): Batch {
  const ir = {
    version: '1.0' as const,
    target: 'cz' as const,
    num_qubits: 1,
    gates: [],
    measurements: [0],
    metadata: { source_hash: '', compiled_at: '', compiler_version: '0.1.0', optimization_level: 2 },
  };
  return {
    jobs: Array.from({ length: jobs }, (_, index) => ({ ir, shots: 1, jobId: `job-${index}` })),
    context: { jobId: 'job-0', signal, log: silentLogger },
  };
}

test('an executor without batchRun gets single jobs', async (t) => {
  const node = await nodeWith(t);
  assert.equal(node.hooks.batchSize.call(100), undefined);
  assert.equal(await node.hooks.runBatch.promise(batchOf(2)), undefined);
});

test('up to batchSize waiting jobs go into one batch, a single one does not', async (t) => {
  const node = await nodeWith(t, () => []);
  const sizes = [1, 2, 3, 4, 1000].map((waiting) => node.hooks.batchSize.call(waiting));
  assert.deepEqual(sizes, [undefined, 2, 3, 3, 3]);
});

test('the executor gets the jobs and the context, and its results come back in order', async (t) => {
  const results = [RESULT, { ...RESULT, executionTimeMs: 2 }];
  const calls: unknown[][] = [];
  const node = await nodeWith(t, (...args) => {
    calls.push(args);
    return Promise.resolve(results);
  });
  const batch = batchOf(2);
  assert.deepEqual(await node.hooks.runBatch.promise(batch), results);
  assert.deepEqual(calls, [[batch.jobs, batch.context]]);
});

const broken: [string, () => unknown, RegExp][] = [
  [
    'throws',
    () => {
      throw new Error('laser off');
    },
    /failed: laser off/,
  ],
  ['rejects', () => Promise.reject(new Error('laser off')), /failed: laser off/],
  ['returns too few results', () => [RESULT], /returned 1 results/],
  ['returns too many results', () => [RESULT, RESULT, RESULT], /returned 3 results/],
  ['returns no list', () => ({ results: [] }), /returned no list/],
  ['returns nothing', () => undefined, /returned no list/],
];
for (const [what, batchRun, expected] of broken) {
  test(`a batch that ${what} leaves its jobs to single runs, and the log says why`, async (t) => {
    const node = await nodeWith(t, batchRun);
    assert.equal(await node.hooks.runBatch.promise(batchOf(2)), undefined);
    assert.match(node.logged('WARN').join('\n'), expected);
    assert.match(node.logged('WARN').join('\n'), /test executor.*2 jobs run one by one/);
  });
}

test('a batch that was stopped is not run again job by job', async (t) => {
  const node = await nodeWith(t, () => Promise.reject(new Error('stopped')));
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(
    node.hooks.runBatch.promise(batchOf(2, stop.signal)),
    /'batching' failed in runBatch: stopped/,
  );
});
