// `coda start` as a process: a token in, jobs done, a signal, and exit code 0 with nothing lost.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import type { CodaProcess } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };

describe('coda start', () => {
  after(() => assert.deepEqual(cloud.violations, []));

  function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): CodaProcess {
    return bench.spawn(['start', ...args], env);
  }

  /** A node that runs a job until `bench.endRuns()`. */
  async function startedRun(
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ node: CodaProcess; jobId: string }> {
    bench.holdRuns();
    const node = start(['--token', cloud.issueToken()], env);
    await node.says('serving QPU');
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    return { node, jobId };
  }

  it('sets a V8 flag that this Node has: V8 ignores an unknown one without a word', () => {
    const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    assert.match(known, /^ +--wasm-tiering-budget /m);
  });

  it('connects by token, then by JWT, and keeps the token out of its log', async () => {
    const token = cloud.issueToken();
    const first = start([`-t${token}`]);
    await first.says('serving QPU');
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0);
    const second = start();
    await second.says('serving QPU');
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    second.child.kill('SIGINT');
    assert.equal(await second.ended, 0);
    const key = await readFile(join(bench.stateDir, 'coda-private-key'), 'utf8');
    const password = new URL(cloud.redisUrl).password;
    for (const secret of [token, key.split('\n')[1] ?? '', password]) {
      assert.ok(secret.length > 5);
      for (const { output } of [first, second]) assert.equal(output().includes(secret), false);
    }
  });

  it('finishes and delivers the running job on SIGTERM', async () => {
    const { node, jobId } = await startedRun();
    node.child.kill('SIGTERM');
    await node.says('waiting for job');
    const beats = cloud.heartbeats.length;
    bench.endRuns();
    assert.equal(await node.ended, 0);
    assert.equal(cloud.results.get(jobId)?.status, 'completed');
    assert.equal(await cloud.pending(), 0);
    assert.ok(beats > 0);
  });

  it('leaves a job pending that outlives the drain, and runs it after the next start', async () => {
    const env = { CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.2' };
    const { node: first, jobId } = await startedRun(env);
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0);
    assert.equal(await cloud.pending(), 1);
    assert.equal(cloud.results.has(jobId), false);
    bench.endRuns();
    const second = start([], env);
    await second.says('serving QPU');
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await waitUntil('acknowledging the message', async () => (await cloud.pending()) === 0);
    second.child.kill('SIGTERM');
    assert.equal(await second.ended, 0);
  });

  it('cancels the running job on a second signal, and reports it to the cloud', async () => {
    const { node, jobId } = await startedRun();
    node.child.kill('SIGTERM');
    await node.says('waiting for job');
    node.child.kill('SIGTERM');
    const body = await cloud.outcome(jobId);
    assert.ok(body.status === 'failed' && /operator stopped/.test(body.error));
    // The executor does not know that its run is over.
    bench.endRuns();
    assert.equal(await node.ended, 0);
  });

  it('exits at once on a third signal', async () => {
    const { node } = await startedRun();
    node.child.kill('SIGTERM');
    await node.says('waiting for job');
    node.child.kill('SIGTERM');
    await node.says('cancelling the running job');
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 1);
  });

  it('refuses a state directory that another node uses, and leaves that node alone', async () => {
    const first = start(['--token', cloud.issueToken()]);
    await first.says('serving QPU');
    const second = start();
    assert.equal(await second.ended, 1);
    assert.match(second.output(), new RegExp(`another node \\(PID ${first.child.pid}\\)`));
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
  });

  it('fails on a port that is taken before it spends the token', async () => {
    const token = cloud.issueToken();
    const port = new URL(cloud.url).port;
    const blocked = start(['--token', token, '--port', port]);
    assert.equal(await blocked.ended, 1);
    assert.match(blocked.output(), new RegExp(port));
    const node = start([`-t${token}`]);
    await node.says('serving QPU');
  });

  it('says how to get going without any credentials', async () => {
    const node = start();
    assert.equal(await node.ended, 1);
    assert.match(node.output(), /--token/);
  });
});
