// Jobs on a Python executor: the built program, a real Redis, a real Python.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bell, startLocalCloud, waitUntil } from '../../../src/testing/index.ts';
import { Bench } from '../../cli/operator.ts';
import { bench, cloud } from '../../cli/workbench.ts';
import { NO_PYTHON, notes, nothingIsLeft, put, pythonsIn, startRig } from './drivers.ts';

const submit = (shots: number): Promise<string> => cloud.submit({ ir: bell('cz').ir, shots });

async function errorOf(jobId: string): Promise<string> {
  const body = await cloud.outcome(jobId, { timeoutMs: 60_000 });
  assert.ok(body.status === 'failed', JSON.stringify(body));
  return body.error;
}

async function completes(jobId: string, shots: number): Promise<void> {
  const body = await cloud.outcome(jobId, { timeoutMs: 60_000 });
  assert.ok(body.status === 'completed', JSON.stringify(body));
  assert.deepEqual(body.counts, { '00': shots });
}

describe('a Python executor', { skip: NO_PYTHON }, () => {
  it('gets the settings of the bundle, no secrets, and runs jobs; its output is in the log with the job', async () => {
    const node = await startRig(bench, cloud.issueToken());
    assert.match(notes(bench)[0] ?? '', new RegExp(`^made cz 12 ${cloud.qpuId} -$`));
    const jobId = await submit(66);
    await completes(jobId, 66);
    await node.says(`python.driver: hello from the driver job=${jobId}`);
    await node.says('python.driver: and on stderr');
    await completes(await submit(72), 72);
    assert.deepEqual(
      notes(bench).filter((line) => line.startsWith('secrets')),
      ['secrets'],
    );
    const [connect] = cloud.connects.slice(-1);
    assert.ok(connect !== undefined);
    await cloud.whenHeartbeat(({ body }) => JSON.stringify(body?.connectivity) === '[[0,1],[1,2]]');
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
    await nothingIsLeft(bench);
    assert.deepEqual(cloud.violations, []);
  });

  it('reports its edges again when they change', async () => {
    await startRig(bench, cloud.issueToken(), { CODA_HEARTBEAT_INTERVAL_SEC: '0.5' });
    await cloud.whenHeartbeat(({ body }) => JSON.stringify(body?.connectivity) === '[[0,1],[1,2]]');
    put(bench, 'rewired', '');
    await cloud.whenHeartbeat(({ body }) => JSON.stringify(body?.connectivity) === '[[0,3]]');
  });

  it('fails a job with the words of its exception, and the traceback is in the log', async () => {
    const node = await startRig(bench, cloud.issueToken());
    assert.equal(await errorOf(await submit(61)), 'the laser is off');
    await node.says('if shots == 61: raise ExecutorError(');
    assert.match(await errorOf(await submit(71)), /counts is a list/);
    await completes(await submit(7), 7);
  });

  it('is stopped by a cancel, and runs the next job', async () => {
    await startRig(bench, cloud.issueToken());
    const jobId = await submit(64);
    await waitUntil('the run', () => notes(bench).some((line) => line.startsWith('run 64')));
    const next = await submit(7);
    await cloud.cancel(jobId);
    await cloud.whenState(jobId, 'cancelled');
    await completes(next, 7);
    assert.ok(notes(bench).includes('cancel'));
    assert.equal(cloud.results.has(jobId), false);
  });

  it('runs batches, and one by one what was in a batch that killed it', async () => {
    const jobIds = [await submit(5), await submit(6), await submit(7), await submit(8)];
    const node = await startRig(bench, cloud.issueToken(), { CODA_EXECUTOR_FACTORY: 'rig:create_batch' });
    for (const [i, jobId] of jobIds.entries()) await completes(jobId, 5 + i);
    assert.ok(notes(bench).some((line) => line.startsWith('batch ')));
    node.child.kill('SIGTERM');
    await node.ended;
    const deadly = [await submit(5), await submit(62), await submit(7)];
    await startRig(bench, '', { CODA_EXECUTOR_FACTORY: 'rig:create_batch' });
    await completes(deadly[0] ?? '', 5);
    assert.match(await errorOf(deadly[1] ?? ''), /started 3 times without an outcome.*exit code 3/s);
    await completes(deadly[2] ?? '', 7);
  });

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

  it('may print megabytes: the log is bounded, and the job goes on', async () => {
    const node = await startRig(bench, cloud.issueToken());
    await completes(await submit(69), 69);
    await node.says('further lines of the driver are left out');
    assert.ok(node.output().length < 1_000_000, `${node.output().length} characters`);
  });

  it('leaves nothing behind when the node is killed, with a child of its own too', async () => {
    const node = await startRig(bench, cloud.issueToken());
    await completes(await submit(70), 70);
    await submit(65);
    await waitUntil('the run', () => notes(bench).some((line) => line.startsWith('run 65')));
    assert.ok(pythonsIn(bench).length > 1);
    node.child.kill('SIGKILL');
    await nothingIsLeft(bench);
  });

  it('runs 5,000 jobs', async () => {
    // Other tests leave jobs pending.
    const own = await startLocalCloud();
    const at = new Bench(own);
    try {
      await startRig(at, own.issueToken());
      const { ir } = bell('cz');
      const jobIds = await Promise.all(Array.from({ length: 5_000 }, () => own.submit({ ir, shots: 7 })));
      const isDone = (): boolean => jobIds.every((jobId) => own.results.has(jobId));
      await waitUntil('every outcome', isDone, { timeoutMs: 90_000 });
      await waitUntil('every acknowledgement', async () => (await own.pending()) === 0);
      assert.equal(notes(at).filter((line) => line.startsWith('run 7 ')).length, 5_000);
      assert.deepEqual(own.violations, []);
    } finally {
      await at.clear();
      await own.close();
    }
  });
});
