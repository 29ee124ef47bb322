// What an executor that works in a process of its own gets from the node, and may tell it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin, ExecutorDiedError, type Executor } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';

const { ir } = bell('cz');
const TEXT = ` ${JSON.stringify(ir)}\n`;
const result = (shots: number): Awaited<ReturnType<Executor['run']>> => ({
  counts: { '00': shots },
  executionTimeMs: 1,
  shotsCompleted: shots,
});

describe('an executor that works in another process', () => {
  it('may die: the job runs again, prepared again, and is failed after maxDeliveries starts', async () => {
    const starts: number[] = [];
    const prepared: string[] = [];
    const executor: Executor = {
      run: (_, shots) => {
        starts.push(shots);
        const deaths = shots === 66 ? 99 : 1;
        return starts.filter((one) => one === shots).length <= deaths
          ? Promise.reject(new ExecutorDiedError('its process was ended by SIGSEGV'))
          : Promise.resolve(result(shots));
      },
    };
    const plugin = definePlugin({
      name: 'calibrate',
      apply: (node) => node.hooks.onJob.tap('calibrate', ({ jobId }) => void prepared.push(jobId)),
    });
    const { stop, log } = await startTestNode({ cloud, executor, plugins: [plugin] });
    try {
      const [good, bad] = [await cloud.submit({ ir, shots: 5 }), await cloud.submit({ ir, shots: 66 })];
      assert.equal((await cloud.outcome(good)).status, 'completed');
      const body = await cloud.outcome(bad);
      assert.ok(body.status === 'failed');
      assert.match(
        body.error,
        /^the job was started 3 times without an outcome; it is not tried again: .*SIGSEGV/,
      );
      assert.deepEqual(
        starts.toSorted((a, b) => a - b),
        [5, 5, 66, 66, 66],
      );
      assert.deepEqual(prepared.filter((jobId) => jobId === bad).length, 3);
      assert.ok(log.some((line) => line.includes(`job ${good} runs again, after 1 of 3 starts`)));
    } finally {
      await stop();
    }
  });

  it('hears which jobs are next, and gets the text of each circuit, as no other executor does', async () => {
    const heard: string[] = [];
    const texts: (string | undefined)[] = [];
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const run: Executor['run'] = async (_, shots, { irJson }) => {
      texts.push(irJson);
      await held;
      return result(shots);
    };
    const upcoming: Executor['upcoming'] = (jobs) => {
      for (const { jobId, circuit } of jobs) if (circuit.irJson === TEXT) heard.push(jobId);
    };
    for (const executor of [{ run, upcoming }, { run }]) {
      const { stop } = await startTestNode({ cloud, executor });
      try {
        const first = await cloud.submit({ ir: TEXT, shots: 5 });
        const next = await cloud.submit({ ir: TEXT, shots: 6 });
        if ('upcoming' in executor) await waitUntil('the next job', () => heard.includes(next));
        release();
        for (const jobId of [first, next]) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      } finally {
        await stop();
      }
    }
    assert.deepEqual(texts, [TEXT, TEXT, undefined, undefined]);
  });
});
