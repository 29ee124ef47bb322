// A cloud that refuses, hangs or sends nonsense: when the node retries, when it falls back, and its messages.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { NodeError } from '../../../src/index.ts';
import { waitUntil } from '../../../src/local-cloud/wait.ts';
import { decodeJwt, json, serve } from '../../support/http-server.ts';
import { answering, BUNDLE, connected, failure, nodeAt, RECONNECT, SAVED, TOKEN } from './connecting.ts';

test('a token that is used already falls back to the credentials of an earlier start, with a warning', async (t) => {
  const cloud = await serve(t, (response, { headers }) => {
    if (headers.authorization === `Bearer ${TOKEN}`) json(response, 401, { error: 'token already used' });
    else json(response, 200, BUNDLE);
  });
  const node = nodeAt(t, cloud, { state: { ...SAVED, webappUrl: cloud.url, connectPath: '/again' } });
  let fired = 0;
  node.hooks.beforeConnect.tap('count', () => void fired++);
  const session = await connected(node);
  assert.equal(session.qpuId, 'qpu-7');
  assert.equal(session.machineFingerprint, 'old-machine-1');
  const [, again] = cloud.received;
  assert.equal(again?.url, '/again');
  assert.deepEqual(decodeJwt(again.headers.authorization).claims['sub'], 'qpu-old');
  assert.equal(fired, 1);
  assert.match(node.logged('WARN').join('\n'), /rejects the token.*as qpu-old/);
});

test('a refused token without credentials, or with a broken key, is a NodeError', async (t) => {
  const cloud = await answering(t, [401, { error: `token ${TOKEN} was used\nbefore` }]);
  for (const state of [undefined, { ...SAVED, jwtPrivateKey: 'nonsense' }]) {
    const error = await failure(nodeAt(t, cloud, state === undefined ? {} : { state }));
    assert.ok(error instanceof NodeError);
    assert.equal(error.status, 401);
    assert.match(error.message, /refused the connect with 401: token \*\*\* was used\\nbefore/);
    assert.match(error.remedy ?? '', /Get a new token/);
  }
});

test('a 4xx is final and carries the words of the cloud; only 401 falls back', async (t) => {
  const cloud = await answering(t, [403, { message: 'QPU is disabled' }]);
  const error = await failure(nodeAt(t, cloud, { state: SAVED }));
  assert.ok(error instanceof NodeError);
  assert.match(error.message, /403: QPU is disabled/);
  assert.equal(cloud.received.length, 1);
});

test('5xx answers are tried again as often as configured, with growing waits, and each attempt is logged', async (t) => {
  const cloud = await answering(t, [500, {}], [502, {}], [503, { error: 'maintenance' }]);
  const started = performance.now();
  const error = await failure(nodeAt(t, cloud, { settings: { nodeConnectRetries: 3 } }));
  assert.ok(performance.now() - started >= 2_990, 'one second, then two');
  assert.ok(error instanceof NodeError);
  assert.equal(error.status, 503);
  assert.match(error.message, /did not accept the connect in 3 attempts: it answered 503: maintenance/);
  assert.equal(cloud.received.length, 3);
});

test('408, 425 and 429 are waited for, as long as the cloud asks', async (t) => {
  const asked: number[] = [];
  const cloud = await serve(t, (response, _, number) => {
    asked.push(performance.now());
    if (number > 1) return json(response, 200, BUNDLE);
    response.writeHead(429, { 'retry-after': '2' }).end();
  });
  const node = nodeAt(t, cloud);
  const reasons: (readonly string[])[] = [];
  const connecting = connected(node);
  await waitUntil('the wait', () => node.logged('next attempt in 2 s').length > 0);
  reasons.push(node.readiness().reasons);
  await connecting;
  reasons.push(node.readiness().reasons);
  assert.ok((asked[1] ?? 0) - (asked[0] ?? 0) > 1_950, String(asked));
  assert.match(String(reasons[0]), /connecting to http:.* failed: it answered 429/);
  assert.deepEqual(reasons[1], []);
  for (const status of [408, 425]) {
    const busy = await answering(t, [status, {}]);
    const error = await failure(nodeAt(t, busy, { settings: { nodeConnectRetries: 1 } }));
    assert.match(error.message, new RegExp(`in 1 attempt: it answered ${status}`));
    assert.doesNotMatch(error.message, /new token/);
  }
});

test('a login page in the place of the cloud is named, and the connect is repeated', async (t) => {
  const cloud = await serve(t, (response, _, number) => {
    if (number > 1) return json(response, 200, BUNDLE);
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>Campus WiFi</title>');
  });
  const node = nodeAt(t, cloud);
  await connected(node);
  assert.match(node.logged('WARN').join(), /200 with a web page \("Campus WiFi"\), so not from the cloud/);
});

test('a refusal because of a wrong clock advises to set the clock, and nothing else', async (t) => {
  const cloud = await serve(t, (response) => {
    response.setHeader('date', new Date(Date.now() + 7_200_000).toUTCString());
    json(response, 401, { error: 'JWT is expired' });
  });
  const error = await failure(nodeAt(t, cloud, { settings: RECONNECT }));
  assert.match(error.message, /401: JWT is expired \(this machine's clock is 2 h behind the cloud\)/);
  assert.match(error.remedy ?? '', /timedatectl/);
  assert.doesNotMatch(error.message, /token <token>|reset/);
});

test('an unreachable cloud and a hanging one are NodeErrors', async (t) => {
  const settings = { nodeConnectRetries: 1, nodeTimeoutSec: 0.1 };
  const refused = await failure(nodeAt(t, { url: 'http://127.0.0.1:1' }, { settings }));
  assert.ok(refused instanceof NodeError);
  assert.match(refused.message, /http:\/\/127\.0\.0\.1:1 could not be reached in 1 attempt: .*ECONNREFUSED/);
  const hanging = await serve(t, () => {});
  assert.match((await failure(nodeAt(t, hanging, { settings }))).message, /no whole answer within 0\.1 s/);
});

test('a token that an unanswered attempt may have used up is explained', async (t) => {
  const cloud = await serve(t, (response, _, number) => {
    if (number === 1) response.destroy();
    else json(response, 401, { error: 'token already used' });
  });
  const error = await failure(nodeAt(t, cloud));
  assert.match(error.remedy ?? '', /An earlier attempt may have used the token up/);
});

const strange: [string, (response: ServerResponse) => void, RegExp][] = [
  [
    'a redirect',
    (response) => response.writeHead(302, { location: 'https://login.example/x?secret=1' }).end(),
    /302, a redirect to https:\/\/login\.example; redirects are not followed/,
  ],
  [
    'a page',
    (response) => response.end('<html>welcome</html>'),
    /it answered 200 with a web page, so not from the cloud[^]*browser/,
  ],
  ['a list', (response) => response.end('[]'), /not with a JSON object/],
  ['nothing', (response) => response.writeHead(204).end(), /204, but not with a JSON object/],
  ['too much', (response) => response.end(`{"x":"${'a'.repeat(1_100_000)}"}`), /longer than 1048576 bytes/],
  [
    'a bundle without qpu_id',
    (response) => json(response, 200, { ...BUNDLE, qpu_id: '' }),
    /'qpu_id' is missing/,
  ],
];
for (const [what, respond, expected] of strange) {
  test(`${what} in answer is a NodeError, and nothing is saved`, async (t) => {
    const cloud = await serve(t, respond);
    const node = nodeAt(t, cloud, { settings: { nodeConnectRetries: 1 } });
    const error = await failure(node);
    assert.ok(error instanceof NodeError);
    assert.match(error.message, expected);
    assert.equal(cloud.received.length, 1);
    assert.deepEqual(readdirSync(node.settings.stateDir), []);
  });
}

test('closing the node ends a wait and a hanging attempt at once', async (t) => {
  const failing = await answering(t, [503, {}]);
  const waiting = nodeAt(t, failing, { settings: { nodeConnectRetries: 100 } });
  const given = failure(waiting);
  await waitUntil('the first wait', () => waiting.logged('next attempt in').length > 0);
  await waiting.close();
  assert.match((await given).message, /given up: the node is closing/);

  const silent = await serve(t, () => {});
  const hanging = nodeAt(t, silent);
  const cut = failure(hanging);
  await waitUntil('the attempt', () => silent.received.length > 0);
  await hanging.close();
  assert.match((await cut).message, /given up: the node is closing/);
});
