// Jobs that kill the node, started again and again as by a service manager.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { readOr } from '../operator.ts';
import { bench, cloud } from '../workbench.ts';

/** Jobs of 66 shots end the process with `death`, at once; all others run. Each start of a job is a line in `starts`. */
const executorThat = (death: string, plugins = ''): string => `
import { appendFileSync } from 'node:fs';
import { defineConfig } from 'coda-node';

export default defineConfig({
  ${plugins}
  executor: () => ({
    async run(ir, shots, { jobId }) {
      appendFileSync(new URL('./starts', import.meta.url), jobId + '\\n');
      if (shots === 66) ${death};
      // Long enough for the next job to be here when this one ends.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
    },
  }),
});
`;

describe('a job that kills the node', () => {
  const startsOf = (jobId: string): number =>
    readOr(join(bench.folder, 'starts'), '')
      .split('\n')
      .filter((line) => line === jobId).length;

  /** Starts the node again and again until these jobs have their results; returns how often it died. */
  const startUntilDone = async (jobIds: readonly string[]): Promise<number> => {
    const isDone = (): boolean => jobIds.every((jobId) => cloud.results.has(jobId));
    for (let deaths = 0; deaths < 20; deaths += 1) {
      const node = bench.spawn(['start'], {
        CODA_NODE_TOKEN: deaths === 0 ? cloud.issueToken() : '',
        CODA_MAX_DELIVERIES: '3',
      });
      let ended = false;
      void node.ended.then(() => (ended = true));
      await waitUntil('the end of the node, or of the jobs', () => ended || isDone());
      if (ended) continue;
      node.child.kill('SIGTERM');
      assert.equal(await node.ended, 0, node.output());
      return deaths;
    }
    throw new Error('the node dies again and again');
  };

  for (const [name, death, mostStarts] of [
    ['process.exit', 'process.exit(3)', 1],
    // Nobody can save anything then: the job before may run once more.
    ['SIGKILL', "process.kill(process.pid, 'SIGKILL')", 2],
  ] as const) {
    it(`just after others does not cost their results: ${name}`, async () => {
      writeFileSync(join(bench.folder, 'coda.config.ts'), executorThat(death));
      const jobIds: string[] = [];
      // All are there before the node is: they run one right after the other.
      for (const shots of [5, 6, 7, 66, 8]) jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots }));
      await startUntilDone(jobIds);
      const statuses = jobIds.map((jobId) => cloud.results.get(jobId)?.status);
      assert.deepEqual(statuses, ['completed', 'completed', 'completed', 'failed', 'completed']);
      for (const jobId of jobIds.filter((_, i) => i !== 3)) {
        assert.ok(startsOf(jobId) <= mostStarts, `${startsOf(jobId)} starts`);
      }
      assert.deepEqual(cloud.violations, []);
    });
  }

  /** Its counts tell a result that was mapped from one that was only measured. */
  const mapping = (tap: string): string => `plugins: [{
    name: 'mitigation',
    apply: ({ hooks }) => {
      const map = (result) => ({ ...result, counts: { '11': result.shotsCompleted } });
      ${tap}
    },
  }],`;
  const slowly =
    "hooks.mapResult.tapPromise('m', (result) => new Promise((resolve) => setTimeout(() => resolve(map(result)), 300)));";
  for (const [name, death, tap, mostStarts] of [
    ['process.exit, and a plugin that maps at once', 'process.exit(3)', "hooks.mapResult.tap('m', map);", 1],
    ['process.exit, and a plugin that takes its time', 'process.exit(3)', slowly, 2],
    ['SIGKILL, and a plugin that takes its time', "process.kill(process.pid, 'SIGKILL')", slowly, 2],
  ] as const) {
    it(`while results are mapped has none reported as it was measured, and no other job fails: ${name}`, async () => {
      writeFileSync(join(bench.folder, 'coda.config.ts'), executorThat(death, mapping(tap)));
      const jobIds: string[] = [];
      for (const shots of [5, 6, 7, 66, 8]) jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots }));
      await startUntilDone(jobIds);
      for (const [i, shots] of [5, 6, 7, 66, 8].entries()) {
        const jobId = jobIds[i] ?? '';
        const result = cloud.results.get(jobId);
        if (shots === 66) assert.equal(result?.status, 'failed');
        else {
          assert.ok(result?.status === 'completed', JSON.stringify(result));
          assert.deepEqual(result.counts, { '11': shots });
          assert.ok(startsOf(jobId) <= mostStarts, `${startsOf(jobId)} starts`);
        }
      }
      assert.deepEqual(cloud.violations, []);
    });
  }

  it('in prepare is failed after maxDeliveries starts, and no other job with it', async () => {
    const prepare = `plugins: [{
      name: 'mapper',
      apply: ({ hooks }) => hooks.prepare.tapPromise('mapper', async (circuit, { jobId, shots }) => {
        if (shots !== 66) return;
        appendFileSync(new URL('./starts', import.meta.url), jobId + '\\n');
        // The job before it is on the device by then.
        await new Promise((resolve) => setTimeout(resolve, 20));
        process.exit(3);
      }),
    }],`;
    writeFileSync(join(bench.folder, 'coda.config.ts'), executorThat('throw new Error()', prepare));
    const jobIds: string[] = [];
    for (const shots of [5, 6, 66, 7, 8]) jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots }));
    const deaths = await startUntilDone(jobIds);
    const statuses = jobIds.map((jobId) => cloud.results.get(jobId)?.status);
    assert.deepEqual(statuses, ['completed', 'completed', 'failed', 'completed', 'completed']);
    assert.deepEqual([deaths, startsOf(jobIds[2] ?? '')], [3, 3]);
    const result = cloud.results.get(jobIds[2] ?? '');
    assert.match(JSON.stringify(result), /started 3 times without an outcome/);
    assert.deepEqual(cloud.violations, []);
  });

  for (const [name, death] of [
    ['process.exit', 'process.exit(3)'],
    ['SIGKILL', "process.kill(process.pid, 'SIGKILL')"],
  ] as const) {
    it(`in its first moment is failed once after maxDeliveries starts, and the next ones proceed: ${name}`, async () => {
      writeFileSync(join(bench.folder, 'coda.config.ts'), executorThat(death));
      const jobIds: string[] = [];
      for (const shots of [66, 66, 66, 7]) jobIds.push(await cloud.submit({ ir: bell('cz').ir, shots }));
      const killers = jobIds.slice(0, 3);
      const deaths = await startUntilDone(jobIds);
      const statuses = jobIds.map((jobId) => cloud.results.get(jobId)?.status);
      assert.deepEqual(statuses, ['failed', 'failed', 'failed', 'completed']);
      const starts = killers.map(startsOf);
      // A job that was marked before its start may be given up one start early.
      for (const count of starts) assert.ok(count === 3 || count === 2, `${starts.join(', ')} starts`);
      assert.equal(
        deaths,
        starts.reduce((sum, count) => sum + count, 0),
      );
      for (const jobId of jobIds) {
        const delivered = cloud.deliveries.filter(({ body }) => body?.job_id === jobId);
        // A death between the cloud's yes and the record of it: the same outcome is posted again.
        assert.equal(new Set(delivered.map(({ body }) => JSON.stringify(body))).size, 1);
      }
      assert.deepEqual(cloud.violations, []);
    });
  }
});
