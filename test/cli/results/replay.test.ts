// `coda results replay`: what the cloud refused is delivered again, by the node that runs or by the next that starts.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';
import { filesIn, job, list, posted, refusedJob, results, ownFolder, startNode, stop } from './refused.ts';

describe('coda results', () => {
  it('makes a running node deliver the same result again until the cloud accepts it', async () => {
    const node = await startNode(cloud.issueToken());
    const jobId = await refusedJob();
    const status = await cloud.status(jobId);
    cloud.fail('webhook', { status: 410, times: 1 });
    const again = await results('replay', jobId);
    assert.equal(again.code, 0);
    assert.match(again.output, new RegExp(`running node \\(PID ${node.child.pid}\\)`));
    await waitUntil('refusing it again', () => posted(jobId).length === 2);
    await waitUntil('setting it aside again', async () => (await filesIn('refused')).length === 1);
    assert.match((await results('show', jobId)).output, /answered 410/);

    assert.equal((await results('replay', '--all')).code, 0);
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    const bodies = posted(jobId);
    assert.equal(bodies.length, 3);
    assert.equal(new Set(bodies).size, 1);
    await waitUntil('forgetting it', async () => (await list()).undelivered === 0);
    await waitUntil('removing the file', async () => (await filesIn('replay')).length === 0);
    assert.deepEqual(await filesIn('refused'), []);
    assert.deepEqual(await cloud.status(jobId), status);
    assert.equal(await cloud.pending(), 0);
    assert.equal((await results('replay', '--all')).code, 1);
    await stop(node);
  });

  it('makes a stopped node deliver after its next start, and counts the results until then', async () => {
    const first = await startNode(cloud.issueToken());
    const jobId = await refusedJob();
    await stop(first);
    for (const _ of ['once', 'twice']) {
      const { code, output } = await results('replay', jobId);
      assert.equal(code, 0);
      assert.match(output, /no node is running/);
    }
    const { refused, replaying } = await list();
    assert.deepEqual([refused.length, replaying.map(({ job_id }) => job_id)], [0, [jobId]]);
    assert.match((await results('list')).output, /^to be replayed +1 /m);
    assert.match((await results('show', jobId)).output, /to be replayed/);
    await startNode();
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    assert.equal(new Set(posted(jobId)).size, 1);
    await waitUntil('removing the file', async () => (await filesIn('replay')).length === 0);
  });

  it('says that a node that drains delivers it after its next start', async () => {
    bench.holdRuns();
    const first = await startNode(cloud.issueToken());
    bench.endRuns();
    const jobId = await refusedJob();
    bench.holdRuns();
    const running = await cloud.submit(job);
    await cloud.whenState(running, 'executing');
    first.child.kill('SIGTERM');
    await first.says('finishing the running job');
    const { code, output } = await results('replay', jobId);
    assert.equal(code, 0);
    assert.match(output, /\(PID \d+\) is shutting down: it is delivered after the next `coda start`/);
    bench.endRuns();
    assert.equal(await first.ended, 0, first.output());
    await startNode();
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
  });

  it('explains what it cannot do', async () => {
    const node = await startNode(cloud.issueToken());
    const jobId = await refusedJob();
    await writeFile(join(ownFolder(), 'replay'), '');
    await node.says('results cannot be replayed');
    const { code, output } = await results('replay', jobId);
    assert.equal(code, 1);
    assert.match(output, /ConfigError: .*cannot be moved: EEXIST/);
    assert.equal((await filesIn('refused')).length, 1);
    await stop(node);
  });
});
