// Names with several addresses: those that cannot be reached, and those that are slow.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { createHttpClient, TransportError } from '../../src/net/http.ts';
import { redisTrouble } from '../../src/net/redis-trouble.ts';
import { openRedis } from '../../src/net/redis.ts';
import { json, serve } from '../support/http-server.ts';
import { startRedisServer } from '../../src/local-cloud/redis-server.ts';
import { noSlowAddress, slowAddress, type SlowAddress } from '../support/slow-address.ts';

const NAME = 'cloud.invalid';

/** The name has these addresses, in this order. */
function resolves(t: TestContext, addresses: readonly string[]): void {
  const all = addresses.map((address) => ({ address, family: 4 }));
  t.mock.method(dns, 'lookup', (_: string, __: unknown, callback: (...found: unknown[]) => void) => {
    process.nextTick(callback, null, all);
  });
}

/** A slow address that leads to this port, and after it one where nobody ever answers. */
async function slowAndDead(t: TestContext, to: number): Promise<SlowAddress> {
  const slow = await slowAddress('127.0.0.2', to);
  t.after(() => slow.close());
  const dead = await slowAddress('127.0.0.3', to, slow.port);
  t.after(() => dead.close());
  resolves(t, ['127.0.0.2', '127.0.0.3']);
  return slow;
}

const portOf = (url: string): number => Number(new URL(url).port);

describe('of a name with several addresses', { skip: noSlowAddress }, () => {
  it('a slow one connects, also if another one is dead', async (t) => {
    const { url } = await serve(t, (response) => json(response, 200, { here: true }));
    const slow = await slowAndDead(t, portOf(url));
    const http = createHttpClient({ env: {} });
    t.after(() => http.close());
    const answer = http.request({ method: 'GET', url: `http://${NAME}:${slow.port}/`, timeoutMs: 20_000 });
    await slow.isWaitedFor();
    slow.release();
    assert.equal((await answer).status, 200);
  });

  it('a slow one connects to Redis too', async (t) => {
    const server = await startRedisServer();
    t.after(() => server.stop());
    const slow = await slowAndDead(t, portOf(server.url));
    const url = new URL(server.url);
    url.hostname = NAME;
    url.port = String(slow.port);
    const redis = openRedis({ url: url.href, name: 'slow', env: {}, options: { retryStrategy: () => null } });
    const errors: unknown[] = [];
    redis.on('error', (error) => errors.push(error));
    t.after(() => redis.disconnect());
    const answer = redis.ping();
    await slow.isWaitedFor();
    slow.release();
    assert.equal(await answer, 'PONG', String(errors));
  });

  it('who waits for one is let go when the network has changed', async (t) => {
    const { url } = await serve(t, (response) => json(response, 200, {}));
    const slow = await slowAndDead(t, portOf(url));
    const http = createHttpClient({ env: {} });
    t.after(() => http.close());
    const answer = http.request({ method: 'GET', url: `http://${NAME}:${slow.port}/`, timeoutMs: 20_000 });
    await slow.isWaitedFor();
    http.renew();
    await assert.rejects(answer, (thrown: unknown) => {
      assert.ok(thrown instanceof TransportError && !thrown.sent);
      assert.equal(thrown.message, 'the network has changed meanwhile');
      return true;
    });
  });

  it('each is named if none can be reached', async (t) => {
    resolves(t, ['127.0.0.2', '127.0.0.3']);
    const http = createHttpClient({ env: {} });
    t.after(() => http.close());
    await assert.rejects(
      http.request({ method: 'GET', url: `http://${NAME}:1/`, timeoutMs: 20_000 }),
      (thrown: unknown) => {
        assert.ok(thrown instanceof TransportError);
        assert.equal(thrown.message, 'connect ECONNREFUSED 127.0.0.2:1; connect ECONNREFUSED 127.0.0.3:1');
        return true;
      },
    );
  });

  it('each is named for Redis too', async (t) => {
    resolves(t, ['127.0.0.2', '127.0.0.3']);
    const redis = openRedis({
      url: `redis://${NAME}:1`,
      name: 'nobody',
      env: {},
      options: { retryStrategy: () => null },
    });
    const [error] = await once(redis, 'error');
    const { text, remedy } = redisTrouble(error, redis);
    assert.equal(
      text,
      `Redis at ${NAME}:1 cannot be reached: the connection is refused (ECONNREFUSED); ` +
        'each of its addresses was tried: connect ECONNREFUSED 127.0.0.2:1; connect ECONNREFUSED 127.0.0.3:1',
    );
    assert.match(remedy, /network on the way/);
  });
});
