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
import { hiddenValue, secretsOf } from '../../src/config/secrets.ts';
import { defaultSettings, settingOf } from '../../src/config/settings.ts';
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
  ['redis://a,', /name its host/],
  ['redis://a,/0', /name its host/],
  ['redis://a,b c', /redis:\/\//],
  ['redis://a:1,b:0', /port 0/],
  ['redis://u:p@a:1,u:p@b:2', /user and password once/],
  ['redis+sentinel://u:p@a,u:p@b/m', /user and password once/],
  ['redis+sentinel://a', /name of the primary/],
  ['redis+sentinel://a/0/1/2', /name of the primary/],
  ['redis+sentinel://a/my%20primary', /name of the primary/],
  ['redis+unix+sentinel://a/m', /redis:\/\//],
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
    const hosts = [{ host: 'redis.example', port: 7000 }];
    const user = { username: 'us:er', password: 'p@ss' };
    for (const [url, address] of [
      ['rediss://us%3Aer:p%40ss@redis.example:7000/12', { hosts, ...user, db: 12, tls: true }],
      ['redis://:pw@[::1]', { hosts: [{ host: '::1', port: 6379 }], password: 'pw', db: 0, tls: false }],
      ['redis://redis_1/', { hosts: [{ host: 'redis_1', port: 6379 }], db: 0, tls: false }],
      // Several servers, with a comma in the password.
      [
        'redis://:p,w@a,redis.example:7000,[::1]:1/2',
        {
          hosts: [{ host: 'a', port: 6379 }, ...hosts, { host: '::1', port: 1 }],
          password: 'p,w',
          db: 2,
          tls: false,
        },
      ],
      [
        'rediss+sentinel://us%3Aer:p%40ss@a,redis.example:7000/my-primary/3',
        {
          hosts: [{ host: 'a', port: 26_379 }, ...hosts],
          sentinel: 'my-primary',
          ...user,
          db: 3,
          tls: true,
        },
      ],
    ] as const)
      assert.deepEqual(readRedisUrl(url), address);
  });

  it('with several servers has its password hidden wherever one with a single server has', () => {
    const redisUrl = 'redis://user:secret-word@a:1,b:2/0';
    const settings = { ...defaultSettings(), redisUrl };
    assert.ok(secretsOf(settings).includes('secret-word'));
    assert.equal(hiddenValue(settingOf('redisUrl'), redisUrl), 'redis://user:***@a:1,b:2/0');
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
      fc.constantFrom(
        'redis://',
        'rediss://',
        'redis+sentinel://',
        'h',
        ',',
        '/name',
        ':1',
        '/2',
        '?path=/x',
        '@',
        '#',
        '%',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const address = readRedisUrl(pieces.join(''));
        if (typeof address === 'string') return;
        const { hosts, sentinel = 'none', db, tls, username = '', password = '' } = address;
        for (const { host, port } of hosts) {
          assert.match(host, /^[\w.:-]+$/);
          assert.ok(Number.isInteger(port) && port > 0 && port < 65_536);
        }
        assert.match(sentinel, /^[\w.-]+$/);
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
