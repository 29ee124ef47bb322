// `coda start` as a process: a token in, jobs done, a signal, and exit code 0 with nothing lost.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { bell, startLocalCloud, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { coda, type CodaProcess } from './process.ts';

const job = { ir: bell('cz').ir, shots: 6 };

/** Ends a run when the file `go` appears beside it. */
const HELD_EXECUTOR = `
import { existsSync } from 'node:fs';
import { defineConfig, type Executor } from 'coda-node';

const executor: Executor = {
  async run(ir, shots) {
    while (!existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 5));
    return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
};
export default defineConfig({ executor: () => executor });
`;

describe('coda start', () => {
  let cloud: LocalCloud;
  let folder: string;
  const running: CodaProcess[] = [];
  before(async () => {
    cloud = await startLocalCloud();
  });
  after(async () => {
    assert.deepEqual(cloud.violations, []);
    await cloud.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coda-start-'));
  });
  afterEach(async () => {
    for (const { child } of running.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): CodaProcess {
    const started = coda(['start', '--host', '127.0.0.1', '--port', '0', ...args], {
      cwd: folder,
      env: { CODA_WEBAPP_URL: cloud.url, CODA_STATE_DIR: join(folder, 'state'), ...env },
    });
    running.push(started);
    return started;
  }

  it('connects by token, then by JWT, and keeps the token out of its log', async () => {
    const token = cloud.issueToken();
    const first = start(['--token', token]);
    await first.says('serving QPU');
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0);
    const second = start();
    await second.says('serving QPU');
    assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
    second.child.kill('SIGINT');
    assert.equal(await second.ended, 0);
    const key = await readFile(join(folder, 'state', 'coda-private-key'), 'utf8');
    const password = new URL(cloud.redisUrl).password;
    for (const secret of [token, key.split('\n')[1] ?? '', password]) {
      assert.ok(secret.length > 5);
      for (const { output } of [first, second]) assert.equal(output().includes(secret), false);
    }
  });

  it('finishes and delivers the running job on SIGTERM', async () => {
    await writeFile(join(folder, 'coda.config.ts'), HELD_EXECUTOR);
    const node = start(['--token', cloud.issueToken()]);
    await node.says('serving QPU');
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    node.child.kill('SIGTERM');
    await node.says('waiting for job');
    const beats = cloud.heartbeats.length;
    await writeFile(join(folder, 'go'), '');
    assert.equal(await node.ended, 0);
    assert.equal(cloud.results.get(jobId)?.status, 'completed');
    assert.equal(await cloud.pending(), 0);
    assert.ok(beats > 0);
  });

  it('leaves a job pending that outlives the drain, and runs it after the next start', async () => {
    await writeFile(join(folder, 'coda.config.ts'), HELD_EXECUTOR);
    const env = { CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.2' };
    const first = start(['--token', cloud.issueToken()], env);
    await first.says('serving QPU');
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0);
    assert.equal(await cloud.pending(), 1);
    assert.equal(cloud.results.has(jobId), false);
    await writeFile(join(folder, 'go'), '');
    const second = start([], env);
    await second.says('serving QPU');
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await waitUntil('acknowledging the message', async () => (await cloud.pending()) === 0);
    second.child.kill('SIGTERM');
    assert.equal(await second.ended, 0);
  });

  it('cancels the running job on a second signal, and tells the cloud', async () => {
    await writeFile(join(folder, 'coda.config.ts'), HELD_EXECUTOR);
    const node = start(['--token', cloud.issueToken()]);
    await node.says('serving QPU');
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    node.child.kill('SIGTERM');
    await node.says('waiting for job');
    node.child.kill('SIGTERM');
    const body = await cloud.outcome(jobId);
    assert.ok(body.status === 'failed' && /operator stopped/.test(body.error));
    // The executor does not know that its run is over.
    await writeFile(join(folder, 'go'), '');
    assert.equal(await node.ended, 0);
  });

  it('exits at once on a third signal', async () => {
    await writeFile(join(folder, 'coda.config.ts'), HELD_EXECUTOR);
    const node = start(['--token', cloud.issueToken()]);
    await node.says('serving QPU');
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
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
    const node = start(['--token', token]);
    await node.says('serving QPU');
  });

  it('says how to get going without any credentials', async () => {
    const node = start();
    assert.equal(await node.ended, 1);
    assert.match(node.output(), /--token/);
  });
});
