// Jobs on a Python executor: the built program, a real Redis, a real Python.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { cancelKey, statusKey } from '../../../src/protocol/keys.ts';
import { bell, startLocalCloud, waitUntil } from '../../../src/testing/index.ts';
import { Bench } from '../../cli/operator.ts';
import { bench, cloud } from '../../cli/workbench.ts';
import { completes, errorOf, submit } from './answers.ts';
import { NO_PYTHON, notes, nothingIsLeft, put, startRig } from './drivers.ts';
import { NO_ORIGINAL, originalWorld } from './host-pythons.ts';

describe('a Python executor', { skip: NO_PYTHON }, () => {
  let redis: Redis;
  before(() => {
    redis = new Redis(cloud.redisUrl);
  });
  after(() => redis.disconnect());

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

  const original = originalWorld();
  it(
    'uses the original package if that is installed',
    { skip: original === undefined && NO_ORIGINAL },
    async () => {
      const node = await startRig(bench, cloud.issueToken(), { CODA_PYTHON: original?.python ?? '' });
      await node.says(`with coda_node: ${original?.codaNode}`);
      assert.match(notes(bench)[0] ?? '', new RegExp(`^made cz 12 ${cloud.qpuId} -$`));
      await completes(await submit(7), 7);
      assert.equal(await errorOf(await submit(61)), 'the laser is off');
    },
  );

  for (const factory of ['rig:create_batch', 'rig:ready_made']) {
    it(`has its edges in the first connect request if it needs no settings: ${factory}`, async () => {
      const node = await startRig(bench, cloud.issueToken(), { CODA_EXECUTOR_FACTORY: factory });
      const { body } = cloud.connects.at(-1) ?? {};
      assert.deepEqual(body?.connectivity, [
        [0, 1],
        [1, 2],
      ]);
      node.child.kill('SIGTERM');
      assert.equal(await node.ended, 0);
    });
  }

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

  it('runs the circuit that a job has now, if the job was cancelled and is submitted again', async () => {
    await startRig(bench, cloud.issueToken());
    const { ir } = bell('cz');
    const [jobId, shots] = ['again', 7];
    const running = await submit(64);
    await waitUntil('the run', () => notes(bench).some((line) => line.startsWith('run 64')));
    const pending = await cloud.pending();
    await cloud.submit({ ir, shots, jobId });
    await waitUntil('the job at the node', async () => (await cloud.pending()) > pending);
    await cloud.cancel(jobId);
    await cloud.whenState(jobId, 'cancelled');
    await redis.del(cancelKey(jobId), statusKey(jobId));
    await cloud.submit({ ir: { ...ir, measurements: [0] }, shots, jobId });
    await cloud.cancel(running);
    const body = await cloud.outcome(jobId, { timeoutMs: 60_000 });
    assert.ok(body.status === 'completed', JSON.stringify(body));
    assert.deepEqual(body.counts, { '0': shots });
    assert.deepEqual(cloud.violations, []);
  });

  it('runs circuits of the operator between its jobs, each once, while the next ones lie in Python', async () => {
    await startRig(bench, cloud.issueToken());
    put(bench, 'bell.json', JSON.stringify(bell('cz').ir));
    const jobIds = [];
    for (let i = 0; i < 30; i++) jobIds.push(await submit(7));
    const locals = [9, 10, 11].map((shots) => bench.run(['run', 'bell.json', '--shots', String(shots)]));
    for (const [i, { code, output }] of (await Promise.all(locals)).entries()) {
      assert.equal(code, 0, output);
      assert.match(output, new RegExp(`: ${9 + i} shots`));
    }
    for (const jobId of jobIds) await completes(jobId, 7);
    const runs = notes(bench).flatMap((line) => /^run (\d+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(runs.toSorted(), [...jobIds.map(() => '7'), '9', '10', '11'].toSorted());
    assert.equal(new Set(notes(bench).filter((line) => line.startsWith('made'))).size, 1);
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

  it('may print megabytes: the log is bounded, and the job goes on', async () => {
    const node = await startRig(bench, cloud.issueToken());
    await completes(await submit(69), 69);
    await node.says('further lines of the driver are left out');
    assert.ok(node.output().length < 1_000_000, `${node.output().length} characters`);
  });

  it('runs 1,000 jobs, each once', async () => {
    // Other tests leave jobs pending.
    const own = await startLocalCloud();
    const at = new Bench(own);
    try {
      await startRig(at, own.issueToken());
      const { ir } = bell('cz');
      const jobIds = await Promise.all(Array.from({ length: 1_000 }, () => own.submit({ ir, shots: 7 })));
      const isDone = (): boolean => jobIds.every((jobId) => own.results.has(jobId));
      await waitUntil('every outcome', isDone, { timeoutMs: 90_000 });
      await waitUntil('every acknowledgement', async () => (await own.pending()) === 0);
      assert.equal(notes(at).filter((line) => line.startsWith('run 7 ')).length, 1_000);
      assert.deepEqual(own.violations, []);
    } finally {
      await at.clear();
      await own.close();
    }
  });
});
