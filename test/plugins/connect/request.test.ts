// The connect request, and the errors that prevent it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthError, ConfigError, type Executor } from '../../../src/index.ts';
import { decodeJwt, json, serve } from '../../support/http-server.ts';
import { answering, BUNDLE, connected, failure, nodeAt, RECONNECT, TOKEN } from './connecting.ts';

test('without a token the node signs a JWT, a new one for each attempt', async (t) => {
  const cloud = await answering(t, [503, {}], [200, BUNDLE]);
  const node = nodeAt(t, cloud, { settings: RECONNECT });
  await connected(node);
  assert.equal(cloud.received.length, 2);
  const [first, second] = cloud.received.map(({ headers }) => decodeJwt(headers.authorization));
  assert.deepEqual([first?.claims['sub'], first?.header['kid']], ['qpu-7', 'key-7']);
  assert.notEqual(second?.claims['iat'], first?.claims['iat'], 'signed a second later');
});

test('408, 425, 429 and a login page are waited for, as long as the cloud asks', async (t) => {
  let answers = 0;
  const cloud = await serve(t, (response) => {
    answers += 1;
    response.setHeader('retry-after', '0');
    if (answers === 1) json(response, 429, { error: 'slow down' });
    else if (answers === 2) response.end('<!doctype html><title>Campus login</title>');
    else json(response, 200, BUNDLE);
  });
  const node = nodeAt(t, cloud);
  assert.equal((await connected(node)).qpuId, 'qpu-7');
  assert.match(node.lines.join('\n'), /429: slow down; next attempt in 1 s/);
  assert.match(node.lines.join('\n'), /200 with a web page \("Campus login"\)[^\n]*; next attempt in 2 s/);
});

test('Retry-After of a connect is waited for', async (t) => {
  let answers = 0;
  const cloud = await serve(t, (response) => {
    answers += 1;
    response.setHeader('retry-after', '3');
    if (answers === 1) json(response, 429, {});
    else json(response, 200, BUNDLE);
  });
  const node = nodeAt(t, cloud);
  await connected(node);
  assert.match(node.lines.join('\n'), /next attempt in 3 s/);
});

test('the connectivity of the device is sent along', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const executor: Executor = {
    run: () => Promise.reject(new Error('unused')),
    device: {
      logicalEdges: [
        [0, 1],
        [1, 2],
      ],
    },
  };
  await connected(nodeAt(t, cloud), executor);
  assert.deepEqual(JSON.parse(cloud.received[0]?.body ?? '').connectivity, [
    [0, 1],
    [1, 2],
  ]);
});

test('beforeConnect is fired once and may change headers and body, but not the credentials', async (t) => {
  const cloud = await answering(t, [503, {}], [200, BUNDLE]);
  const node = nodeAt(t, cloud);
  const modes: string[] = [];
  node.hooks.beforeConnect.tap('lab', (request) => {
    modes.push(request.mode);
    request.headers['x-room'] = 'B12';
    request.headers['Authorization'] = 'Bearer stolen';
    request.body.machine_fingerprint += '-b12';
  });
  await connected(node);
  assert.deepEqual(modes, ['token']);
  for (const { headers, body } of cloud.received) {
    assert.deepEqual([headers['x-room'], headers.authorization], ['B12', `Bearer ${TOKEN}`]);
    assert.match(JSON.parse(body).machine_fingerprint, /-b12$/);
  }
});

test('without any credentials the error says how to get going', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const nothing = await failure(nodeAt(t, cloud, { settings: { nodeToken: '' } }));
  assert.ok(nothing instanceof ConfigError);
  assert.match(nothing.message, /no credentials yet[^]*coda start --token[^]*\/etc\/coda-node\.env/);
  const half = await failure(nodeAt(t, cloud, { settings: { ...RECONNECT, jwtKeyId: '' } }));
  assert.ok(half instanceof ConfigError);
  assert.match(half.message, /CODA_JWT_KEY_ID is missing/);
  const broken = await failure(nodeAt(t, cloud, { settings: { ...RECONNECT, jwtPrivateKey: 'nonsense' } }));
  assert.ok(broken instanceof AuthError);
  assert.equal(cloud.received.length, 0);
});

test('a header or token that cannot be sent is a ConfigError that names it, not its value', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const header = await failure(
    nodeAt(t, cloud, { settings: { nodeConnectHeaders: { 'x-lab': 'se\ncret' } } }),
  );
  assert.ok(header instanceof ConfigError);
  assert.match(header.message, /the header 'x-lab' cannot be sent/);
  assert.doesNotMatch(header.message, /se\ncret/);
  const token = await failure(nodeAt(t, cloud, { settings: { nodeToken: 'to\nken' } }));
  assert.ok(token instanceof ConfigError);
  assert.match(token.message, /CODA_NODE_TOKEN/);
  assert.equal(cloud.received.length, 0);
});
