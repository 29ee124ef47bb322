// Proxies: which requests go through one, and whose fault it is if they do not get through.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createHttpClient, TransportError } from '../../src/net/http.ts';
import { createNoProxy } from '../../src/net/no-proxy.ts';
import { CA } from '../support/certificates.ts';
import { json, serve } from '../support/http-server.ts';
import { connectProxy, tlsInFrontOf, type Proxy, type ProxyTemper } from '../support/middlemen.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NO_PROXY: readonly [rules: string, direct: readonly string[], proxied: readonly string[]][] = [
  ['', [], ['http://a.example']],
  ['*', ['http://a.example', 'https://[::1]:3'], []],
  ['x, *', ['http://a.example'], []],
  [
    'example.org',
    ['http://example.org', 'https://EXAMPLE.org:8443', 'http://a.b.example.org', 'http://example.org.'],
    ['http://myexample.org', 'http://example.org.evil', 'http://example.com'],
  ],
  ['.Example.org', ['http://example.org', 'http://a.example.org'], ['http://aexample.org']],
  ['*.example.org', ['http://a.example.org'], ['http://aexample.org']],
  [
    'a.example  b.example,c.example',
    ['http://a.example', 'http://b.example', 'http://c.example'],
    ['http://d.example'],
  ],
  [
    'example.org:8443',
    ['https://example.org:8443', 'http://a.example.org:8443'],
    ['https://example.org', 'http://example.org:84'],
  ],
  ['example.org:443', ['https://example.org'], ['http://example.org']],
  ['example.org:80', ['http://example.org'], ['https://example.org']],
  [
    '10.0.0.0/8',
    ['http://10.77.0.1', 'http://10.0.0.0'],
    ['http://11.0.0.1', 'http://10.example.org', 'http://[::ffff:a00:1]'],
  ],
  ['10.1.2.3', ['http://10.1.2.3:99'], ['http://10.1.2.4', 'http://1.10.1.2.3.example']],
  ['10.1.2.3:99', ['http://10.1.2.3:99'], ['http://10.1.2.3']],
  ['192.168.7.0/25', ['http://192.168.7.127'], ['http://192.168.7.128']],
  ['0.0.0.0/0', ['http://8.8.8.8'], ['http://[2001:db8::1]', 'http://a.example']],
  ['fd00::/8', ['http://[fd12::1]'], ['http://[fe80::1]']],
  ['[fd00::]/8', ['http://[fd12::1]'], ['http://[fe80::1]']],
  ['2001:DB8::1', ['http://[2001:db8:0::1]:5'], ['http://[2001:db8::2]']],
  ['[2001:db8::1]', ['http://[2001:db8::1]:5'], ['http://[2001:db8::2]']],
  ['[2001:db8::1]:5', ['http://[2001:db8::1]:5'], ['http://[2001:db8::1]']],
  ['10.0.0.0/33,10.0.0.0/x,10.0.0.0/8/8,[::1,:80,.,/', [], ['http://10.0.0.1', 'http://a.example']],
];

describe('NO_PROXY', () => {
  for (const [rules, direct, proxied] of NO_PROXY) {
    it(`'${rules}' is read as curl reads it`, () => {
      const isDirect = createNoProxy(rules);
      for (const url of direct) assert.ok(isDirect(new URL(url)), `${url} goes through the proxy`);
      for (const url of proxied) assert.ok(!isDirect(new URL(url)), `${url} goes directly`);
    });
  }

  it('may hold anything', () => {
    const rule = fc.string({ unit: fc.constantFrom(...'a1.:/[]*, %'.split('')), maxLength: 30 });
    fc.assert(
      fc.property(rule, (text) => {
        createNoProxy(text)(new URL('http://10.0.0.1/'));
      }),
    );
  });
});

describe('a proxy', () => {
  interface Way {
    readonly proxy: Proxy;
    /** Asks the cloud behind TLS; what it answers. */
    ask(user?: string): Promise<number>;
  }

  async function way(t: TestContext, temper: ProxyTemper = {}): Promise<Way> {
    const cloud = await serve(t, (response) => json(response, 200, {}));
    const front = await tlsInFrontOf(Number(new URL(cloud.url).port));
    t.after(() => front.close());
    const proxy = await connectProxy(temper);
    const caFile = join(await temporaryFolder(t), 'ca.pem');
    await writeFile(caFile, CA);
    t.after(() => proxy.close().catch(() => {}));
    return {
      proxy,
      async ask(user = '') {
        const env = {
          HTTPS_PROXY: `http://${user}127.0.0.1:${proxy.port}`,
          SSL_CERT_FILE: caFile,
        };
        const http = createHttpClient({ env });
        t.after(() => http.close());
        // This machine, by a name for which proxies are not left out.
        const url = `https://0.0.0.0:${front.port}/`;
        return (await http.request({ method: 'GET', url, timeoutMs: 10_000 })).status;
      },
    };
  }

  const says = (expected: RegExp) => (thrown: unknown) => {
    assert.ok(thrown instanceof TransportError, String(thrown));
    assert.equal(thrown.sent, false);
    assert.match(thrown.message, expected);
    assert.doesNotMatch(thrown.message, /planted|p%40ss/);
    return true;
  };

  it('gets the user and the password of its URL', async (t) => {
    const { ask, proxy } = await way(t, { credentials: 'me@lab:p@ss:planted' });
    assert.equal(await ask('me%40lab:p%40ss%3Aplanted@'), 200);
    assert.equal(proxy.tunnels.length, 1);
    await assert.rejects(
      ask('me:planted@'),
      says(
        /^the proxy 127\.0\.0\.1:\d+ takes no request without the right user and password: .* HTTPS_PROXY .* \(407\)$/,
      ),
    );
    await assert.rejects(ask(), says(/\(407\)/));
  });

  it('may have a user without a password', async (t) => {
    const { ask } = await way(t, { credentials: 'me:' });
    assert.equal(await ask('me@'), 200);
  });

  it('that refuses is named, and so is what it cannot reach', async (t) => {
    const forbidding = await way(t, { refuses: '403 Forbidden' });
    await assert.rejects(
      forbidding.ask('me:planted@'),
      says(/^the proxy 127\.0\.0\.1:\d+ allows no connection to 0\.0\.0\.0:\d+: .*NO_PROXY.* \(403\)$/),
    );
    const lost = await way(t, { refuses: '502 Bad Gateway' });
    await assert.rejects(
      lost.ask(),
      says(/^the proxy 127\.0\.0\.1:\d+ cannot reach 0\.0\.0\.0:\d+ \(502\)$/),
    );
  });

  it('that is not there is named', async (t) => {
    const { ask, proxy } = await way(t);
    await proxy.close();
    await assert.rejects(
      ask('me:planted@'),
      says(/^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) cannot be reached: .*ECONNREFUSED/),
    );
  });

  it('asks for a password for plain http too', async (t) => {
    const proxy = await serve(t, (response, { headers }) => {
      response.writeHead(headers['proxy-authorization'] === undefined ? 407 : 200).end();
    });
    const ask = (url: string): Promise<unknown> => {
      const http = createHttpClient({ env: { http_proxy: url } });
      t.after(() => http.close());
      return http.request({ method: 'POST', url: 'http://cloud.invalid/', body: '{}', timeoutMs: 10_000 });
    };
    await assert.rejects(ask(proxy.url), /^TransportError: the proxy 127.* user and password.* \(407\)$/);
    await ask(proxy.url.replace('//', '//me:secret@'));
  });
});
