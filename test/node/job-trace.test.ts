// What the log says of the jobs that have ended.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin } from '../../src/index.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { zeros } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 5 };

describe('in the log', () => {
  const lineOf = (test: TestNode, jobId: string): Promise<string> =>
    waitUntil('the line', () =>
      test.log.find((line) => line.includes(jobId) && /completed|failed/.test(line)),
    );

  it('a job that failed has its line, with where and why, and the stack at debug', async () => {
    let run: () => unknown = () => zeros(job.ir, 5);
    const plugin = definePlugin({
      name: 'chiller',
      apply(node) {
        node.hooks.onJob.tapPromise('chiller', async ({ shots }, { signal }) => {
          if (shots === 13) throw new Error('no helium');
          // The device waits until it ends.
          if (shots === 14) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        });
      },
    });
    const env = { CODA_HOOK_TIMEOUT_SEC: '0.05' };
    const test = await startTestNode({ cloud, executor: { run: () => run() }, plugins: [plugin], env });
    try {
      const failing = async (fault: object, says: RegExp): Promise<string> => {
        const jobId = await cloud.submit({ ...job, ...fault });
        assert.equal((await cloud.outcome(jobId)).status, 'failed');
        const line = await lineOf(test, jobId);
        assert.match(line, says);
        assert.match(line, /WARN /);
        return jobId;
      };
      await failing({ shots: 13 }, /failed before its run: plugin 'chiller' failed in onJob: no helium/);
      await failing({ shots: 14 }, /failed before its run: plugin 'chiller' has not settled in onJob/);
      await failing({ shots: 'many' }, /failed in the check of its circuit: shots must be/);
      run = () => ({ counts: { '0': 5 }, executionTimeMs: 1, shotsCompleted: 5 });
      await failing({}, /failed in the check of its result, from the executor \(.*the key '0'/);
      run = () => {
        throw new Error('the fridge\nis warm');
      };
      const thrown = await failing({}, /failed in the executor \(.*\): the fridge is warm$/);
      const stack = test.log.find((line) => line.includes('DEBUG') && line.includes(`job ${thrown}: Error`));
      assert.match(stack ?? '', /at .*job-trace\.test/);
      assert.equal(test.log.filter((line) => /no helium/.test(line) && /WARN|ERROR/.test(line)).length, 1);
    } finally {
      await test.stop();
    }
  });

  it('a completed job has its line, and many have one together', async () => {
    const test = await startTestNode({ cloud, executor: { run: () => Promise.resolve(zeros(job.ir, 5)) } });
    try {
      const first = await cloud.submit(job);
      await cloud.outcome(first);
      assert.match(await lineOf(test, first), /INFO .*completed: 5 shots, 1\.0 ms/);
      const jobIds = await Promise.all(Array.from({ length: 200 }, () => cloud.submit(job)));
      await Promise.all(jobIds.map((jobId) => cloud.outcome(jobId)));
    } finally {
      await test.stop();
    }
    const lines = test.log.filter((line) => /INFO .*(job .* completed:|jobs completed in)/.test(line));
    const counted = lines.flatMap(
      (line) => / (\d+) jobs completed in the last \d+ s, 0 failed/.exec(line)?.[1] ?? [],
    );
    const named = lines.length - counted.length;
    assert.ok(counted.length > 0 && named < 200, lines.join('\n'));
    assert.equal(named + counted.reduce((sum, count) => sum + Number(count), 0), 201);
  });
});
