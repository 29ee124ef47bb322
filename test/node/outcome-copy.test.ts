// The second copy of an outcome in Redis: whoever gets the job of a node that is gone delivers it, and does not run the job.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { groupName, outcomeKey, statusKey, streamKey } from '../../src/protocol/keys.ts';
import { journalPath, nodeFolder } from '../../src/state/layout.ts';
import {
  bell,
  ghz,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import type { CopiedOutcome } from '../../src/outbox/saved-outcome.ts';
import { webhookBody } from '../../src/protocol/webhook.ts';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { Bench } from '../cli/operator.ts';
import { CountingExecutor, HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 4 };
const QUBITS = 24;
const WITH_COPIES = { CODA_OUTCOME_COPY: '1', CODA_LEASE_SEC: '1' };

/** As many outcomes as there are shots; says on each run which job it is; one shot fails. */
const EXECUTOR = `
import { defineConfig, type Executor } from 'coda-node';

const executor: Executor = {
  async run(ir, shots, { jobId }) {
    console.log('a run of ' + jobId + '.');
    if (shots === 1) throw new Error('no luck, at ' + Math.random());
    const width = ir.measurements.length;
    const outcomes = Array.from({ length: shots }, (_, i) => [i.toString(2).padStart(width, '0'), 1]);
    return { counts: Object.fromEntries(outcomes), executionTimeMs: Math.random(), shotsCompleted: shots };
  },
};
export default defineConfig({ executor: () => executor });
`;

let cloud: LocalCloud;
let redis: Redis;
before(async () => {
  cloud = await startLocalCloud({ numQubits: QUBITS });
  redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
});
after(async () => {
  closeRedis(redis);
  await cloud.close();
});
afterEach(async () => {
  cloud.heal();
  await cloud.removeKeys();
  assert.deepEqual(cloud.violations, []);
});

const copies = (): Promise<string[]> => redis.keys('qpu:job:*:outcome');
const allDone = (): Promise<boolean> =>
  waitUntil('every acknowledgement, and no copy', async () => {
    const left = await copies();
    return left.length === 0 && (await cloud.pending()) === 0;
  });

describe('a node that is killed while the cloud does not answer', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench(cloud);
    writeFileSync(join(bench.folder, 'coda.config.ts'), EXECUTOR);
  });
  afterEach(() => bench.clear());

  /** What the cloud has taken. */
  async function taken(jobId: string): Promise<string | undefined> {
    await cloud.outcome(jobId);
    return cloud.deliveries.find(({ body, answer }) => body?.job_id === jobId && answer === 200)?.text;
  }

  /** Resolves with the bodies that it has posted in vain, by job. */
  async function posts(jobIds: readonly string[]): Promise<Map<string, string>> {
    const bodies = new Map<string, string>();
    await waitUntil('each post', () => {
      for (const { body, text } of cloud.deliveries) if (body !== undefined) bodies.set(body.job_id, text);
      return jobIds.every((jobId) => bodies.has(jobId));
    });
    return bodies;
  }

  it('has its results delivered by another node, byte for byte, though its disk is lost', async () => {
    cloud.fail('webhook', { action: 'hang' });
    const a = bench.spawn(['start', '--token', cloud.issueToken()], WITH_COPIES);
    const large = { ir: ghz(QUBITS, 'cz').ir, shots: 190_000 };
    const jobIds = [
      await cloud.submit(large),
      await cloud.submit({ ...job, shots: 1 }),
      await cloud.submit(job),
    ];
    const [big = '', , unposted = ''] = jobIds;
    // There are two lanes to an origin that has never answered: the third is not posted.
    const bodies = await posts(jobIds.slice(0, 2));
    await waitUntil('the third copy', async () => (await redis.exists(outcomeKey(unposted))) === 1);
    assert.ok((await redis.strlen(outcomeKey(big))) > 5_000_000);
    assert.ok((await redis.ttl(outcomeKey(big))) > 24 * 3600);
    const { outcome } = JSON.parse((await redis.get(outcomeKey(unposted))) ?? '') as CopiedOutcome;
    bodies.set(unposted, JSON.stringify(webhookBody(unposted, outcome)));
    a.child.kill('SIGKILL');
    await a.ended;
    rmSync(bench.stateDir, { recursive: true });
    cloud.heal();

    const executor = new CountingExecutor();
    const b = await startTestNode({ cloud, executor, env: WITH_COPIES });
    try {
      for (const jobId of jobIds) assert.equal(await taken(jobId), bodies.get(jobId));
      await allDone();
      assert.deepEqual(executor.runs, []);
      const states = await Promise.all(jobIds.map((jobId) => redis.hget(statusKey(jobId), 'state')));
      assert.deepEqual(states, ['completed', 'failed', 'completed']);
      assert.ok(b.log.some((line) => line.includes('has run before')));
    } finally {
      await b.stop();
    }
  });

  it('delivers them itself after its next start, also if nothing of them was on its disk yet', async () => {
    cloud.fail('webhook', { action: 'hang' });
    let a = bench.spawn(['start', '--token', cloud.issueToken()], WITH_COPIES);
    const jobIds = [await cloud.submit(job), await cloud.submit(job)];
    const bodies = await posts(jobIds);
    assert.ok(a.output().includes('a run of'));
    a.child.kill('SIGKILL');
    await a.ended;
    rmSync(journalPath(nodeFolder(bench.stateDir)));
    cloud.heal();

    a = bench.spawn(['start'], WITH_COPIES);
    for (const jobId of jobIds) assert.equal(await taken(jobId), bodies.get(jobId));
    await allDone();
    assert.equal(a.output().includes('a run of'), false, a.output());
  });
});

describe('the second copy of an outcome', () => {
  let executor: HeldExecutor;
  let test: TestNode | undefined;
  beforeEach(() => (executor = new HeldExecutor()));
  afterEach(async () => {
    await test?.stop();
    test = undefined;
    cloud.overrideBundle(undefined);
  });

  const troubles = (): string => JSON.stringify(test?.node.readiness().troubles);

  async function runsOne(): Promise<string> {
    const jobId = await cloud.submit(job);
    await waitUntil('its run', () => executor.started.includes(jobId));
    executor.release(jobId);
    return jobId;
  }

  it('is not waited for if the node has no right to write it, and that is said', async () => {
    await redis.call('ACL', 'SETUSER', 'lab', 'on', '>planted-lab', '~*', '&*', '+@all', '-set');
    const url = new URL(cloud.redisUrl);
    [url.username, url.password] = ['lab', 'planted-lab'];
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url.href }));
    test = await startTestNode({ cloud, executor, env: WITH_COPIES });
    assert.equal((await cloud.outcome(await runsOne())).status, 'completed');
    await allDone();
    await waitUntil('the trouble', () => /without a second copy.*no right to use.*SET/.test(troubles()));
    await waitUntil('its line in the log', () =>
      Boolean(test?.log.some((line) => /without a second copy.*ACL SETUSER lab \+set/.test(line))),
    );
    await redis.call('ACL', 'SETUSER', 'lab', '+set');
    await cloud.outcome(await runsOne());
    assert.doesNotMatch(troubles(), /without a second copy/);
  });

  it('needs rights that coda doctor checks, if the node has it', async () => {
    await redis.call('ACL', 'SETUSER', 'lab', 'on', '>planted-lab', '~*', '&*', '+@all', '-strlen');
    const url = new URL(cloud.redisUrl);
    [url.username, url.password] = ['lab', 'planted-lab'];
    const bench = new Bench(cloud);
    try {
      const own = { CODA_REDIS_URL: url.href, CODA_QPU_ID: cloud.qpuId };
      const [without, withCopies] = await Promise.all(
        ['0', '1'].map((copy) => bench.run(['doctor'], { ...own, CODA_OUTCOME_COPY: copy })),
      );
      assert.match(without?.output ?? '', /its user may use all commands/);
      assert.match(withCopies?.output ?? '', /no right to use STRLEN[^]*ACL SETUSER lab \+strlen/);
    } finally {
      await bench.clear();
    }
  });

  it('is not waited for while Redis is out of memory', async () => {
    test = await startTestNode({ cloud, executor, env: WITH_COPIES });
    const jobId = await cloud.submit(job);
    await waitUntil('its run', () => executor.started.includes(jobId));
    await redis.config('SET', 'maxmemory', '1');
    try {
      executor.release(jobId);
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
      assert.match(troubles(), /without a second copy.*OOM/);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    await allDone();
  });

  it('is written once Redis can be reached again, and the result waits for that', async () => {
    const { port } = new URL(cloud.redisUrl);
    const proxy = await FaultProxy.open(Number(port));
    const url = new URL(cloud.redisUrl);
    url.port = String(proxy.port);
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url.href }));
    test = await startTestNode({ cloud, executor, env: { ...WITH_COPIES, CODA_LEASE_SEC: '60' } });
    try {
      const jobId = await cloud.submit(job);
      await waitUntil('its run', () => executor.started.includes(jobId));
      await proxy.refuse();
      executor.release(jobId);
      await waitUntil('saving it', () => test?.node.jobs.figures().undelivered === 1);
      await waitUntil('noticing', () => test?.node.readiness().ready === false);
      assert.equal(cloud.deliveries.filter(({ body }) => body?.job_id === jobId).length, 0);
      await proxy.heal();
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await allDone();
    } finally {
      await test.stop();
      await proxy.close();
    }
  });

  it('is ignored if it is none, and the job runs', async () => {
    const [stream, group] = [streamKey(cloud.qpuId), groupName(cloud.qpuId)];
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch(() => {});
    const good = { status: 'completed', counts: { '00': 4 }, executionTimeMs: 1, shotsCompleted: 4 };
    const told = { qpuId: cloud.qpuId, outcome: good, endedAt: '2026-01-02T03:04:05.000Z' };
    const write: Readonly<Record<string, (jobId: string, messageId: string) => Promise<unknown>>> = {
      text: (jobId) => redis.set(outcomeKey(jobId), 'hello'),
      bytes: (jobId) => redis.set(outcomeKey(jobId), Buffer.from([0xff, 0, 0x7b])),
      hash: (jobId) => redis.hset(outcomeKey(jobId), 'a', 'b'),
      huge: (jobId) => redis.setrange(outcomeKey(jobId), 17 * 1024 * 1024, 'x'),
      'another job': (jobId, messageId) =>
        redis.set(outcomeKey(jobId), JSON.stringify({ ...told, jobId: 'x', messageIds: [messageId] })),
      'another QPU': (jobId, messageId) =>
        redis.set(outcomeKey(jobId), JSON.stringify({ ...told, qpuId: 'x', jobId, messageIds: [messageId] })),
      'wrong counts': (jobId, messageId) =>
        redis.set(
          outcomeKey(jobId),
          JSON.stringify({ ...told, jobId, messageIds: [messageId], outcome: { ...good, counts: { a: 1 } } }),
        ),
      'no time': (jobId, messageId) =>
        redis.set(
          outcomeKey(jobId),
          JSON.stringify({ ...told, jobId, messageIds: [messageId], endedAt: '2026-01-02 \u001b[31m' }),
        ),
      'an earlier entry': (jobId) =>
        redis.set(outcomeKey(jobId), JSON.stringify({ ...told, jobId, messageIds: ['1-1'] })),
      'a job that was cancelled': async (jobId, messageId) => {
        await redis.set(outcomeKey(jobId), JSON.stringify({ ...told, jobId, messageIds: [messageId] }));
        await redis.hset(statusKey(jobId), 'state', 'cancelled');
      },
      'a good one': (jobId, messageId) =>
        redis.set(outcomeKey(jobId), JSON.stringify({ ...told, jobId, messageIds: [messageId] })),
      'a long error': (jobId, messageId) =>
        redis.set(
          outcomeKey(jobId),
          JSON.stringify({
            ...told,
            jobId,
            messageIds: [messageId],
            outcome: { status: 'failed', error: 'x'.repeat(2_000) },
          }),
        ),
    };
    const jobIds: Record<string, string> = {};
    for (const what of Object.keys(write)) jobIds[what] = await cloud.submit(job);
    const read = await redis.xreadgroup('GROUP', group, 'dead', 'COUNT', 100, 'STREAMS', stream, '>');
    const entries = (read as [string, [string, string[]][]][])[0]?.[1] ?? [];
    for (const [i, what] of Object.keys(write).entries()) {
      await write[what]?.(jobIds[what] ?? '', entries[i]?.[0] ?? '');
    }
    const counting = new CountingExecutor();
    test = await startTestNode({ cloud, executor: counting, env: WITH_COPIES });
    await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
    const {
      'a good one': copied = '',
      'a long error': long = '',
      'a job that was cancelled': cancelled = '',
      ...ignored
    } = jobIds;
    assert.deepEqual(counting.runs.toSorted(), Object.values(ignored).toSorted());
    assert.deepEqual(await cloud.outcome(copied), {
      job_id: copied,
      status: 'completed',
      counts: { '00': 4 },
      execution_time_ms: 1,
      shots_completed: 4,
    });
    await cloud.outcome(long);
    assert.equal((await redis.hget(statusKey(long), 'error'))?.length, 500);
    assert.equal(cloud.results.has(cancelled), false);
    for (const [what, jobId] of Object.entries(ignored)) {
      const isSaid = test.log.some((line) => line.includes(`${outcomeKey(jobId)} is no copy`));
      assert.equal(isSaid, what !== 'an earlier entry', what);
    }
    await allDone();
  });

  it('does not keep a cancel from winning, and is gone then', async () => {
    test = await startTestNode({ cloud, executor, env: WITH_COPIES });
    await cloud.goOffline();
    const jobId = await runsOne();
    await waitUntil('the copy', async () => (await copies()).length === 1);
    // Nothing was sent: the attempt has found no cloud.
    await waitUntil('an attempt', () =>
      JSON.stringify(test?.node.jobs.undelivered(1)).includes('ECONNREFUSED'),
    );
    await redis.set(`qpu:job:cancelled:${jobId}`, '1');
    await waitUntil('the cancel', async () => (await redis.hget(statusKey(jobId), 'state')) === 'cancelled');
    await waitUntil('the removal', async () => (await copies()).length === 0);
    await cloud.goOnline();
    await allDone();
    assert.equal(cloud.results.has(jobId), false);
  });
});
