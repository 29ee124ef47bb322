// A plugin that blocks the event loop is named with its hook, and the executor is not blamed for it.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { definePlugin } from '../../src/index.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';
import { CountingExecutor } from '../support/executors.ts';

const BLOCKED_MS = 1_500;

function block(): void {
  const until = performance.now() + BLOCKED_MS;
  while (performance.now() < until);
}

it('a tap that blocks the event loop, at once or after an await, is named in the log', async () => {
  const plugin = definePlugin({
    name: 'calib',
    apply({ hooks }) {
      hooks.onJob.tapPromise('calib', async (job) => {
        if (job.shots === 2) block();
        await new Promise((resolve) => void setImmediate(resolve));
        if (job.shots === 3) block();
      });
    },
  });
  const idle = definePlugin({ name: 'idle', apply: ({ hooks }) => hooks.onJob.tap('idle', () => {}) });
  const test = await startTestNode({ cloud, executor: new CountingExecutor(), plugins: [idle, plugin] });
  try {
    // Of taps that run together, the first line names all; from then on each is timed.
    for (const [shots, named] of [
      [2, "plugin 'idle' or 'calib' in onJob"],
      [2, "plugin 'calib' in onJob"],
      [3, "plugin 'calib' in onJob"],
    ] as const) {
      const jobId = await cloud.submit({ ir: bell('cz').ir, shots });
      const line = await waitUntil('a line in the log', () =>
        test.log.find((text) => text.includes('the event loop was blocked') && text.includes(jobId)),
      );
      assert.match(line, /blocked for 1\.\d s while job/);
      assert.ok(line.includes(named), line);
      assert.doesNotMatch(line, /the executor/);
    }
  } finally {
    await test.stop();
  }
});
