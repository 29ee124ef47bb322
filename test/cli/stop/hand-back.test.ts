// Going back to the Python original: what the node took and did not start goes to the original's consumer, which never
// takes over what is another's.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { closeRedis, openRedis } from '../../../src/net/redis.ts';
import { groupName, outcomeKey, streamKey } from '../../../src/protocol/keys.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };
const ORIGINAL = 'qpu-worker-1';

interface Reply {
  readonly stopped: number | null;
  readonly killed: boolean;
  readonly consumer: string;
  readonly handed_over: readonly string[];
  readonly kept: readonly { readonly job: string; readonly why: string }[];
}

describe('coda stop --hand-back', () => {
  let redis: Redis;
  let key = '';
  let group = '';
  beforeEach(async () => {
    redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    await redis.flushall();
    key = streamKey(cloud.qpuId);
    group = groupName(cloud.qpuId);
    await redis.xgroup('CREATE', key, group, '0', 'MKSTREAM');
  });
  afterEach(() => closeRedis(redis));

  /** The original's own pending entries, as it reads them; it knows of no other's. */
  async function readAs(consumer: string): Promise<string[]> {
    const reply = await redis.xreadgroup('GROUP', group, consumer, 'COUNT', 100, 'STREAMS', key, '0');
    return ((reply ?? []) as [string, [string, string[]][]][]).flatMap(([, entries]) =>
      entries.map(([, fields]) => fields[fields.indexOf('job_id') + 1] ?? ''),
    );
  }

  /** A daemon that has one job on the device and has taken `more` ahead; returns the ids of the jobs in order. */
  async function busyNode(more: number, drainSec = '60'): Promise<string[]> {
    bench.holdRuns();
    await bench.ends(0, ['start', '-d', '--token', cloud.issueToken()], {
      CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: drainSec,
    });
    const jobs: string[] = [];
    for (let i = 0; i <= more; i += 1) jobs.push(await cloud.submit(job));
    await cloud.whenState(jobs[0] ?? '', 'executing');
    await waitUntil('taking the jobs ahead', async () => {
      const live = JSON.parse((await bench.run(['status', '--json'])).output) as { live: { queued: number } };
      return live.live.queued === more;
    });
    return jobs;
  }

  /** Asks to stop, and lets the runs end once the node drains. */
  async function stopped(...args: readonly string[]): Promise<string> {
    const stopping = bench.spawn(['stop', ...args]);
    await waitUntil('the drain', () => bench.log.includes('SIGTERM'));
    bench.endRuns();
    assert.equal(await stopping.ended, 0, stopping.output());
    return stopping.output();
  }

  it('gives what was not started to the only consumer that can be the original', async () => {
    await redis.xgroup('CREATECONSUMER', key, group, ORIGINAL);
    // Another node of this program.
    await redis.xgroup('CREATECONSUMER', key, group, 'lab-2-0123456789ab');
    const [first = '', ...others] = await busyNode(3);
    const reply = JSON.parse(await stopped('--hand-back', '--json')) as Reply;
    assert.deepEqual(reply, {
      stopped: reply.stopped,
      killed: false,
      consumer: ORIGINAL,
      handed_over: others,
      kept: [],
    });
    assert.equal((await cloud.outcome(first)).status, 'completed');
    assert.deepEqual(await readAs(ORIGINAL), others);
    const pending = (await redis.xpending(key, group, '-', '+', 10)) as [string, string, number, number][];
    assert.deepEqual(
      pending.map(([, consumer, , deliveries]) => [consumer, deliveries]),
      others.map(() => [ORIGINAL, 2]),
      'given with the count of one delivery, and read again just now',
    );
    assert.deepEqual(cloud.violations, []);
  });

  it('names the consumers and leaves the node running if it cannot tell which is meant', async () => {
    await busyNode(1);
    assert.match(await bench.ends(1, ['stop', '--hand-back']), /there is no other consumer\n.*--hand-back=/);
    for (const name of ['b', 'a']) await redis.xgroup('CREATECONSUMER', key, group, name);
    assert.match(await bench.ends(1, ['stop', '--hand-back']), /the other consumers are: (a, b|b, a)\n/);
    assert.match(await bench.ends(1, ['stop', '--hand-back=c']), /^ConfigError: c is no other consumer/);
    assert.match(await bench.ends(0, ['status']), /running/);
    assert.match(await stopped('--hand-back=b'), /handed 1 job back to the consumer b\n/);
  });

  it('works for a node that is stopped, and keeps what was started or saved', async () => {
    await redis.xgroup('CREATECONSUMER', key, group, ORIGINAL);
    const [first = '', ...others] = await busyNode(3, '4');
    const copied = others.pop() ?? '';
    cloud.fail('webhook', { status: 503 });
    await stopped();
    cloud.heal();
    // As of a node with copies of outcomes that was killed at once.
    await redis.set(outcomeKey(copied), '{}');
    assert.match(
      await bench.ends(0, ['stop', '--hand-back']),
      new RegExp(
        `^handed 2 jobs back to the consumer ${ORIGINAL}\nkept job ${first}: saved outcome\nkept job ${copied}: saved outcome\n.*coda start finishes`,
      ),
    );
    assert.deepEqual(await readAs(ORIGINAL), others);
    bench.endRuns();
    await bench.ends(0, ['start', '-d']);
    assert.equal((await cloud.outcome(first)).status, 'completed');
    await bench.ends(0, ['stop']);
    assert.deepEqual(await cloud.status(others[0] ?? ''), {});
  });

  it('keeps what a node that was killed may have started', async () => {
    await redis.xgroup('CREATECONSUMER', key, group, ORIGINAL);
    const jobs = await busyNode(3);
    process.kill(bench.pid, 'SIGKILL');
    await waitUntil('the end of the node', async () => (await bench.run(['status'])).code === 1);
    const reply = JSON.parse(await bench.ends(0, ['stop', '--hand-back', '--json'])) as Reply;
    assert.equal(reply.stopped, null);
    assert.deepEqual(reply.kept[0], { job: jobs[0], why: 'started' });
    for (const { why } of reply.kept.slice(1)) assert.equal(why, 'may have started');
    assert.deepEqual([...reply.kept.map((one) => one.job), ...reply.handed_over].toSorted(), jobs.toSorted());
    assert.deepEqual(await readAs(ORIGINAL), reply.handed_over);
    assert.match(await bench.ends(0, ['stop', '--hand-back']), /handed 0 jobs back[^]*kept job .*: started/);
  });

  it('says so if there was no node, or Redis cannot be reached', async () => {
    assert.match(await bench.ends(1, ['stop', '--hand-back']), /no node has run with the state directory/);
    await busyNode(0);
    await stopped();
    const path = join(bench.stateDir, 'coda.config');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/redis:\/\/[^"]*/, 'redis://127.0.0.1:1'));
    assert.match(await bench.ends(1, ['stop', '--hand-back']), /no job is handed back: .*ECONNREFUSED/);
    rmSync(path);
    assert.match(await bench.ends(1, ['stop', '--hand-back']), /CODA_REDIS_URL=/);
  });
});
