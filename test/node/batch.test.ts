// Jobs that wait together go to `batchRun` together, and one by one if that fails.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bell, startTestNode, waitUntil, type TestNodeOptions } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { BatchExecutor } from '../support/executors.ts';

describe('batches', () => {
  /** Has 25 jobs wait in the stream before a node with this executor starts, and waits for their outcomes. */
  async function run25(executor: BatchExecutor, options: Partial<TestNodeOptions> = {}): Promise<string[]> {
    const first = await startTestNode({ cloud, ...options });
    await first.node.stop();
    const jobIds: string[] = [];
    for (let shots = 1; shots <= 25; shots += 1)
      jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots }));
    const second = await startTestNode({ cloud, executor, stateDir: first.stateDir, ...options });
    try {
      for (const [i, jobId] of jobIds.entries()) {
        const body = await cloud.outcome(jobId);
        assert.ok(body.status === 'completed' && body.shots_completed === i + 1, JSON.stringify(body));
      }
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
    } finally {
      await second.stop();
      await first.stop();
    }
    assert.deepEqual(cloud.violations, []);
    return jobIds;
  }

  it('hold at most ten jobs, in the order of the stream', async () => {
    const executor = new BatchExecutor();
    const jobIds = await run25(executor);
    assert.ok(executor.batches.length > 0);
    assert.ok(executor.batches.every((batch) => batch.length >= 2 && batch.length <= 10));
    assert.ok(executor.batches.some((batch) => batch.length === 10));
    const inBatches = new Set(executor.batches.flat());
    assert.deepEqual(
      executor.batches.flat(),
      jobIds.filter((jobId) => inBatches.has(jobId)),
    );
    assert.deepEqual([...inBatches, ...executor.runs].toSorted(), [...jobIds].toSorted());
  });

  it('are as large as the configuration says', async () => {
    const executor = new BatchExecutor();
    await run25(executor, { env: { CODA_BATCH_SIZE: '4' } });
    assert.ok(executor.batches.some((batch) => batch.length === 4));
    assert.ok(executor.batches.every((batch) => batch.length <= 4));
  });

  for (const [fault, answer] of Object.entries({
    throws: () => {
      throw new Error('the batch did not fit');
    },
    'returns too few results': (results: BatchResults) => results.slice(1),
    'returns no list': () => ({}) as BatchResults,
  })) {
    it(`fall back to single runs if batchRun ${fault}`, async () => {
      const executor = new BatchExecutor();
      executor.answer = answer;
      const jobIds = await run25(executor);
      assert.deepEqual([...executor.runs].toSorted(), [...jobIds].toSorted());
    });
  }

  it('fail only the job whose result is wrong', async () => {
    const executor = new BatchExecutor();
    executor.answer = (results) =>
      results.map((result) => (result.shotsCompleted === 7 ? { ...result, shotsCompleted: NaN } : result));
    const first = await startTestNode({ cloud });
    await first.node.stop();
    const jobIds: string[] = [];
    for (let shots = 1; shots <= 10; shots += 1)
      jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots }));
    const second = await startTestNode({ cloud, executor, stateDir: first.stateDir });
    try {
      const outcomes = await Promise.all(jobIds.map((jobId) => cloud.outcome(jobId)));
      const inBatch = new Set(executor.batches.flat());
      for (const [i, body] of outcomes.entries()) {
        const isSpoilt = i + 1 === 7 && inBatch.has(body.job_id);
        assert.equal(body.status, isSpoilt ? 'failed' : 'completed');
      }
      assert.ok(inBatch.has(jobIds[6] ?? ''));
    } finally {
      await second.stop();
      await first.stop();
    }
  });
});

type BatchResults = Parameters<BatchExecutor['answer']>[0];
