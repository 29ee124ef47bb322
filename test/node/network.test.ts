// The way to the cloud through the networks of universities (PROTOCOL §13): private authorities, proxies,
// redirects, answers without end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as compiledIndex from '../../src/index.ts';
import * as compiledTesting from '../../src/testing/index.ts';
import type { LocalCloud, TestNode } from '../../src/testing/index.ts';
import { coda } from '../cli/process.ts';
import { CA } from '../support/certificates.ts';
import { json, serve } from '../support/http-server.ts';
import { connectProxy, tlsInFrontOf, type Middleman } from '../support/middlemen.ts';

const ONE_ATTEMPT = { CODA_NODE_CONNECT_RETRIES: '1' };

/** What users import has the HTTP client, and all that it needs, in a file of its own. */
async function packed<T>(door: string): Promise<T> {
  return (await import(pathToFileURL(resolve('dist', 'bundle', door)).href)) as T;
}

for (const [what, testing, index] of [
  ['compiled', compiledTesting, compiledIndex],
  [
    'packed',
    await packed<typeof compiledTesting>('testing.js'),
    await packed<typeof compiledIndex>('index.js'),
  ],
] as const) {
  const { bell, startLocalCloud, startTestNode, waitUntil } = testing;
  const { NodeError } = index;
  const ir = bell('cz').ir;

  describe(`behind a private certificate authority the ${what} node's requests`, () => {
    let cloud: LocalCloud;
    let folder: string;
    let caFile: string;
    let cloudFront: Middleman;
    let redisFront: Middleman;
    let secureUrl: string;
    let secureRedis: string;
    before(async () => {
      cloud = await startLocalCloud();
      folder = await mkdtemp(join(tmpdir(), 'coda-network-'));
      caFile = join(folder, 'ca.pem');
      await writeFile(caFile, CA);
      cloudFront = await tlsInFrontOf(Number(new URL(cloud.url).port));
      redisFront = await tlsInFrontOf(Number(new URL(cloud.redisUrl).port));
      secureUrl = `https://127.0.0.1:${cloudFront.port}`;
      secureRedis = `rediss://:${new URL(cloud.redisUrl).password}@localhost:${redisFront.port}`;
      cloud.overrideBundle((bundle) => ({ ...bundle, webapp_url: secureUrl, redis_url: secureRedis }));
    });
    after(async () => {
      await cloudFront.close();
      await redisFront.close();
      await cloud.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** A node that knows the cloud by its https URL only. */
    function start(env: Readonly<Record<string, string>>, token = cloud.issueToken()): Promise<TestNode> {
      return startTestNode({
        cloud: { url: secureUrl, issueToken: () => token },
        env: { ...ONE_ATTEMPT, ...env },
      });
    }

    async function runsAJob(url = secureUrl): Promise<void> {
      const raw = { callback_url: `${url}/api/internal/qpu/webhook` };
      assert.equal((await cloud.outcome(await cloud.submit({ ir, raw }))).status, 'completed');
      assert.deepEqual(cloud.violations, []);
    }

    it('a node without its certificate is refused by name, and spends no token', async () => {
      const token = cloud.issueToken();
      await assert.rejects(start({}, token), (thrown) => {
        assert.ok(thrown instanceof NodeError);
        assert.match(thrown.message, /certificate[^]*SSL_CERT_FILE or NODE_EXTRA_CA_CERTS/);
        return true;
      });
      await (await start({ SSL_CERT_FILE: caFile }, token)).stop();
    });

    it('SSL_CERT_FILE lets it through, to the cloud and to Redis', async () => {
      const test = await start({ SSL_CERT_FILE: caFile });
      try {
        await cloud.whenHeartbeat();
        await runsAJob();
      } finally {
        await test.stop();
      }
    });

    it('NODE_EXTRA_CA_CERTS does too', async () => {
      const args = ['start', '--host', '127.0.0.1', '--port', '0', '--token', cloud.issueToken()];
      const node = coda(args, {
        cwd: folder,
        env: { ...ONE_ATTEMPT, CODA_WEBAPP_URL: secureUrl, NODE_EXTRA_CA_CERTS: caFile },
      });
      try {
        await node.says('reading jobs');
        await runsAJob();
      } finally {
        node.child.kill('SIGTERM');
        assert.equal(await node.ended, 0, node.output());
      }
    });

    it('a Redis whose certificate is not trusted is not spoken to, and the node is not ready', async () => {
      cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: secureRedis }));
      const untrusting = await startTestNode({ cloud });
      try {
        await waitUntil('refusing the certificate', () =>
          untrusting.log.some((line) => line.includes('unable to verify the first certificate')),
        );
        const report = untrusting.node.readiness();
        assert.equal(report.ready, false);
        assert.equal(report.redisHealthy, false);
      } finally {
        await untrusting.stop();
      }
    });

    it('HTTPS_PROXY is asked for a tunnel, unless NO_PROXY names the cloud', async () => {
      const proxy = await connectProxy();
      const env = { SSL_CERT_FILE: caFile, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
      // This machine too, but not by a name for which proxies are left out anyway.
      const host = `0.0.0.0:${cloudFront.port}`;
      const url = `https://${host}`;
      cloud.overrideBundle((bundle) => ({ ...bundle, webapp_url: url, redis_url: secureRedis }));
      try {
        const direct = await start({ ...env, CODA_WEBAPP_URL: url, NO_PROXY: 'example.org,0.0.0.0' });
        await runsAJob(url);
        await direct.stop();
        assert.deepEqual(proxy.tunnels, []);
        const proxied = await start({ ...env, CODA_WEBAPP_URL: url });
        await runsAJob(url);
        await proxied.stop();
        assert.deepEqual([...new Set(proxy.tunnels)], [host]);
      } finally {
        await proxy.close();
      }
    });
  });

  describe(`answers to the ${what} node`, () => {
    let cloud: LocalCloud;
    before(async () => {
      cloud = await startLocalCloud();
    });
    after(async () => {
      await cloud.close();
    });

    it('that redirect are followed by no request', async () => {
      let visits = 0;
      const elsewhere = createServer((_, response) => {
        visits += 1;
        response.end();
      }).listen(0, '127.0.0.1');
      await once(elsewhere, 'listening');
      const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
      const redirect = { status: 307, headers: { location }, times: 1 } as const;
      cloud.fail('connect', redirect);
      await assert.rejects(startTestNode({ cloud }), /307, a redirect to http:\/\/127[^]*CODA_WEBAPP_URL/);
      cloud.fail('heartbeat', redirect);
      cloud.fail('webhook', redirect);
      const test = await startTestNode({ cloud });
      try {
        await cloud.submit({ ir });
        await waitUntil('setting the result aside', () =>
          test.log.some((line) => /answered 307, a redirect/.test(line)),
        );
        await waitUntil('the refused heartbeat', () => cloud.heartbeats.some(({ answer }) => answer === 307));
      } finally {
        await test.stop();
      }
      elsewhere.close();
      assert.equal(visits, 0);
    });

    it('that are pages of a network are no yes: the result is sent again', async (t) => {
      const network = await serve(t, (response, _, number) => {
        if (number > 1) return json(response, 200, {});
        response.writeHead(200, { 'content-type': 'text/html' }).end('Please log in');
      });
      const test = await startTestNode({ cloud });
      try {
        await cloud.submit({ ir, raw: { callback_url: `${network.url}/hook` } });
        await waitUntil('the second post', () => network.received.length > 1);
        const [first, second] = network.received;
        assert.equal(second?.body, first?.body);
        assert.ok(test.log.some((line) => line.includes('answered 200 with a web page')));
      } finally {
        await test.stop();
      }
    });

    it('that are longer than a megabyte are not read to their end, and the result is sent again', async () => {
      const test = await startTestNode({ cloud });
      cloud.fail('webhook', { status: 200, body: 'x'.repeat(2 * 1024 * 1024), times: 1 });
      try {
        const jobId = await cloud.submit({ ir });
        assert.equal((await cloud.outcome(jobId)).status, 'completed');
        assert.equal(cloud.deliveries.filter(({ body }) => body?.job_id === jobId).length, 2);
      } finally {
        await test.stop();
      }
    });

    it('that drip for ever are cut off when the time for one attempt is up', async () => {
      const dripping = createServer((request, response) => {
        request.resume();
        response.writeHead(200, { 'content-type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      }).listen(0, '127.0.0.1');
      await once(dripping, 'listening');
      const url = `http://127.0.0.1:${(dripping.address() as AddressInfo).port}`;
      const env = { ...ONE_ATTEMPT, CODA_NODE_TIMEOUT_SEC: '0.3' };
      await assert.rejects(
        startTestNode({ cloud: { url, issueToken: () => 'some-token' }, env }),
        /no whole answer within 0\.3 s/,
      );
      dripping.closeAllConnections();
      dripping.close();
    });
  });
}
