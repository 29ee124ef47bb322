// Heartbeats over real HTTP: their body, when they are sent, and the effects of a refusal.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { heartbeat } from '../../../plugins/heartbeat/index.ts';
import { repeat } from '../../../plugins/heartbeat/repeat.ts';
import type { Executor } from '../../../src/index.ts';
import { waitUntil } from '../../../src/local-cloud/wait.ts';
import { standIn, testSession, type StandIn, type StandInOptions } from '../../support/harness.ts';
import { decodeJwt, json, serve } from '../../support/http-server.ts';

const FAST = { heartbeatIntervalSec: 0.01 };

async function started(
  t: TestContext,
  url: string,
  { settings, ...options }: StandInOptions = {},
): Promise<StandIn> {
  const session = await testSession({ webappUrl: url });
  const node = standIn(t, heartbeat(), { session, settings: { ...FAST, ...settings }, ...options });
  await node.hooks.start.promise();
  return node;
}

test('the first heartbeat waits for Redis, two seconds at most, and has the four fields and no others', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const node = await started(t, `${cloud.url}/`, {
    settings: {
      heartbeatIntervalSec: 3600,
      nodeConnectHeaders: { 'X-Lab': '7', authorization: 'Bearer mine' },
    },
  });
  const [beat] = await waitUntil('a heartbeat', () =>
    cloud.received.length > 0 ? cloud.received : undefined,
  );
  assert.equal(beat?.method, 'POST');
  assert.equal(beat.url, '/api/internal/qpu/heartbeat');
  assert.equal(beat.headers['x-lab'], '7');
  assert.equal(beat.headers['content-type'], 'application/json');
  const { header, claims } = decodeJwt(beat.headers.authorization);
  assert.deepEqual([header['kid'], claims['sub']], ['key-1', 'qpu-1']);
  assert.deepEqual(JSON.parse(beat.body), {
    current_job: null,
    last_job_at: null,
    redis_healthy: false,
    connectivity: null,
  });
  await waitUntil('its acceptance', () => node.readiness().toJSON()['last_heartbeat_at']);
});

test('the first heartbeat tells the truth about a Redis that answers', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const node = await started(t, cloud.url, { settings: { heartbeatIntervalSec: 3600 } });
  assert.equal(cloud.received.length, 0);
  Object.assign(node.truth, { redisHealthy: true });
  const [beat] = await waitUntil('a heartbeat', () =>
    cloud.received.length > 0 ? cloud.received : undefined,
  );
  assert.equal(JSON.parse(beat?.body ?? '').redis_healthy, true);
  assert.match(beat?.headers['user-agent'] ?? '', /^coda-node\/\d/);
  assert.equal(beat?.headers.accept, 'application/json');
});

test('a login page is no yes to a heartbeat, and is named', async (t) => {
  const page = '<!doctype html><title>Hotel</title>';
  const cloud = await serve(t, (response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(page),
  );
  const node = await started(t, cloud.url);
  await waitUntil('the failure', () =>
    /200 with a web page \("Hotel"\)/.test(String(node.readiness().toJSON()['heartbeat_error'])),
  );
  assert.equal(node.readiness().toJSON()['last_heartbeat_at'], null);
});

test('a heartbeat waits as long as the cloud asks', async (t) => {
  const cloud = await serve(t, (response) => {
    response.setHeader('retry-after', '3600');
    json(response, 429, { error: 'slow down' });
  });
  const node = await started(t, cloud.url);
  await waitUntil('the refusal', () => /429/.test(String(node.readiness().toJSON()['heartbeat_error'])));
  const { length } = cloud.received;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(cloud.received.length, length, 'the interval is 10 ms');
});

test('the body follows the node and its device', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const device = { directedEdges: [[0, 1]] as [number, number][] };
  const executor = { run: () => Promise.reject(new Error('unused')), device } satisfies Executor;
  const node = await started(t, cloud.url, { executor });
  Object.assign(node.truth, {
    currentJob: 'job-1',
    lastJobAt: '2026-01-01T00:00:00.000Z',
    redisHealthy: true,
  });
  device.directedEdges = [
    [0, 1],
    [1, 2],
  ];
  const body = await waitUntil('the new state', () =>
    cloud.received
      .map(({ body: text }) => JSON.parse(text))
      .find(({ current_job }) => current_job === 'job-1'),
  );
  assert.deepEqual(body, {
    current_job: 'job-1',
    last_job_at: '2026-01-01T00:00:00.000Z',
    redis_healthy: true,
    connectivity: [
      [0, 1],
      [1, 2],
    ],
  });
});

test('a device that cannot be read does not silence the node', async (t) => {
  const cloud = await serve(t, (response) => json(response, 200, {}));
  const executor: Executor = {
    run: () => Promise.reject(new Error('unused')),
    get device(): never {
      throw new Error('bus error');
    },
  };
  const node = await started(t, cloud.url, { executor });
  await waitUntil('three heartbeats', () => cloud.received.length >= 3);
  assert.equal(JSON.parse(cloud.received[0]?.body ?? '').connectivity, null);
  assert.equal(node.logged('WARN').filter((line) => line.includes('bus error')).length, 1);
});

test('a refusal is logged once with the words of the cloud, and its end too', async (t) => {
  let status = 403;
  const cloud = await serve(t, (response) =>
    json(response, status, { error: 'QPU is disabled\n\u001b[31m' }),
  );
  const node = await started(t, cloud.url);
  await waitUntil('five refusals', () => cloud.received.length >= 5);
  await waitUntil('a line in the log', () => node.logged('WARN').length > 0);
  const warnings = node.logged('WARN');
  assert.equal(warnings.length, 1, warnings.join('\n'));
  assert.match(warnings[0] ?? '', /refused the heartbeat with 403: QPU is disabled/);
  assert.ok(!warnings[0]?.includes('\u001b'));
  assert.match(String(node.readiness().toJSON()['heartbeat_error']), /403/);
  assert.equal(node.readiness().ready, true, 'a heartbeat that fails makes no node unready');

  status = 200;
  await waitUntil('the recovery', () => node.logged('INFO').some((line) => /over: .*403/.test(line)));
  assert.equal(node.readiness().toJSON()['heartbeat_error'], null);

  status = 403;
  await waitUntil('a second warning', () => node.logged('WARN').length === 2);
});

test('a refusal that quotes the request shows no credentials', async (t) => {
  const cloud = await serve(t, (response, { headers }) =>
    json(response, 401, { error: `no: ${headers.authorization}` }),
  );
  const node = await started(t, cloud.url);
  await waitUntil('a refusal', () => node.readiness().toJSON()['heartbeat_error'] !== null);
  assert.match(String(node.readiness().toJSON()['heartbeat_error']), /with 401: no: Bearer \*\*\*$/);
  assert.ok(node.logged('Bearer ***').length > 0);
});

test('after a refusal the next heartbeat carries a new token', async (t) => {
  const cloud = await serve(t, (response) => json(response, 401, {}));
  let signed = 0;
  const signer = {
    token: () => Promise.resolve('reused'),
    fresh: () => Promise.resolve(`fresh-${++signed}`),
  };
  const node = standIn(t, heartbeat(), {
    session: await testSession({ webappUrl: cloud.url, signer }),
    settings: FAST,
  });
  await node.hooks.start.promise();
  await waitUntil('three heartbeats', () => cloud.received.length >= 3);
  assert.deepEqual(
    cloud.received.slice(0, 3).map(({ headers }) => headers.authorization),
    ['Bearer reused', 'Bearer fresh-1', 'Bearer fresh-2'],
  );
});

test('an unreachable cloud is logged and tried again', async (t) => {
  const node = await started(t, 'http://127.0.0.1:1');
  await waitUntil('several failures', () => node.logged('WARN').length > 0);
  const [line = ''] = node.logged('WARN');
  assert.match(line, /did not get through: .*ECONNREFUSED.* → Check the network/);
});

test('heartbeats continue while the node drains and end when it closes, even during one', async (t) => {
  let hang = false;
  const cloud = await serve(t, (response) => {
    if (!hang) json(response, 200, {});
  });
  const node = await started(t, cloud.url);
  node.phase = 'draining';
  const before = cloud.received.length;
  await waitUntil('two more', () => cloud.received.length >= before + 2);
  hang = true;
  const reached = cloud.received.length;
  await waitUntil('a hanging one', () => cloud.received.length > reached);
  const total = cloud.received.length;
  await node.close();
  assert.equal(cloud.received.length, total);
  assert.equal(node.logged('WARN').length, 0, 'closing is no failure');
});

test('a task never runs twice at a time, and missed times are skipped', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 }),
      async (turns) => {
        const closing = new AbortController();
        let running = 0;
        let runs = 0;
        await repeat(
          async () => {
            assert.equal(++running, 1);
            for (let turn = turns[runs] ?? 0; turn > 0; turn--) {
              await new Promise((resolve) => {
                setImmediate(resolve);
              });
            }
            running -= 1;
            if (++runs === turns.length) closing.abort();
          },
          1,
          closing.signal,
        );
        assert.equal(runs, turns.length);
      },
    ),
    { numRuns: 50 },
  );
});
