// A node that is stopped and continued, as by a machine that sleeps: the executor is not blamed for it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bell } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

describe('a node that was stopped for a while', { skip: process.platform === 'win32' }, () => {
  after(() => assert.deepEqual(cloud.violations, []));

  it('says so, names the job, and does not blame the executor', async () => {
    bench.holdRuns();
    const node = bench.spawn(['start', '--token', cloud.issueToken()]);
    await node.says('serving QPU');
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
    await cloud.whenState(jobId, 'executing');
    node.child.kill('SIGSTOP');
    await sleep(2_500);
    node.child.kill('SIGCONT');
    await node.says('continued by SIGCONT');
    assert.match(
      node.output(),
      new RegExp(`this process was stopped for \\d+\\.\\d s while job ${jobId} ran`),
    );
    assert.doesNotMatch(node.output(), /should do long work/);
    bench.endRuns();
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
  });
});
