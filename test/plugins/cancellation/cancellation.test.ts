// Cancel signals with a real Redis: by push, by polling if the rights are missing, and across its restart.
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { cancellation } from '../../../plugins/cancellation/index.ts';
import { cancelKey } from '../../../src/kit.ts';
import { startRedisServer, type RedisServer } from '../../../src/local-cloud/redis-server.ts';
import { waitUntil } from '../../../src/local-cloud/wait.ts';
import { standIn, testJobs, testSession, type StandIn } from '../../support/harness.ts';

let server: RedisServer;
let cloud: Redis;

before(async () => {
  server = await startRedisServer();
  cloud = new Redis(server.url, { protocol: 2, maxRetriesPerRequest: null });
  cloud.on('error', () => {});
});
after(async () => {
  cloud.disconnect();
  await server.stop();
});

type Watching = { node: StandIn; jobs: ReturnType<typeof testJobs> };

async function watching(t: TestContext, held: string[], redisUrl = server.url): Promise<Watching> {
  await cloud.flushall();
  const jobs = testJobs(held);
  const session = await testSession({ redisUrl });
  const node = standIn(t, cancellation(), { session, jobs });
  await node.hooks.start.promise();
  return { node, jobs };
}

async function pushing(t: TestContext, held: string[]): Promise<Watching> {
  const watch = await watching(t, held);
  await waitUntil('push', () => watch.node.logged('Redis reports cancels by push').length > 0);
  return watch;
}

/** How often Redis has been sent `command` so far. */
async function calls(command: string): Promise<number> {
  const stats = await cloud.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

/** A user that may do everything except what `rights` takes away. */
async function restrictedUrl(name: string, ...rights: string[]): Promise<string> {
  await cloud.call('ACL', 'SETUSER', name, 'reset', 'on', '>secret', '~*', '&*', '+@all', ...rights);
  return `redis://${name}:secret@127.0.0.1:${server.port}`;
}

test('a cancel of a held job is pushed, without waiting for a poll', async (t) => {
  const { jobs } = await pushing(t, ['a', 'b']);
  const started = performance.now();
  await cloud.set(cancelKey('a'), '1');
  await waitUntil('the cancel', () => jobs.cancelled.length > 0);
  // The figure is for the report; the test is that the cancel arrived.
  t.diagnostic(`${(performance.now() - started).toFixed(1)} ms from the key to the cancel`);
  assert.deepEqual(jobs.cancelled, ['a']);
});

test('hundreds of cancels at once all arrive, with any characters in their ids', async (t) => {
  const ids = Array.from({ length: 700 }, (_, index) => `job,${index} "ü" :*`);
  const { jobs } = await pushing(t, ids);
  await cloud.mset(Object.fromEntries(ids.map((id) => [cancelKey(id), '1'])));
  await waitUntil('all cancels', () => jobs.cancelled.length === ids.length);
  assert.deepEqual(new Set(jobs.cancelled), new Set(ids));
});

test("other nodes' cancels cost no look-up", async (t) => {
  const { jobs } = await pushing(t, ['mine']);
  const looks = await calls('exists');
  for (let index = 0; index < 50; index++) await cloud.set(cancelKey(`theirs-${index}`), '1');
  await cloud.set(cancelKey('mine'), '1');
  await waitUntil('the cancel', () => jobs.cancelled.length > 0);
  assert.deepEqual(jobs.cancelled, ['mine']);
  // One for the cancel, and a safety check or two if the machine is slow.
  assert.ok((await calls('exists')) - looks < 20);
});

test('a signal that is gone again, by deletion or expiry, cancels nothing', async (t) => {
  const { jobs } = await pushing(t, ['a', 'b', 'c']);
  // A key that is set and deleted in one step can never be confirmed.
  await cloud.multi().set(cancelKey('a'), '1').del(cancelKey('a')).exec();
  await cloud.multi().set(cancelKey('b'), '1').pexpire(cancelKey('b'), 0).exec();
  await cloud.set(cancelKey('c'), '1');
  await waitUntil('the third cancel', () => jobs.cancelled.length > 0);
  assert.deepEqual(jobs.cancelled, ['c']);
});

test('signals that were there before the subscription are found', async (t) => {
  await cloud.flushall();
  const jobs = testJobs(['early']);
  const node = standIn(t, cancellation(), { session: await testSession({ redisUrl: server.url }), jobs });
  await cloud.set(cancelKey('early'), '1');
  await node.hooks.start.promise();
  await waitUntil('the cancel', () => jobs.cancelled.length > 0);
});

test('a flush is no cancel, and the next cancel is still pushed', async (t) => {
  const { node, jobs } = await pushing(t, ['a']);
  await cloud.flushall();
  await cloud.set(cancelKey('a'), '1');
  await waitUntil('the cancel', () => jobs.cancelled.length > 0);
  assert.equal(node.logged('WARN').length, 0);
});

for (const [what, rights] of [
  ['CLIENT TRACKING', ['-client|tracking']],
  ['the push channel', ['resetchannels']],
] as const) {
  test(`without the right to ${what}, cancels are polled, and the log says so once`, async (t) => {
    const url = await restrictedUrl('poller', ...rights);
    const { node, jobs } = await watching(t, ['a', 'b'], url);
    await waitUntil('the warning', () => node.logged('so they are polled').length > 0);
    await cloud.set(cancelKey('b'), '1');
    await waitUntil('the cancel', () => jobs.cancelled.length > 0);
    assert.deepEqual(jobs.cancelled, ['b']);
    assert.equal(node.logged('WARN').length, 1, node.logged('WARN').join('\n'));
  });
}

test('a node that holds no jobs asks Redis nothing', async (t) => {
  const { node, jobs } = await watching(t, [], await restrictedUrl('idler', '-client|tracking'));
  await waitUntil('the warning', () => node.logged('so they are polled').length > 0);
  const looks = await calls('exists');
  let polls = 0;
  jobs.cancellable = () => {
    polls += 1;
    return [];
  };
  await waitUntil('five polls', () => polls >= 5);
  assert.equal(await calls('exists'), looks);
});

test('push works again once the rights are granted', async (t) => {
  const { node } = await watching(t, ['a'], await restrictedUrl('granted', '-client|tracking'));
  await waitUntil('the warning', () => node.logged('so they are polled').length > 0);
  await cloud.call('ACL', 'SETUSER', 'granted', '+client|tracking');
  await waitUntil('push', () => node.logged('Redis reports cancels by push').length > 0);
});

test('a missing right to read the keys is logged once, not ten times a second', async (t) => {
  const url = await restrictedUrl('blind', '-client|tracking', '-exists');
  const { node, jobs } = await watching(t, ['a'], url);
  let polls = 0;
  jobs.cancellable = () => {
    polls += 1;
    return ['a'];
  };
  await waitUntil('five polls', () => polls >= 5);
  await waitUntil('the line', () => node.logged('WARN').some((line) => /EXISTS.*\+exists/.test(line)));
  assert.equal(node.logged('EXISTS').filter((line) => line.includes('WARN')).length, 1);
});

test('a lost push connection is set up again, and missed cancels are found', async (t) => {
  const { node, jobs } = await pushing(t, ['a']);
  const clients = String(await cloud.client('LIST'));
  const id = /id=(\d+) .*name=cancel-push/.exec(clients)?.[1] ?? '';
  await cloud.multi().call('CLIENT', 'KILL', 'ID', id).set(cancelKey('a'), '1').exec();
  await waitUntil('the cancel', () => jobs.cancelled.length > 0);
  await waitUntil('push again', () => node.logged('Redis reports cancels by push').length === 2);
});

test('a Redis that dies and comes back empty is watched again', async (t) => {
  const { node, jobs } = await pushing(t, ['a']);
  await server.kill();
  await server.restart();
  await waitUntil('push again', () => node.logged('Redis reports cancels by push').length === 2);
  await cloud.set(cancelKey('a'), '1');
  await waitUntil('the cancel', () => jobs.cancelled.length > 0);
  assert.equal(node.logged('WARN').length, 0, node.logged('WARN').join('\n'));
});

test('close ends both connections', async (t) => {
  const { node } = await pushing(t, ['a']);
  await node.close();
  await waitUntil(
    'the end of the connections',
    async () => !String(await cloud.client('LIST')).includes('name=cancel-'),
  );
});
