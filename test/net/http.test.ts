// Requests to the cloud: a deadline for the whole exchange, direct to this machine, through the proxy elsewhere.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { createHttpClient, TransportError, type HttpClient } from '../../src/net/http.ts';

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function client(t: TestContext, env: NodeJS.ProcessEnv = {}): HttpClient {
  const http = createHttpClient({ env });
  t.after(() => http.close());
  return http;
}

describe('the HTTP client', () => {
  it('names a variable that is not a proxy URL, without its value', () => {
    for (const name of ['HTTP_PROXY', 'https_proxy']) {
      assert.throws(
        () => createHttpClient({ env: { [name]: 'user:planted@proxy:3128' } }),
        (thrown) => {
          assert.ok(thrown instanceof ConfigError);
          assert.match(thrown.message, new RegExp(name));
          assert.doesNotMatch(thrown.message, /planted/);
          return true;
        },
      );
    }
  });

  it('names a variable with quotes around its value, without the value', () => {
    for (const name of ['HTTP_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'SSL_CERT_FILE']) {
      assert.throws(
        () => createHttpClient({ env: { [name]: '"http://planted"' } }),
        (thrown) => {
          assert.ok(thrown instanceof ConfigError);
          assert.match(thrown.message, new RegExp(`the value of ${name} has quotes around it`));
          assert.doesNotMatch(thrown.message, /planted/);
          return true;
        },
      );
    }
  });

  it('cuts off what is under way when the network has changed, and connects anew', async (t) => {
    const connections = new Set<unknown>();
    const { url } = await serve(t, (request, response) => {
      connections.add(request.socket);
      if (request.url === '/quick') response.end();
    });
    const http = client(t);
    await http.request({ method: 'GET', url: `${url}/quick`, timeoutMs: 10_000 });
    const waiting = http.request({ method: 'GET', url: `${url}/never`, timeoutMs: 60_000 });
    await new Promise(setImmediate);
    http.renew();
    await assert.rejects(waiting, (thrown) => {
      assert.ok(thrown instanceof TransportError);
      assert.equal(thrown.message, 'the network has changed meanwhile');
      return true;
    });
    const earlier = new Set(connections);
    assert.equal((await http.request({ method: 'GET', url: `${url}/quick`, timeoutMs: 10_000 })).status, 200);
    assert.equal(connections.size, earlier.size + 1);
  });

  it('says who it is and what it takes, unless the request says it itself', async (t) => {
    const seen: IncomingMessage['headers'][] = [];
    const { url } = await serve(t, (request, response) => {
      seen.push(request.headers);
      response.end();
    });
    const http = client(t);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    await http.request({ method: 'HEAD', url, timeoutMs: 5_000 });
    await http.request({ method: 'POST', url, headers: { 'user-agent': 'lab' }, body: '', timeoutMs: 5_000 });
    assert.deepEqual(
      seen.map((headers) => [headers['user-agent'], headers.accept]),
      [
        [`coda-node/${version}`, 'application/json'],
        ['lab', 'application/json'],
      ],
    );
  });

  it('limits the time of the whole exchange, also if the answer drips', async (t) => {
    const { url } = await serve(t, (_, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const request = client(t).request({ method: 'GET', url, timeoutMs: 150 });
    await assert.rejects(request, (thrown: unknown) => {
      assert.ok(thrown instanceof TransportError);
      assert.match(thrown.message, /no whole answer within 0.15 s/);
      return thrown.sent;
    });
  });

  it('leaves no timer behind a request', async (t) => {
    const { url } = await serve(t, (_, response) => void response.end('ok'));
    const http = client(t);
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    for (let i = 0; i < 50; i += 1) await http.request({ method: 'GET', url, timeoutMs: 60_000 });
    assert.ok(timers() - before < 10, `${timers()} timers, ${before} before`);
  });

  it('ends with its caller', async (t) => {
    const { url } = await serve(t, () => {});
    const caller = new AbortController();
    const request = client(t).request({ method: 'GET', url, timeoutMs: 60_000, signal: caller.signal });
    caller.abort();
    await assert.rejects(request, TransportError);
    const late = client(t).request({ method: 'GET', url, timeoutMs: 60_000, signal: caller.signal });
    await assert.rejects(late, TransportError);
  });

  it('says that nothing was sent if the connection is refused', async (t) => {
    const { server, url } = await serve(t, () => {});
    server.close();
    await once(server, 'close');
    await assert.rejects(
      client(t).request({ method: 'POST', url, body: '{}', timeoutMs: 5_000 }),
      (thrown: unknown) => thrown instanceof TransportError && !thrown.sent,
    );
  });

  it('refuses an answer that is too long', async (t) => {
    const { url } = await serve(t, (_, response) => void response.end('x'.repeat(5000)));
    await assert.rejects(
      client(t).request({ method: 'GET', url, timeoutMs: 5_000, maxBytes: 1000 }),
      /longer than 1000 bytes/,
    );
  });

  it('uses the proxy, but not for this machine or hosts in NO_PROXY', async (t) => {
    const asked: string[] = [];
    const proxy = await serve(t, (request, response) => {
      asked.push(request.url ?? '');
      response.end('from the proxy');
    });
    const direct = await serve(t, (_, response) => void response.end('direct'));
    const http = client(t, { HTTP_PROXY: proxy.url, NO_PROXY: 'inside.invalid' });
    const get = async (url: string): Promise<string> =>
      (await http.request({ method: 'GET', url, timeoutMs: 5_000 })).text;
    assert.equal(await get('http://cloud.invalid/x'), 'from the proxy');
    assert.deepEqual(asked, ['http://cloud.invalid/x']);
    assert.equal(await get(direct.url), 'direct');
    assert.equal(await get(direct.url.replace('127.0.0.1', 'localhost')), 'direct');
    // The name does not exist, so the request went out directly.
    await assert.rejects(get('http://inside.invalid/'), TransportError);
    // The proxy is for http only.
    await assert.rejects(get('https://cloud.invalid/'), TransportError);
    assert.equal(asked.length, 1);
  });
});
