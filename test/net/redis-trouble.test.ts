// The catalogue of what is wrong with Redis, held against real servers that really refuse, and real connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Redis } from 'ioredis';
import { ConnectionTrouble } from '../../src/net/connection-trouble.ts';
import { lookIntoTrouble, redisTrouble } from '../../src/net/redis-trouble.ts';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { refusedCommands } from '../../src/queue/rights.ts';
import { startRedisServer, waitUntil, type RedisServer } from '../../src/testing/index.ts';
import { SERVER } from '../support/certificates.ts';

const KEY = 'qpu:q1:jobs';
const PASSWORD = 'planted-password';

let server: RedisServer;
let admin: Redis;
before(async () => {
  server = await startRedisServer();
  admin = openRedis({ url: server.url, name: 'test', env: {} });
});
after(async () => {
  closeRedis(admin);
  await server.stop();
});

function connect(t: TestContext, url: string): Redis {
  const redis = openRedis({ url, name: 'test', env: {}, options: { maxRetriesPerRequest: 0 } });
  redis.on('error', () => {});
  t.after(() => closeRedis(redis));
  return redis;
}

/** As a user with these rights. */
async function as(t: TestContext, ...rules: string[]): Promise<Redis> {
  await admin.call('ACL', 'SETUSER', 'lab', 'reset', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', ...rules);
  const url = new URL(server.url);
  [url.username, url.password] = ['lab', PASSWORD];
  return connect(t, url.href);
}

/** What is said of the connection, once something is that fits. */
async function saidOf(t: TestContext, url: string, text: RegExp, remedy: RegExp): Promise<void> {
  const redis = connect(t, url);
  const connection = new ConnectionTrouble(redis);
  await waitUntil(String(text), async () => {
    await connection.look();
    return text.test(connection.trouble?.text ?? '');
  });
  assert.match(connection.trouble?.remedy ?? '', remedy);
  assert.equal(JSON.stringify(connection.trouble).includes('planted'), false);
}

describe('a connection that does not come about', () => {
  const withPassword = (password: string): string => {
    const url = new URL(server.url);
    url.password = password;
    return url.href;
  };

  it('names a wrong password, and one that is missing', async (t) => {
    await saidOf(
      t,
      withPassword('planted-wrong'),
      /refuses the password of the user 'default' \(WRONGPASS\)/,
      /restart/,
    );
    await saidOf(t, withPassword(''), /asks for a password.*NOAUTH/, /CODA_REDIS_URL/);
  });

  it('names the address where nobody listens, and the name that is not known', async (t) => {
    await saidOf(
      t,
      'redis://127.0.0.1:1',
      /^Redis at 127\.0\.0\.1:1 cannot be reached.*ECONNREFUSED/,
      /by itself/,
    );
    await saidOf(
      t,
      'redis://no-such-host.invalid:6379',
      /no-such-host\.invalid:6379.*name cannot be resolved/,
      /DNS/,
    );
  });

  it('names TLS that is spoken to a plain port', async (t) => {
    await saidOf(t, server.url.replace('redis:', 'rediss:'), /speaks no TLS.*rediss:/, /redis:\/\//);
  });

  it('names TLS that is not spoken, and certificates that are not trusted', async (t) => {
    const secure = createTlsServer(SERVER).listen(0, '127.0.0.1');
    secure.on('tlsClientError', () => {});
    await once(secure, 'listening');
    t.after(() => secure.close());
    const { port } = secure.address() as AddressInfo;
    await saidOf(t, `redis://127.0.0.1:${port}`, /speaks TLS, but its URL begins with redis:/, /rediss:\/\//);
    await saidOf(
      t,
      `rediss://127.0.0.1:${port}`,
      /certificate of Redis at .*does not know/,
      /NODE_EXTRA_CA_CERTS/,
    );
  });

  it('names silence', async (t) => {
    const mute = createServer(() => {}).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    t.after(() => mute.close());
    const { port } = mute.address() as AddressInfo;
    await saidOf(t, `redis://127.0.0.1:${port}`, /does not answer/, /VPN, firewall/);
  });

  it('names the limit of connections', async (t) => {
    await admin.config('SET', 'maxclients', '1');
    try {
      await saidOf(t, server.url, /maximum number of clients/, /maxclients/);
    } finally {
      await admin.config('SET', 'maxclients', '1000');
    }
  });

  it('names a database that is not there, or that the user may not select; no other one is used instead', async (t) => {
    await as(t, '-select');
    const withDatabase = (url: string, number: number): string => `${url}/${number}`;
    const lab = server.url.replace('redis://:', 'redis://lab:').replace(/:[^:@]+@/, `:${PASSWORD}@`);
    for (const [url, text, remedy] of [
      [withDatabase(server.url, 99), /database .*URL \(ERR DB index is out of range\)/, /number/],
      [withDatabase(lab, 1), /no right to use SELECT/, /\+select/],
    ] as const) {
      await saidOf(t, url, text, remedy);
      await assert.rejects(connect(t, url).set('qpu:job:elsewhere:status', 'executing'));
    }
    assert.equal(await admin.exists('qpu:job:elsewhere:status'), 0);
  });

  it('names a Redis that is asked as a Sentinel', async (t) => {
    const url = server.url.replace('redis:', 'redis+sentinel:');
    await saidOf(t, `${url}/coda`, /^no Sentinel says .*unknown command/, /begins with redis:\/\//);
  });

  it('names too many open files', () => {
    const error = Object.assign(new Error('connect EMFILE 127.0.0.1:6379'), { code: 'EMFILE' });
    const { text, remedy } = redisTrouble(error, admin);
    assert.match(text, /too many open files \(EMFILE\)/);
    assert.match(remedy, /ulimit -n/);
  });
});

describe('a command that is refused', () => {
  const VITAL = ['xreadgroup', 'xack', 'xpending', 'xclaim', 'xautoclaim', 'xrange'];
  for (const command of [...VITAL, 'hset', 'hget', 'hmget', 'exists', 'ping', 'xgroup|create']) {
    it(`for want of the right to ${command} is named with the line that gives it`, async (t) => {
      const redis = await as(t, `-${command}`);
      const refused = await refusedCommands(redis, 'q1');
      assert.equal(refused.length, 1, JSON.stringify(refused));
      assert.match(
        refused[0]?.text ?? '',
        new RegExp(`the user 'lab' .* no right .*${command.replace('|', '\\|')}`),
      );
      assert.ok(refused[0]?.remedy.includes(`ACL SETUSER lab +${command} `), refused[0]?.remedy);
    });
  }

  for (const command of ['set', 'strlen', 'get', 'del']) {
    it(`for want of the right to ${command} is named if outcomes have copies`, async (t) => {
      const redis = await as(t, `-${command}`);
      assert.deepEqual(await refusedCommands(redis, 'q1'), []);
      const [refused, ...others] = await refusedCommands(redis, 'q1', true);
      assert.ok(refused?.remedy.includes(`ACL SETUSER lab +${command} `), refused?.remedy);
      assert.deepEqual(others, []);
      assert.deepEqual(await admin.keys('*outcome'), []);
    });
  }

  it('for want of a key is named with the pattern', async (t) => {
    const refused = await refusedCommands(await as(t, 'resetkeys', `~${KEY}`), 'q1', true);
    assert.ok(refused.length > 0);
    for (const { remedy } of refused) assert.ok(remedy.includes('ACL SETUSER lab ~qpu:job:*'), remedy);
  });

  it('is none for a user with all rights, and trying them changes nothing', async (t) => {
    const redis = await as(t);
    await admin.flushall();
    assert.deepEqual(await refusedCommands(redis, 'q1'), []);
    assert.deepEqual(await admin.keys('*'), []);
    await admin.call('XGROUP', 'CREATE', KEY, 'qpu:q1:workers', '0', 'MKSTREAM');
    assert.deepEqual(await refusedCommands(redis, 'q1'), []);
    const info = JSON.stringify(await admin.call('XINFO', 'STREAM', KEY, 'FULL'));
    assert.equal(info.includes('coda-doctor'), false);
    assert.deepEqual(await admin.keys('*'), [KEY]);
  });

  it('names the key of another type, and which type it is', async () => {
    await admin.flushall();
    await admin.set(KEY, 'a note');
    const thrown: unknown = await admin.xlen(KEY).catch((error: unknown) => error);
    const { text, remedy } = await lookIntoTrouble(thrown, admin);
    assert.equal(text, `the key ${KEY} is a string, not a stream (WRONGTYPE)`);
    assert.match(remedy, /RENAME qpu:q1:jobs/);
    await admin.flushall();
  });

  it('names memory that is full, and a replica', async (t) => {
    const redis = await as(t);
    await redis.ping();
    await admin.config('SET', 'maxmemory', '1');
    const [full] = await refusedCommands(redis, 'q1');
    await admin.config('SET', 'maxmemory', '0');
    assert.match(full?.text ?? '', /out of memory.*OOM, maxmemory/);
    await admin.call('REPLICAOF', '127.0.0.1', '1');
    const [replica] = await refusedCommands(redis, 'q1');
    await admin.call('REPLICAOF', 'NO', 'ONE');
    assert.match(replica?.text ?? '', /is a replica.*READONLY/);
  });
});
