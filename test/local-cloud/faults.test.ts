// How the local cloud fails on demand: bad answers, cut connections, lost answers, no cloud at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { postJson } from './tiny-node.ts';
import { BEAT, CONNECT, failedBody, HEARTBEAT, WEBHOOK, withCloud, withNode } from './with-cloud.ts';

test('faults: statuses with headers, in turn, and only as often as planned', async () => {
  await withNode(
    async (cloud, node) => {
      const jobId = await cloud.submit({ ir: bell('cz').ir });
      cloud.fail('webhook', { status: 503, times: 2, headers: { 'retry-after': '1' } });
      cloud.fail('webhook', { status: 404, times: 1, body: { error: 'gone' } });
      const post = () => node.post(WEBHOOK, failedBody(jobId));
      const first = await post();
      assert.deepEqual([first.status, first.headers.get('retry-after')], [503, '1']);
      assert.equal((await post()).status, 503);
      const third = await post();
      assert.deepEqual([third.status, await third.json()], [404, { error: 'gone' }]);
      assert.equal(cloud.results.size, 0);
      assert.equal((await post()).status, 200);
      assert.equal(cloud.results.size, 1);

      cloud.fail('heartbeat', { status: 403 });
      assert.equal((await node.post(HEARTBEAT, BEAT)).status, 403);
      assert.equal((await node.post(HEARTBEAT, BEAT)).status, 403);
      cloud.heal();
      assert.equal((await node.post(HEARTBEAT, BEAT)).status, 200);
      // A fault does not excuse a breach of the contract.
      cloud.fail('heartbeat', { status: 503 });
      assert.equal((await node.post(HEARTBEAT, {})).status, 422);
      assert.equal(cloud.violations.length, 1);
    },
    { takesJobs: false },
  );
});

test('faults: a token survives a connect that failed before it took effect', async () => {
  await withCloud(async (cloud) => {
    const headers = { authorization: `Bearer ${cloud.issueToken()}` };
    const connect = () => postJson(cloud.url + CONNECT, { machine_fingerprint: 'm' }, headers);
    cloud.fail('connect', { status: 500, times: 1 });
    assert.equal((await connect()).status, 500);
    cloud.fail('connect', { action: 'lose-answer', times: 1 });
    await assert.rejects(connect());
    assert.equal((await connect()).status, 401);
    assert.deepEqual(
      cloud.connects.map(({ answer }) => answer),
      [500, 'lose-answer', 401],
    );
  });
});

test('faults: cut connections, lost answers, requests that hang until healed', async () => {
  await withNode(
    async (cloud, node) => {
      const jobId = await cloud.submit({ ir: bell('cz').ir });
      const post = () => node.post(WEBHOOK, failedBody(jobId));
      cloud.fail('webhook', { action: 'reset', times: 1 });
      await assert.rejects(post());
      assert.equal(cloud.results.size, 0);
      cloud.fail('webhook', { action: 'hang' });
      const hanging = assert.rejects(post());
      await waitUntil('the hanging request', () => cloud.deliveries.length === 2);
      assert.equal(cloud.results.size, 0);
      cloud.heal();
      await hanging;
      cloud.fail('webhook', { action: 'lose-answer', times: 1 });
      await assert.rejects(post());
      assert.equal(cloud.results.size, 1);
      assert.equal((await post()).status, 200);
      assert.deepEqual(
        cloud.deliveries.map(({ answer, isDuplicate }) => [answer, isDuplicate]),
        [
          ['reset', false],
          ['hang', false],
          ['lose-answer', false],
          [200, true],
        ],
      );
      assert.deepEqual(cloud.violations, []);
    },
    { takesJobs: false },
  );
});

test('offline and online again on the same port, with everything kept', async () => {
  await withNode(async (cloud, node) => {
    await cloud.goOffline();
    await assert.rejects(node.post(HEARTBEAT, BEAT));
    await cloud.goOffline();
    await cloud.goOnline();
    assert.equal((await node.post(HEARTBEAT, BEAT)).status, 200);
    const jobId = await cloud.submit({ ir: bell('cz').ir });
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
  });
});
