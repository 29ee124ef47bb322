// Where results go, and with them the node's JWT and the operator's headers: the callback comes with each job, and so
// with anybody who can write to the stream.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { webhook } from '../../plugins/webhook/index.ts';
import { createHttpClient, TransportError } from '../../src/net/http.ts';
import { ForbiddenTargetError, Targets } from '../../src/net/targets.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { standIn, testSession } from '../support/harness.ts';
import { json, serve, type TestServer } from '../support/http-server.ts';
import { bell, waitUntil } from '../../src/testing/index.ts';

const ok = (t: TestContext): Promise<TestServer> => serve(t, (response) => json(response, 200, {}));
const outcome = { state: 'failed', error: 'no' } as const;

describe('the headers of the operator', () => {
  it('go to the cloud, and to no callback elsewhere', async (t) => {
    const [own, other] = [await ok(t), await ok(t)];
    const node = standIn(t, webhook(), {
      settings: { nodeConnectHeaders: { 'X-Gate': 'secret-of-the-gateway' } },
      session: await testSession({ webappUrl: own.url }),
    });
    for (const { url } of [own, other]) {
      const saved = { jobId: 'j', entryId: '1-1', callbackUrl: `${url}/hook`, outcome };
      assert.equal((await node.hooks.deliver.promise(saved as never, 1))?.kind, 'delivered');
    }
    assert.equal(own.received[0]?.headers['x-gate'], 'secret-of-the-gateway');
    assert.equal(other.received[0]?.headers['x-gate'], undefined);
    assert.deepEqual(node.readiness().toJSON()['callback_origins'], [own.url, other.url]);
  });
});

describe('a request', () => {
  const forbidden = (thrown: unknown): boolean =>
    thrown instanceof TransportError && thrown.cause instanceof ForbiddenTargetError;

  for (const url of [
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://100.100.100.200/',
    'http://2852039166/',
    'http://metadata.google.internal/',
    'http://metadata/',
  ]) {
    it(`never goes to ${url}, by a proxy neither`, async (t) => {
      const proxy = await ok(t);
      for (const env of [{}, { HTTP_PROXY: proxy.url }]) {
        const http = createHttpClient({ env, targets: new Targets() });
        await assert.rejects(http.request({ method: 'GET', url, timeoutMs: 5_000 }), forbidden);
        await http.close();
      }
      assert.equal(proxy.received.length, 0);
    });
  }

  it('is judged by the address that its name leads to', async () => {
    const to = new URL('http://innocent.example/');
    const targets = new Targets();
    const at = (remoteAddress: string) => targets.faultOf(to, { remoteAddress, remotePort: 80 });
    assert.match(String(await at('169.254.169.254')), /link-local/);
    assert.match(String(await at('::ffff:169.254.169.254')), /link-local/);
    assert.match(String(await at('fe80::1%eth0')), /link-local/);
    assert.equal(await at('127.0.0.1'), undefined);
    assert.equal(await at('203.0.113.7'), undefined);
    const trusting = new Targets(['http://innocent.example']);
    assert.equal(await trusting.faultOf(to, { remoteAddress: '169.254.1.1', remotePort: 80 }), undefined);
  });

  it('never reaches Redis, by whatever name', async (t) => {
    const received: string[] = [];
    const redis = createServer((socket) => socket.on('data', (data) => received.push(data.toString())));
    redis.listen(0, '127.0.0.1');
    await new Promise((resolve) => redis.once('listening', resolve));
    t.after(() => redis.close());
    const { port } = redis.address() as AddressInfo;
    const targets = new Targets();
    targets.redis = { places: [{ host: '127.0.0.1', port }] };
    const http = createHttpClient({ env: {}, targets });
    for (const host of ['127.0.0.1', 'localhost'])
      await assert.rejects(
        http.request({ method: 'POST', url: `http://${host}:${port}/`, body: 'x', timeoutMs: 5_000 }),
        forbidden,
      );
    await http.close();
    assert.deepEqual(received, []);
  });
});

describe('a node with jobs of a stranger', () => {
  it('sets aside what would go to the metadata service or to Redis; doctor shows the origins and the line to set', async (t) => {
    const other = await ok(t);
    const node = bench.spawn(['start', '--token', cloud.issueToken()], {
      CODA_WEBAPP_URL: cloud.url,
      CODA_NODE_CONNECT_HEADERS: '{"X-Gate":"secret-of-the-gateway"}',
    });
    await node.says('serving QPU');
    const { ir } = bell('cz');
    const redis = new URL(cloud.redisUrl);
    for (const callback of ['http://169.254.169.254/x', `http://${redis.host}/x`, `${other.url}/x`])
      await cloud.submit({ ir, shots: 1, raw: { callback_url: callback } });
    const own = await cloud.submit({ ir, shots: 1 });
    await node.says('169.254.169.254 is a link-local address');
    await node.says('is where Redis listens');
    await waitUntil('the other one', () => other.received.length > 0);
    assert.equal(other.received[0]?.headers['x-gate'], undefined);
    await cloud.outcome(own);
    const delivered = cloud.deliveries.find(({ body }) => body?.job_id === own);
    assert.equal(delivered?.headers['x-gate'], 'secret-of-the-gateway');
    const doctor = await bench.run(['doctor']);
    assert.match(doctor.output, /CODA_WEBHOOK_ALLOWED_ORIGINS='\[.*127\.0\.0\.1/);
    node.child.kill('SIGTERM');
    await node.ended;
  });

  it('says loudly that the cloud moves it to another origin', async (t) => {
    t.after(() => cloud.overrideBundle(undefined));
    const moved = cloud.url.replace('127.0.0.1', 'localhost');
    cloud.overrideBundle((bundle) => ({ ...bundle, webapp_url: moved }));
    const node = bench.spawn(['start', '--token', cloud.issueToken()], { CODA_WEBAPP_URL: cloud.url });
    await node.says(`WARN  connect: the cloud at ${cloud.url} moves this node to ${moved}`);
    await node.says('serving QPU');
    node.child.kill('SIGTERM');
    await node.ended;
  });
});
