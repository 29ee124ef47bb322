// Messages that are too large, and circuits that end the process: each gets its outcome, and the jobs behind it run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { groupName, streamKey } from '../../src/protocol/keys.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';

const MB = 1024 * 1024;
const LONG_MS = 30_000;
const circuit = JSON.stringify(bell('cz').ir);

type Fields = readonly (string | Buffer)[];

async function add(...messages: readonly Fields[]): Promise<void> {
  const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
  for (const fields of messages) await redis.call('XADD', [streamKey(cloud.qpuId), '*', ...fields]);
  closeRedis(redis);
}

function good(jobId: string, callbackUrl: string, irJson = circuit): Fields {
  return ['job_id', jobId, 'callback_url', callbackUrl, 'shots', '5', 'ir_json', irJson];
}

/** A callback of any job, also of those that the local cloud does not know. */
async function callbacks(): Promise<{ url: string; bodies: Map<string, string>; close(): void }> {
  const bodies = new Map<string, string>();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as { job_id: string; status: string; error?: string };
      bodies.set(body.job_id, body.error ?? body.status);
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/done`, bodies, close: () => void server.close() };
}

/** The most memory that a process has had, in MiB. */
function peakMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('large messages', () => {
  it('of 512 MiB, and others over the limit: failed or set aside, with little memory, and jobs behind them run', async (t) => {
    const done = await callbacks();
    t.after(done.close);
    const huge = Buffer.alloc(512 * MB, '[');
    await add(
      good('before', done.url),
      ['job_id', 'huge', 'callback_url', done.url, 'shots', '1', 'ir_json', huge],
      ['ir_json', huge.subarray(0, 40 * MB), 'job_id', 'named-too-late', 'callback_url', done.url],
      [
        'job_id',
        'many-fields',
        'callback_url',
        done.url,
        ...Array.from({ length: 2_000_000 }, () => '123456'),
      ],
      [huge.subarray(0, 20 * MB), '1', 'job_id', 'long-name', 'callback_url', done.url],
      ['job_id', huge.subarray(0, 20 * MB), 'callback_url', done.url],
      good('after', done.url),
    );
    const node = bench.spawn(['start', '--token', cloud.issueToken()]);
    await waitUntil('the outcomes', () => done.bodies.size >= 4, { timeoutMs: LONG_MS });
    await waitUntil('acknowledging', async () => (await cloud.pending()) === 0, { timeoutMs: LONG_MS });
    assert.deepEqual([...done.bodies.keys()].toSorted(), ['after', 'before', 'huge', 'many-fields']);
    for (const jobId of ['before', 'after']) assert.equal(done.bodies.get(jobId), 'completed');
    for (const jobId of ['huge', 'many-fields'])
      assert.match(done.bodies.get(jobId) ?? '', /larger than 16 MB/);
    const peak = peakMb(node.child.pid);
    t.diagnostic(`peak of resident memory: ${Math.round(peak)} MiB`);
    assert.ok(peak < 450, `${peak} MiB`);
    const letters = (
      await readFile(join(bench.stateDir, 'coda-node-spool', 'dead-letters.jsonl'), 'utf8')
    ).trim();
    assert.equal(letters.split('\n').length, 3);
    assert.ok(letters.length < MB);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
  });

  it('that are allowed are read, however much they are together', async (t) => {
    const done = await callbacks();
    t.after(done.close);
    const padded = circuit.padEnd(MB, ' ');
    const jobIds = Array.from({ length: 60 }, (_, i) => `job-${i}`);
    // The first ones make the node ask for many at once.
    await add(...jobIds.map((jobId, i) => good(jobId, done.url, i < 30 ? circuit : padded)));
    const test = await startTestNode({
      cloud,
      executor: 'simulator',
      env: { CODA_MAX_MESSAGE_MB: '4', CODA_PREFETCH_MAX_MB: '4000' },
    });
    t.after(() => test.stop());
    await waitUntil('all outcomes', () => done.bodies.size === jobIds.length, { timeoutMs: LONG_MS });
    for (const jobId of jobIds) assert.equal(done.bodies.get(jobId), 'completed', jobId);
    await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
  });

  it('with a callback of 1 MiB are set aside, and jobs behind them run', async (t) => {
    const done = await callbacks();
    t.after(done.close);
    const test = await startTestNode({ cloud, executor: 'simulator' });
    t.after(() => test.stop());
    await add(good('long', `${done.url}?${'x'.repeat(MB)}`), good('beside', done.url));
    await waitUntil('the outcome', () => done.bodies.get('beside') === 'completed');
    await waitUntil('acknowledging', async () => (await cloud.pending()) === 0);
    const letters = await readFile(join(test.stateDir, 'coda-node-spool', 'dead-letters.jsonl'), 'utf8');
    assert.match(letters, /at most 8192 are allowed/);
    assert.ok(letters.length < MB / 4, `${letters.length}`);
    assert.equal(done.bodies.has('long'), false);
  });

  it('whose circuit ends the process: counted as starts, and given up', async (t) => {
    const done = await callbacks();
    t.after(done.close);
    const bomb = `{"gates":[${'{},'.repeat(13 * MB)}{}]}`;
    await add(good('bomb', done.url, bomb));
    const env = {
      CODA_MAX_MESSAGE_MB: '500',
      NODE_OPTIONS: '--max-old-space-size=300',
      CODA_PREFETCH_MAX_MB: '4000',
    };
    let deaths = 0;
    for (; deaths < 5; deaths += 1) {
      const token = deaths === 0 ? ['--token', cloud.issueToken()] : [];
      const node = bench.spawn(['start', ...token], env);
      const outcome = waitUntil('the outcome', () => done.bodies.has('bomb'), { timeoutMs: LONG_MS });
      const died = await Promise.race([node.ended.then(() => true), outcome.then(() => false)]);
      if (died) continue;
      await add(good('behind', done.url));
      await waitUntil('the job behind it', () => done.bodies.get('behind') === 'completed');
      node.child.kill('SIGTERM');
      await node.ended;
      break;
    }
    assert.equal(deaths, 3);
    assert.match(done.bodies.get('bomb') ?? '', /started 3 times without an outcome/);
    const redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    t.after(() => closeRedis(redis));
    const pending = await redis.xpending(streamKey(cloud.qpuId), groupName(cloud.qpuId));
    assert.equal(pending[0], 0);
  });
});
