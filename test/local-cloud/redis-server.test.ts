// The redis-server that tests and `coda dev` start: reachable only with its password, and ended in time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { ConfigError } from '../../src/errors.ts';
import { startRedisServer, waitUntil, type RedisServer } from '../../src/testing/index.ts';

async function withClient<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A killed child whose parent has ended may remain a zombie if no init process reaps it.
    return !(existsSync(`/proc/${pid}/stat`) && /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  } catch {
    return false;
  }
}

const directory = ({ url }: Pick<RedisServer, 'url'>): Promise<string> =>
  withClient(url, async (redis) => String((await redis.config('GET', 'dir'))[1]));

test('answers to its password only, in a private folder that goes with it', async () => {
  const server = await startRedisServer();
  assert.equal(await withClient(server.url, (redis) => redis.ping()), 'PONG');
  await assert.rejects(
    withClient(`redis://127.0.0.1:${server.port}`, (redis) => redis.get('x')),
    /NOAUTH/,
  );
  const folder = await directory(server);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  await server.stop();
  await server.stop();
  assert.equal(server.pid, undefined);
  assert.equal(existsSync(folder), false);
});

test('keeps its password out of the command line', { skip: process.platform !== 'linux' }, async () => {
  const server = await startRedisServer();
  try {
    const password = new URL(server.url).password;
    assert.ok(password.length >= 32);
    assert.ok(!readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').includes(password));
  } finally {
    await server.stop();
  }
});

test('restarts empty under the same URL, after a kill as well', async () => {
  const server = await startRedisServer();
  try {
    const { url, pid } = server;
    await withClient(url, (redis) => redis.set('a', '1'));
    await server.kill();
    assert.equal(server.pid, undefined);
    await assert.rejects(withClient(url, (redis) => redis.ping()));
    await server.restart();
    assert.notEqual(server.pid, pid);
    assert.equal(server.url, url);
    assert.equal(await withClient(url, (redis) => redis.get('a')), null);
    await withClient(url, (redis) => redis.set('a', '2'));
    await server.restart();
    assert.equal(await withClient(url, (redis) => redis.get('a')), null);
  } finally {
    await server.stop();
  }
});

test('takes further options, and then keeps its data in the folder it was given', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'coda test "redis" '));
  const server = await startRedisServer({ dir, args: ['--appendonly', 'yes'] });
  try {
    await withClient(server.url, (redis) => redis.set('a', '1'));
    await server.restart();
    assert.equal(await withClient(server.url, (redis) => redis.get('a')), '1');
  } finally {
    await server.stop();
  }
  assert.ok(existsSync(dir));
  await rm(dir, { recursive: true });
});

test('a frozen server continues after SIGCONT, and can be stopped', async () => {
  const server = await startRedisServer();
  const { pid } = server;
  assert.ok(pid !== undefined);
  await server.kill('SIGSTOP');
  await server.kill('SIGCONT');
  assert.equal(await withClient(server.url, (redis) => redis.ping()), 'PONG');
  await server.kill('SIGSTOP');
  await server.stop();
  assert.equal(isAlive(pid), false);
});

test('many at once find a port each', async () => {
  const servers = await Promise.all(Array.from({ length: 8 }, () => startRedisServer()));
  try {
    assert.equal(new Set(servers.map(({ port }) => port)).size, servers.length);
    for (const { url } of servers) assert.equal(await withClient(url, (redis) => redis.ping()), 'PONG');
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

test('says what is wrong: no binary, a port in use, a bad option', async () => {
  await assert.rejects(startRedisServer({ binary: 'no-redis-server-here' }), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /no-redis-server-here cannot be started/);
    assert.match(error.remedy ?? '', /apt-get install redis-server.*--redis-url/);
    return true;
  });
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const address = occupant.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(startRedisServer({ port: address.port }), {
    name: /ConfigError|PortTakenError/,
    message: new RegExp(`port ${address.port} is in use`),
  });
  occupant.close();
  await assert.rejects(startRedisServer({ args: ['--no-such-option', 'x'] }), /ended at once/);
});

test('ends with the process that started it, even if that is killed', async () => {
  const module = new URL('../../src/local-cloud/redis-server.js', import.meta.url).href;
  const script = `
    const { startRedisServer } = await import(${JSON.stringify(module)});
    const server = await startRedisServer();
    process.stdin.once('data', () => process.exit(0));
    console.log(server.pid, server.url);
  `;
  for (const way of ['exit', 'kill']) {
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const [pid, url = ''] = String(line).trim().split(' ');
    const folder = await directory({ url });
    assert.ok(existsSync(folder));
    const ended = once(parent, 'exit');
    if (way === 'kill') parent.kill('SIGKILL');
    else parent.stdin.write('now');
    await ended;
    await waitUntil(`the end of redis-server after ${way}`, () => !isAlive(Number(pid)));
    await waitUntil(`the end of its folder after ${way}`, () => !existsSync(folder));
  }
});
