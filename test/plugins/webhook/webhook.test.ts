// Webhooks over real HTTP: their body, the meaning of each answer, and where the node's JWT must never go.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { deliveryOf } from '../../../plugins/webhook/answer.ts';
import { webhook } from '../../../plugins/webhook/index.ts';
import type { Settings } from '../../../src/index.ts';
import type { Delivery, SavedOutcome } from '../../../src/kit.ts';
import { bell, startLocalCloud, startTestNode, waitUntil } from '../../../src/testing/index.ts';
import { CountingExecutor } from '../../support/executors.ts';
import { standIn, testSession, type StandIn } from '../../support/harness.ts';
import { decodeJwt, json, serve } from '../../support/http-server.ts';

const COMPLETED = {
  status: 'completed',
  counts: { '00': 3 },
  executionTimeMs: 1.5,
  shotsCompleted: 3,
} as const;

function saved(callbackUrl: string, outcome: SavedOutcome['outcome'] = COMPLETED): SavedOutcome {
  return {
    qpuId: 'qpu-1',
    jobId: 'job-1',
    messageIds: ['1-0'],
    callbackUrl,
    outcome,
    endedAt: '2026-01-01T00:00:00Z',
  };
}

async function nodeAt(t: TestContext, webappUrl: string, settings: Partial<Settings> = {}): Promise<StandIn> {
  return standIn(t, webhook(), { session: await testSession({ webappUrl }), settings });
}

async function deliver(node: StandIn, outcome: SavedOutcome, attempt = 1): Promise<Delivery> {
  const delivery = await node.hooks.deliver.promise(outcome, attempt);
  assert.ok(delivery !== undefined);
  return delivery;
}

test('a completed and a failed outcome are posted exactly as the contract says', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const node = await nodeAt(t, cloud.url, {
    nodeConnectHeaders: { 'X-Lab': '7', Authorization: 'Bearer mine', 'Content-Type': 'text/plain' },
  });
  const url = `${cloud.url}/hook?x=1`;
  assert.deepEqual(await deliver(node, saved(url)), { kind: 'delivered' });
  assert.deepEqual(await deliver(node, saved(url, { status: 'failed', error: 'no light' })), {
    kind: 'delivered',
  });

  const [completed, failed] = cloud.received;
  assert.equal(completed?.method, 'POST');
  assert.equal(completed.url, '/hook?x=1');
  assert.equal(completed.headers['content-type'], 'application/json');
  assert.equal(completed.headers['x-lab'], '7');
  const { header, claims } = decodeJwt(completed.headers.authorization);
  assert.deepEqual([header['alg'], header['kid'], claims['iss']], ['RS256', 'key-1', 'coda']);
  assert.deepEqual(JSON.parse(completed.body), {
    job_id: 'job-1',
    status: 'completed',
    counts: { '00': 3 },
    execution_time_ms: 1.5,
    shots_completed: 3,
  });
  assert.deepEqual(JSON.parse(failed?.body ?? ''), { job_id: 'job-1', status: 'failed', error: 'no light' });
});

test('a tap of onWebhook adds headers, and can change neither the body nor the credentials', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const node = await nodeAt(t, cloud.url);
  const seen: unknown[] = [];
  node.hooks.onWebhook.tap('tracer', (request) => {
    seen.push([request.jobId, request.url, request.attempt]);
    Object.assign(request.headers, {
      'X-Trace': 'abc',
      Authorization: 'Bearer stolen',
      'content-length': '1',
      'x-bad': 'a\r\nb',
      'x y': '1',
      'x-number': 7,
    });
    Object.assign(request.body, { status: 'hacked' });
  });
  assert.deepEqual(await deliver(node, saved(cloud.url), 4), { kind: 'delivered' });
  assert.deepEqual(seen, [['job-1', cloud.url, 4]]);
  const [received] = cloud.received;
  assert.equal(received?.headers['x-trace'], 'abc');
  assert.equal(decodeJwt(received.headers.authorization).claims['sub'], 'qpu-1');
  assert.equal(JSON.parse(received.body).status, 'completed');
  for (const name of ['x-bad', 'x y', 'x-number']) {
    assert.equal(node.logged(`webhook header '${name}' is left out`).length, 1, name);
  }
});

test('a tap that fails does not hold up the result', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const node = await nodeAt(t, cloud.url);
  node.hooks.onWebhook.tapPromise('tracer', () => Promise.reject(new Error('tracer broke')));
  assert.deepEqual(await deliver(node, saved(cloud.url)), { kind: 'delivered' });
  assert.equal(node.logged('failed in onWebhook: tracer broke').length, 1);
});

test('a 401 is answered once with a fresh token, then it is final', async (t) => {
  let accepted = 'Bearer fresh';
  const cloud = await serve(t, (response, { headers }) => {
    json(response, headers.authorization === accepted ? 200 : 401, { error: 'token expired' });
  });
  const signer = { token: () => Promise.resolve('stale'), fresh: () => Promise.resolve('fresh') };
  const node = standIn(t, webhook(), { session: await testSession({ webappUrl: cloud.url, signer }) });
  assert.deepEqual(await deliver(node, saved(cloud.url)), { kind: 'delivered' });
  assert.equal(cloud.received.length, 2);

  accepted = '';
  assert.deepEqual(await deliver(node, saved(cloud.url)), {
    kind: 'refused',
    reason: 'answered 401: token expired',
  });
  assert.equal(cloud.received.length, 4);
});

test('a refusal that quotes the request shows no credentials', async (t) => {
  const cloud = await serve(t, (response, { headers }) =>
    json(response, 422, { error: `no: ${headers.authorization} ${String(headers['x-lab'])}` }),
  );
  const node = await nodeAt(t, cloud.url, { nodeConnectHeaders: { 'X-Lab': 'gate-value' } });
  assert.deepEqual(await deliver(node, saved(cloud.url)), {
    kind: 'refused',
    reason: 'answered 422: no: Bearer *** ***',
  });
});

test('redirects are refused and not followed', async (t) => {
  const cloud = await serve(t, (response) => {
    response.writeHead(307, { location: 'https://login.example/?secret=1' });
    response.end();
  });
  const node = await nodeAt(t, cloud.url);
  const delivery = await deliver(node, saved(cloud.url));
  assert.deepEqual(delivery, {
    kind: 'refused',
    reason: 'answered 307, a redirect to https://login.example; redirects are not followed',
  });
  assert.equal(cloud.received.length, 1);
});

test('transport errors are retried, and say whether the cloud may have got the result', async (t) => {
  const cloud = await serve(t, () => {});
  const node = await nodeAt(t, cloud.url, { webhookTimeoutSec: 0.1 });
  const hanging = await deliver(node, saved(cloud.url));
  assert.deepEqual([hanging.kind, hanging.kind === 'retry' && hanging.sent], ['retry', true]);

  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  assert.ok(typeof address === 'object' && address !== null);
  closed.close();
  await once(closed, 'close');
  const refused = await deliver(node, saved(`http://127.0.0.1:${address.port}/`));
  assert.deepEqual([refused.kind, refused.kind === 'retry' && refused.sent], ['retry', false]);
});

test('with allowed origins, the JWT goes nowhere else', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const foreign = await serve(t, (response) => json(response, 200, {}));
  const node = await nodeAt(t, cloud.url, { webhookAllowedOrigins: [cloud.url] });
  assert.deepEqual(await deliver(node, saved(`${cloud.url}/hook`)), { kind: 'delivered' });
  assert.deepEqual(await deliver(node, saved(`${foreign.url}/hook`)), {
    kind: 'refused',
    reason: `the callback goes to ${foreign.url}, which is not among webhook.allowedOrigins`,
  });
  assert.equal(foreign.received.length, 0);
  assert.equal(node.logged('WARN').length, 0);
});

test('without allowed origins, a foreign or unencrypted origin is warned about once', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const foreign = await serve(t, (response) => json(response, 200, {}));
  const node = await nodeAt(t, cloud.url, { webhookTimeoutSec: 0.1 });
  await deliver(node, saved(`${cloud.url}/a`));
  assert.equal(node.logged('WARN').length, 0, 'the cloud itself on loopback');
  await deliver(node, saved(`${foreign.url}/a`));
  await deliver(node, saved(`${foreign.url}/b`));
  assert.equal(node.logged(`JWT go to ${foreign.url}, which is not the cloud's origin`).length, 1);
  assert.equal(node.logged('unencrypted').length, 0, 'loopback');
  await deliver(node, saved('http://192.0.2.1/a'));
  assert.equal(node.logged('JWT go to http://192.0.2.1 unencrypted').length, 1);
});

test('callbacks that are no web address are refused', async (t) => {
  const node = await nodeAt(t, 'https://cloud.example');
  for (const url of [
    '',
    'nonsense',
    '/path',
    'file:///etc/passwd',
    'ftp://x/y',
    'javascript:1',
    'ftp://x/y',
  ]) {
    const delivery = await deliver(node, saved(url));
    assert.equal(delivery.kind, 'refused', url);
  }
});

const answer = (status: number, text = '', headers: Record<string, string> = {}) => ({
  status,
  headers,
  text,
});

test('each status has the meaning that the contract gives it', () => {
  for (const status of [200, 201, 202, 204, 299]) {
    assert.equal(deliveryOf(answer(status), 'http://x/', {}).kind, 'delivered', String(status));
  }
  for (const status of [300, 301, 304, 308, 400, 402, 403, 404, 409, 410, 422, 451, 499]) {
    assert.equal(deliveryOf(answer(status), 'http://x/', {}).kind, 'refused', String(status));
  }
  for (const status of [408, 425, 429, 503]) {
    assert.deepEqual(deliveryOf(answer(status), 'http://x/', {}), {
      kind: 'retry',
      reason: `answered ${status}`,
      sent: false,
    });
  }
  for (const status of [500, 502, 504, 599, 999]) {
    assert.deepEqual(deliveryOf(answer(status), 'http://x/', {}), {
      kind: 'retry',
      reason: `answered ${status}`,
      sent: true,
    });
  }
});

test('a login page is no delivery: the cloud never saw the result', () => {
  const page = answer(200, '<!doctype html><title>Guest</title>', { 'content-type': 'text/html' });
  const delivery = deliveryOf(page, 'http://x/', {});
  assert.equal(delivery.kind, 'retry');
  assert.equal(delivery.sent, false);
  assert.match(delivery.reason, /answered 200 with a web page \("Guest"\)/);
});

test('Retry-After counts in seconds or as a date, within an hour', () => {
  const afterMs = (value: string): number | undefined => {
    const delivery = deliveryOf(answer(503, '', { 'retry-after': value }), 'http://x/', {});
    assert.equal(delivery.kind, 'retry');
    return delivery.afterMs;
  };
  assert.equal(afterMs('7'), 7000);
  assert.equal(afterMs('0'), 0);
  assert.equal(afterMs('99999999999'), 3_600_000);
  const inTwentySeconds = afterMs(new Date(Date.now() + 20_000).toUTCString()) ?? 0;
  assert.ok(inTwentySeconds > 10_000 && inTwentySeconds <= 20_000, String(inTwentySeconds));
  assert.equal(afterMs('Wed, 21 Oct 2015 07:28:00 GMT'), 0);
  for (const nonsense of ['', '-1', 'soon', '1.5', 'Foo GMT', '2030']) {
    const expected = nonsense === '2030' ? 2_030_000 : undefined;
    assert.equal(afterMs(nonsense), expected, nonsense);
  }
});

test('any text of the cloud becomes one short line', () => {
  assert.deepEqual(deliveryOf(answer(422, '{"detail":{"a":1}}'), 'http://x/', {}), {
    kind: 'refused',
    reason: 'answered 422: {"a":1}',
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 600, unit: 'binary' }), fc.json()), (text) => {
      const delivery = deliveryOf(answer(422, text), 'http://x/', {});
      assert.equal(delivery.kind, 'refused');
      assert.ok(delivery.reason.length < 230);
      assert.doesNotMatch(delivery.reason, /[\p{Cc}]/u);
    }),
    { numRuns: 500 },
  );
});

test('a refusal that a wrong clock explains is repeated, and the result is not set aside', async (t) => {
  const cloud = await startLocalCloud();
  t.after(() => cloud.close());
  const executor = new CountingExecutor();
  const node = await startTestNode({ cloud, executor, env: { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1' } });
  t.after(() => node.stop());
  const twoHours = 7_200_000;
  for (const [status, offset] of [
    [401, twoHours],
    [403, -twoHours],
  ] as const) {
    const headers = { date: new Date(Date.now() + offset).toUTCString() };
    cloud.fail('webhook', { status, headers, body: { error: 'token not valid' } });
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 5 });
    await waitUntil('naming the clock', () => {
      const trouble = node.node.readiness().troubles.find(({ text }) => text.includes(`answered ${status}`));
      return trouble?.text.includes("this machine's clock is 2 h") === true && trouble.remedy !== null;
    });
    assert.equal(node.log.filter((line) => line.includes('set aside')).length, 0);
    cloud.heal();
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
  }
  // Without a sign of the clock, a refusal is final.
  cloud.fail('webhook', { status: 403 });
  await cloud.submit({ ir: bell('cz').ir, shots: 5 });
  await waitUntil('setting it aside', () => node.log.some((line) => line.includes('set aside')));
});
