// Python executors that die, hang or block: the built program, a real Redis, a real Python.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { policyOf } from '../../../plugins/python/scheduling.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../../cli/workbench.ts';
import { completes, errorOf, submit } from './answers.ts';
import { NO_PYTHON, notes, nothingIsLeft, put, pythonsIn, startRig } from './drivers.ts';

/** Numbers of Linux. */
const [SCHED_OTHER, SCHED_BATCH] = [0, 3];
const NO_POLICIES =
  spawnSync('chrt', ['--batch', '0', 'true']).status !== 0 &&
  'this system lets nobody set scheduling policies';

describe('a Python executor', { skip: NO_PYTHON }, () => {
  for (const [what, shots, text] of [
    ['os._exit', 62, /ended with exit code 3/],
    ['a segmentation fault', 63, /SIGSEGV: Fatal Python error: Segmentation fault/],
    ['SIGKILL', 67, /ended by SIGKILL \((out of memory, or somebody|by somebody)\)/],
    ['a lack of memory', 74, /ran out of memory: MemoryError/],
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

  it(
    'goes before the node on a core that both want, also when it was started again',
    { skip: NO_POLICIES },
    async () => {
      const node = await startRig(bench, cloud.issueToken());
      await completes(await submit(5), 5);
      await errorOf(await submit(62));
      await completes(await submit(7), 7);
      const ran = (shots: number): number =>
        Number(
          notes(bench)
            .findLast((line) => line.startsWith(`run ${shots} `))
            ?.split(' ')[2],
        );
      assert.notEqual(ran(5), ran(7));
      assert.deepEqual([policyOf(node.child.pid ?? 0), policyOf(ran(7))], [SCHED_BATCH, SCHED_OTHER]);
    },
  );

  it('that has leaked its memory is started again, and the job that had none runs', async () => {
    const node = await startRig(bench, cloud.issueToken());
    await completes(await submit(76), 76);
    await node.says('ran out of memory: MemoryError; it is started again');
    await completes(await submit(7), 7);
    const pids = new Set(
      notes(bench)
        .filter((line) => line.startsWith('run '))
        .map((line) => line.split(' ')[2]),
    );
    assert.equal(pids.size, 2);
  });

  it('that is ended because of one run begins its other runs again, and that is not counted', async () => {
    await startRig(bench, cloud.issueToken(), {
      CODA_CONCURRENCY: '2',
      CODA_MAX_DELIVERIES: '1',
      CODA_CANCEL_GRACE_SEC: '0.1',
    });
    const starts = (shots: number): number =>
      notes(bench).filter((line) => line.startsWith(`run ${shots} `)).length;
    const [deaf, innocent] = [await submit(75), await submit(78)];
    await waitUntil('both runs', () => starts(75) === 1 && starts(78) === 1);
    await cloud.cancel(deaf);
    await waitUntil('another start', () => starts(78) === 2);
    put(bench, 'go', '');
    await completes(innocent, 78);
    await completes(await submit(7), 7);
    assert.equal(starts(75), 1);
    assert.ok(notes(bench).includes('deaf'));
    assert.deepEqual(cloud.violations, []);
  });

  it('begins the next jobs also while the node cannot say so; a kill of the node then counts for all of them', async () => {
    const node = await startRig(bench, cloud.issueToken());
    const starts = (shots: number): number =>
      notes(bench).filter((line) => line.startsWith(`run ${shots} `)).length;
    let jobs: string[] = [];
    let hasBegun = false;
    // The node may be stopped before it has allowed the next job: then it is tried with others.
    for (let attempt = 1; attempt <= 5 && !hasBegun; attempt += 1) {
      rmSync(join(bench.folder, 'go'), { force: true });
      jobs = [await submit(78), await submit(7), await submit(8)];
      await waitUntil('the run', () => starts(78) === attempt);
      await waitUntil('the queue', async () =>
        /"queued": ?2\b/.test((await bench.run(['status', '--json'])).output),
      );
      node.child.kill('SIGSTOP');
      put(bench, 'go', '');
      hasBegun = await waitUntil('the next run', () => starts(8) === attempt, { timeoutMs: 2_000 }).catch(
        () => false,
      );
      if (hasBegun) break;
      node.child.kill('SIGCONT');
      await completes(jobs[2] ?? '', 8);
    }
    assert.ok(hasBegun);
    const marks = readFileSync(join(bench.stateDir, 'coda-node-spool', 'running'), 'utf8');
    assert.equal(marks.trim().split(/\s+/).length, 3);
    node.child.kill('SIGKILL');
    await nothingIsLeft(bench);
    await startRig(bench, '');
    for (const [index, shots] of [78, 7, 8].entries()) await completes(jobs[index] ?? '', shots);
    assert.deepEqual(cloud.violations, []);
  });

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
