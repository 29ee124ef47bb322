// Of a URL of Redis only host, port, user, password, database and TLS are taken; the client would take any option from it.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/index.ts';
import { openRedis } from '../../src/net/redis.ts';
import { readRedisUrl } from '../../src/protocol/urls.ts';
import { startLocalCloud, startTestNode } from '../../src/testing/index.ts';
import { testRedis } from '../support/redis.ts';

const REFUSED: readonly (readonly [url: string, why: RegExp])[] = [
  ['redis://h:6379/0?path=/tmp/u.sock', /query/],
  ['rediss://h:6379?tls=', /query/],
  ['redis://h?', /query/],
  ['redis://h/0?family=6&db=3', /query/],
  ['redis://h/0#x', /fragment/],
  ['redis://h/abc', /number of a database/],
  ['redis://h/-1', /number of a database/],
  ['redis://h/0/1', /number of a database/],
  ['redis://h/1e3', /number of a database/],
  ['redis://h/999999', /number of a database/],
  ['redis://%2Ftmp%2Fu.sock/0', /host/],
  ['redis:///tmp/u.sock', /host/],
  ['redis:h', /host/],
  ['/tmp/u.sock', /redis:\/\//],
  ['unix:///tmp/u.sock', /redis:\/\//],
  ['redis+unix://h', /redis:\/\//],
  ['http://h', /redis:\/\//],
  ['redis://h:0', /port 0/],
  ['redis://u:%zz@h', /'%'/],
  ['redis://a,b', /host/],
  ['redis://h\n', /redis:\/\//],
  [`redis://${'a'.repeat(3_000)}`, /redis:\/\//],
];

describe('a URL of Redis', () => {
  const { server, redis } = lazy(testRedis());

  for (const [url, why] of REFUSED) {
    it(`is refused: ${JSON.stringify(url.slice(0, 60))}`, () => {
      const read = readRedisUrl(url);
      assert.match(typeof read === 'string' ? read : 'taken', why);
      assert.throws(() => openRedis({ url, name: 'test', env: {} }), ConfigError);
    });
  }

  it('is refused by a node to which the cloud sends it', async (t) => {
    const cloud = await startLocalCloud({ keyPair: generateKeyPairSync('rsa', { modulusLength: 2048 }) });
    t.after(() => cloud.close());
    for (const [url, why] of REFUSED) {
      cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url }));
      await assert.rejects(startTestNode({ cloud }), (thrown: unknown) => {
        assert.match(String(thrown), /bundle field 'redis_url' (must|has) /, url);
        assert.match(String(thrown), why);
        return true;
      });
    }
  });

  it('gives host, port, user, password, database and TLS', () => {
    assert.deepEqual(readRedisUrl('rediss://us%3Aer:p%40ss@redis.example:7000/12'), {
      host: 'redis.example',
      port: 7000,
      username: 'us:er',
      password: 'p@ss',
      db: 12,
      tls: true,
    });
    assert.deepEqual(readRedisUrl('redis://:pw@[::1]'), {
      host: '::1',
      port: 6379,
      password: 'pw',
      db: 0,
      tls: false,
    });
    assert.deepEqual(readRedisUrl('redis://redis_1/'), { host: 'redis_1', port: 6379, db: 0, tls: false });
  });

  it('leads to the database that it names', async () => {
    const other = openRedis({ url: `${server()}/3`, name: 'test', env: {} });
    await other.set('here', '1');
    assert.equal(await redis().exists('here'), 0);
    await redis().select(3);
    assert.equal(await redis().exists('here'), 1);
    await redis().select(0);
    other.disconnect();
  });

  it('is refused or gives nothing but what a connection needs, whatever it says', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('redis://', 'rediss://', 'h', ':1', '/2', '?path=/x', '@', '#', '%'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const address = readRedisUrl(pieces.join(''));
        if (typeof address === 'string') return;
        const { host, port, db, tls, username = '', password = '' } = address;
        assert.match(host, /^[\w.:-]+$/);
        assert.ok(Number.isInteger(port) && port > 0 && port < 65_536);
        assert.ok(Number.isInteger(db) && db >= 0);
        assert.equal(typeof tls, 'boolean');
        assert.equal(typeof (username + password), 'string');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never opens a Unix socket', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'coda-socket-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'u.sock');
    let connections = 0;
    const listener = createServer(() => (connections += 1)).listen(path);
    t.after(() => listener.close());
    await new Promise((resolve) => listener.once('listening', resolve));
    assert.ok(existsSync(path));
    assert.throws(
      () => openRedis({ url: `redis://127.0.0.1:1/0?path=${path}`, name: 'test', env: {} }),
      ConfigError,
    );
    assert.equal(connections, 0);
  });
});

function lazy(parts: ReturnType<typeof testRedis>) {
  return { server: () => parts.server.url, redis: () => parts.redis };
}
