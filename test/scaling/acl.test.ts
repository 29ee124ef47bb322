// The rights that docs/scaling.md names are enough: with only these a node can do everything.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, it, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { groupName, statusKey, streamKey } from '../../src/protocol/keys.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { HeldExecutor } from '../support/executors.ts';

const job = { ir: bell('cz').ir, shots: 5 };
const PASSWORD = 'planted-acl';

let cloud: LocalCloud;
let admin: Redis;
beforeEach(async () => {
  cloud = await startLocalCloud();
  admin = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
});
afterEach(async () => {
  closeRedis(admin);
  await cloud.close();
});

/** The words behind `ACL SETUSER` in the document. */
function documented(): string[] {
  const [, text = ''] = /```\n(ACL SETUSER [^`]+)```/.exec(readFileSync('docs/scaling.md', 'utf8')) ?? [];
  const words = text
    .replaceAll('<qpu_id>', cloud.qpuId)
    .replaceAll('<password>', PASSWORD)
    .replaceAll('\\\n', ' ')
    .trim()
    .split(/\s+/);
  assert.ok(words.length > 10);
  return words.slice(2);
}

/** What is needed besides: "With `outcomeCopy`, add `…`". */
function documentedFor(what: string): string[] {
  const page = readFileSync('docs/scaling.md', 'utf8');
  const [, words = ''] = new RegExp(`\`${what}\`,\\s+add \`([^\`]+)\``).exec(page) ?? [];
  assert.match(words, /^\+/);
  return words.split(' ');
}

/** What Redis has refused: `<user> may not <command or key>`; without the greeting of the client library, which Redis 7.2 and
 *  newer know. */
async function refusals(): Promise<string[]> {
  const log = (await admin.call('ACL', 'LOG')) as (string | number)[][];
  const refused = log.map((entry) => {
    const value = (name: string): unknown => entry[entry.indexOf(name) + 1];
    return `${String(value('username'))} may not ${String(value('context'))} ${String(value('object'))}`;
  });
  return refused.filter((text) => !text.endsWith('client|setinfo'));
}

async function doesAllThatANodeDoes(t: TestContext, hasCopies: boolean): Promise<void> {
  const [user = '', ...rules] = documented();
  await admin.call('ACL', 'SETUSER', user, ...rules, ...(hasCopies ? documentedFor('outcomeCopy') : []));
  const url = new URL(cloud.redisUrl);
  [url.username, url.password] = [user, PASSWORD];
  cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url.href }));

  const stream = streamKey(cloud.qpuId);
  const group = groupName(cloud.qpuId);
  const stateDir = await temporaryFolder(t);
  const start = async (executor: HeldExecutor, first = false): Promise<TestNode> =>
    startTestNode({
      cloud,
      executor,
      stateDir,
      token: first ? cloud.issueToken() : '',
      env: {
        CODA_LEASE_SEC: '1',
        CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.2',
        CODA_OUTCOME_COPY: String(hasCopies),
      },
    });
  const pendingIds = async (): Promise<string[]> => {
    const entries = (await admin.call('XPENDING', stream, group, '-', '+', 100)) as unknown[][];
    return entries.map(([id]) => String(id));
  };

  // It creates the stream and the group. One job runs, one waits; both are left pending.
  const left = new HeldExecutor();
  let test = await start(left, true);
  const [gone, again] = [await cloud.submit(job), await cloud.submit(job)];
  await waitUntil('taking both', () => test.node.jobs.cancellable().length === 2);
  await waitUntil('push', () => test.log.some((line) => line.includes('reports cancels by push')));
  await test.stop();
  const [goneId = ''] = await pendingIds();
  await admin.xdel(stream, goneId);
  // A third job is left pending by a node that never comes back.
  const orphan = await cloud.submit(job);
  await admin.call('XREADGROUP', 'GROUP', group, 'dead', 'COUNT', 1, 'STREAMS', stream, '>');

  const executor = new HeldExecutor();
  test = await start(executor);
  try {
    await cloud.whenState(again, 'executing');
    await waitUntil('taking over', () => test.node.jobs.cancellable().includes(orphan));
    // Of the waiting jobs, one is cancelled, and one is finished by another node.
    const [cancelled, elsewhere] = [await cloud.submit(job), await cloud.submit(job)];
    await waitUntil('taking all', () => test.node.jobs.cancellable().includes(elsewhere));
    await cloud.cancel(cancelled);
    await cloud.whenState(cancelled, 'cancelled');
    await admin.hset(statusKey(elsewhere), 'state', 'completed');
    const lastId = (await pendingIds()).at(-1) ?? '';
    await admin.xack(stream, group, lastId);
    await waitUntil('leaving it', () => !test.node.jobs.cancellable().includes(elsewhere));
    executor.release(again);
    await waitUntil('starting the last', () => executor.started.includes(orphan));
    executor.release(orphan);
    for (const jobId of [again, orphan]) assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await waitUntil('every acknowledgement', async () => (await cloud.pending()) === 0);
    await waitUntil('being ready', () => test.node.readiness().ready);
    assert.deepEqual(executor.started, [again, orphan]);
    await test.node.drain();
    await admin.call('ACL', 'SETUSER', user, ...documentedFor('coda stop --hand-back'));
    assert.equal((await test.node.handBack(null))?.consumer, 'dead');
  } finally {
    await test.stop();
  }
  assert.deepEqual(await refusals(), []);
  assert.deepEqual(cloud.violations, []);

  // Nothing else is allowed: no jobs of another QPU, no commands of an administrator.
  const asNode = openRedis({ url: url.href, name: 'test', env: {} });
  try {
    for (const command of [
      ['XLEN', streamKey(cloud.qpuId)],
      ['XADD', stream, '*', 'a', 'b'],
      ['XACK', streamKey('another'), group, '1-1'],
      ['CONFIG', 'GET', 'requirepass'],
      ['FLUSHALL'],
    ] as const) {
      const [name, ...args] = command;
      await assert.rejects(asNode.call(name, ...args), /NOPERM/);
    }
  } finally {
    closeRedis(asNode);
  }
  void gone;
}

it('a user with the documented rights can do all that a node does, and nothing is refused', (t) =>
  doesAllThatANodeDoes(t, false));

it('so can one of a node with copies of its outcomes, with the rights for them', (t) =>
  doesAllThatANodeDoes(t, true));
