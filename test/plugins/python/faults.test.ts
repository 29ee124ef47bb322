// Python executors that die, hang or block: the built program, a real Redis, a real Python.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../../cli/workbench.ts';
import { completes, errorOf, submit } from './answers.ts';
import { NO_PYTHON, notes, nothingIsLeft, pythonsIn, startRig } from './drivers.ts';

describe('a Python executor', { skip: NO_PYTHON }, () => {
  for (const [what, shots, text] of [
    ['os._exit', 62, /ended with exit code 3/],
    ['a segmentation fault', 63, /SIGSEGV: Fatal Python error: Segmentation fault/],
    ['SIGKILL', 67, /ended by SIGKILL/],
  ] as const) {
    it(`that dies by ${what} is started again, and the job is failed after maxDeliveries starts`, async () => {
      const node = await startRig(bench, cloud.issueToken());
      const [before, deadly, after] = [await submit(5), await submit(shots), await submit(7)];
      assert.match(await errorOf(deadly), text);
      await completes(before, 5);
      await completes(after, 7);
      assert.equal(notes(bench).filter((line) => line.startsWith(`run ${shots} `)).length, 3);
      await node.says('is there again');
      assert.equal(node.child.exitCode, null);
      assert.deepEqual(cloud.violations, []);
    });
  }

  it('counts the starts of a deadly job also across a restart of the node', async () => {
    const node = await startRig(bench, cloud.issueToken(), { CODA_MAX_DELIVERIES: '4' });
    const jobId = await submit(62);
    await waitUntil('a start', () => notes(bench).some((line) => line.startsWith('run 62')));
    node.child.kill('SIGKILL');
    await node.ended;
    const starts = (): number => notes(bench).filter((line) => line.startsWith('run 62')).length;
    await startRig(bench, '', { CODA_MAX_DELIVERIES: '4' });
    assert.match(await errorOf(jobId), /was started 4 times/);
    assert.ok(starts() <= 4, `${starts()} starts`);
  });

  for (const [what, shots] of [
    ['waits for ever', 64],
    ['blocks its own loop', 65],
    ['holds the GIL in C code', 68],
  ] as const) {
    it(`that ${what} is ended at the deadline, and the next job runs`, async () => {
      const node = await startRig(bench, cloud.issueToken(), {
        CODA_JOB_TIMEOUT_SEC: '0.5',
        CODA_CANCEL_GRACE_SEC: '0.5',
      });
      const [stuck, next] = [await submit(shots), await submit(7)];
      assert.equal(await errorOf(stuck), 'timed out after 0.5 s');
      await completes(next, 7);
      assert.equal(notes(bench).filter((line) => line.startsWith(`run ${shots} `)).length, 1);
      node.child.kill('SIGTERM');
      assert.equal(await node.ended, 0);
      await nothingIsLeft(bench);
    });
  }

  for (const [shots, text] of [
    [65, 'the driver blocks its own event loop since'],
    [68, 'the driver holds all of Python since'],
    [73, 'the Python process is stopped (SIGSTOP) since'],
  ] as const) {
    it(`says in the log and in /ready: ${text}`, async () => {
      const node = await startRig(bench, cloud.issueToken());
      await submit(shots);
      await node.says(text);
      const status = await bench.run(['status', '--json']);
      assert.match(status.output, new RegExp(text.replace(/[()]/g, '\\$&')));
    });
  }

  it('leaves nothing behind when the node is killed, with a child of its own too', async () => {
    const node = await startRig(bench, cloud.issueToken());
    await completes(await submit(70), 70);
    await submit(65);
    await waitUntil('the run', () => notes(bench).some((line) => line.startsWith('run 65')));
    assert.ok(pythonsIn(bench).length > 1);
    node.child.kill('SIGKILL');
    await nothingIsLeft(bench);
  });
});
