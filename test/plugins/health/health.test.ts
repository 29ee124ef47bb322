// The health server over real HTTP: its answers while the node boots, runs and drains, and how it fails and closes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request, createServer } from 'node:http';
import { connect as connectSocket, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { health } from '../../../plugins/health/index.ts';
import { healthAddress } from '../../../src/kit.ts';
import { ConfigError, type Settings } from '../../../src/index.ts';
import { waitUntil } from '../../../src/local-cloud/wait.ts';
import { standIn, type StandIn } from '../../support/harness.ts';

const LOCAL: Partial<Settings> = { host: '127.0.0.1', port: 0 };

async function booted(t: TestContext): Promise<{ node: StandIn; url: string }> {
  const node = standIn(t, health(), { settings: LOCAL });
  await node.hooks.boot.promise();
  const { host, port } = node.services.require(healthAddress)()();
  return { node, url: `http://${host}:${port}` };
}

async function get(
  url: string,
  method = 'GET',
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const answer = await fetch(url, { method });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? '' : JSON.parse(text) };
}

test('GET /health answers 200 as soon as the node boots', async (t) => {
  const { url } = await booted(t);
  const { status, body, headers } = await get(`${url}/health`);
  assert.equal(status, 200);
  assert.deepEqual(body, { status: 'ok' });
  assert.match(headers.get('content-type') ?? '', /^application\/json/);
});

test('GET /ready answers 503 with all four fields while the node boots', async (t) => {
  const { url } = await booted(t);
  const { status, body } = await get(`${url}/ready`);
  assert.equal(status, 503);
  assert.deepEqual(body, {
    ready: false,
    vpn_state: 'booting',
    redis_healthy: false,
    current_job: null,
    reasons: ['the node is booting'],
    troubles: [{ text: 'the node is booting', remedy: null, blocks: true }],
  });
});

test('GET /ready follows the readiness of the running node', async (t) => {
  const { node, url } = await booted(t);
  node.phase = 'running';
  Object.assign(node.truth, { vpnState: 'ready', redisHealthy: true, currentJob: 'job-1' });
  const ready = await get(`${url}/ready`);
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.body, {
    ready: true,
    vpn_state: 'ready',
    redis_healthy: true,
    current_job: 'job-1',
    reasons: [],
    troubles: [],
  });

  node.hooks.readiness.tap('test', (report) => report.notReady('the cryostat is warm'));
  const notReady = await get(`${url}/ready`);
  assert.equal(notReady.status, 503);
  assert.deepEqual((notReady.body as Record<string, unknown>)['reasons'], ['the cryostat is warm']);
});

test('a node that drains is not ready', async (t) => {
  const { node, url } = await booted(t);
  node.phase = 'draining';
  assert.equal((await get(`${url}/ready`)).status, 503);
});

test('a readiness that cannot be determined is a 503 with all four fields', async (t) => {
  const { node, url } = await booted(t);
  node.phase = 'running';
  node.readiness = () => {
    throw new Error('broken');
  };
  const { status, body } = await get(`${url}/ready`);
  assert.equal(status, 503);
  assert.deepEqual(Object.keys(body as object).slice(0, 4), [
    'ready',
    'vpn_state',
    'redis_healthy',
    'current_job',
  ]);
});

test('other paths are 404, other methods 405, both as JSON', async (t) => {
  const { url } = await booted(t);
  const missing = await get(`${url}/nowhere`);
  assert.equal(missing.status, 404);
  assert.deepEqual(missing.body, { error: 'there is no /nowhere here' });
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const refused = await get(`${url}/health`, method);
    assert.equal(refused.status, 405, method);
    assert.deepEqual(refused.body, { error: `${method} is not allowed here` });
    assert.match(refused.headers.get('allow') ?? '', /GET/);
  }
  assert.equal((await get(`${url}/health`, 'HEAD')).status, 200);
  assert.equal((await get(`${url}/ready`, 'HEAD')).status, 503);
});

test('other plugins add routes through the http hook', async (t) => {
  const node = standIn(t, health(), { settings: LOCAL });
  node.hooks.http.tap('extra', (router) => {
    router.get('/extra', (ctx) => {
      ctx.body = { extra: true };
    });
    router.get('/broken', () => {
      throw new Error('route broke');
    });
  });
  await node.hooks.boot.promise();
  const { port } = node.services.require(healthAddress)()();
  assert.deepEqual((await get(`http://127.0.0.1:${port}/extra`)).body, { extra: true });
  assert.equal((await fetch(`http://127.0.0.1:${port}/broken`)).status, 500);
  assert.equal(node.logged('a request failed: route broke').length, 1);
  assert.equal((await get(`http://127.0.0.1:${port}/health`)).status, 200);
});

test('a port in use is a ConfigError with a remedy, and the other server continues', async (t) => {
  const other = createServer((_, response) => response.end('other'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;

  const node = standIn(t, health(), { settings: { ...LOCAL, port } });
  await assert.rejects(node.hooks.boot.promise(), (error) => {
    assert.ok(error instanceof ConfigError && error.plugin === 'health');
    assert.match(error.message, new RegExp(`port ${port} on 127.0.0.1 is in use`));
    assert.match(error.remedy ?? '', /--port or CODA_PORT/);
    return true;
  });
  assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'other');
});

test('a host that is not of this machine is a ConfigError', async (t) => {
  const node = standIn(t, health(), { settings: { host: '192.0.2.1', port: 0 } });
  await assert.rejects(node.hooks.boot.promise(), (error) => {
    assert.ok(error instanceof ConfigError && error.plugin === 'health');
    assert.match(error.remedy ?? '', /CODA_HOST/);
    return true;
  });
});

test('the address is unknown before boot', (t) => {
  const node = standIn(t, health(), { settings: LOCAL });
  assert.throws(node.services.require(healthAddress)(), /is not listening yet/);
});

test('close ends idle and stuck connections, and frees the port', async (t) => {
  const node = standIn(t, health(), { settings: LOCAL });
  let arrived = false;
  node.hooks.http.tap('stuck', (router) => {
    router.get('/stuck', () => {
      arrived = true;
      return new Promise<void>(() => {});
    });
  });
  await node.hooks.boot.promise();
  const { port } = node.services.require(healthAddress)()();

  const agent = new Agent({ keepAlive: true });
  const idle = request({ agent, port, path: '/health' }).end();
  const [answer] = await once(idle, 'response');
  answer.resume();
  await once(answer, 'end');
  const stuck = connectSocket(port, '127.0.0.1').on('error', () => {});
  stuck.write('GET /stuck HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const ended = once(stuck, 'close');
  await waitUntil('the stuck request arriving', () => arrived);

  await node.close();
  await ended;
  const successor = createServer().listen(port, '127.0.0.1');
  await once(successor, 'listening');
  successor.close();
});

test('whoever takes every connection and reads no answer is displaced by who asks next', async (t) => {
  const node = standIn(t, health(), { settings: LOCAL });
  node.hooks.http.tap('big', (router) => {
    router.get('/big', (ctx) => {
      ctx.body = 'x'.repeat(8 * 1024 * 1024);
    });
  });
  await node.hooks.boot.promise();
  const { port } = node.services.require(healthAddress)()();
  const slow = Array.from({ length: 300 }, () => {
    const socket = connectSocket(port, '127.0.0.1').on('error', () => {});
    socket.write('GET /big HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return socket;
  });
  t.after(() => slow.forEach((socket) => socket.destroy()));
  await waitUntil('the connections', () => slow.every(({ connecting }) => !connecting));
  assert.equal((await get(`http://127.0.0.1:${port}/health`)).status, 200);
  for (const socket of slow) socket.resume();
  await waitUntil('the displaced ones to end', () => slow.filter(({ destroyed }) => destroyed).length > 150);
});
