// A real Redis that answers everything with LOADING for a minute: it reads data made for that, slowly.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedisServer, waitUntil } from '../../../src/testing/index.ts';
import { PASSWORD, USER, type Night } from './night.ts';

const KEYS = 2_000;
/** Microseconds for each key. */
const DELAY = 30_000;

/** Its port. It ends with the night. */
export async function loadingRedis({ world }: Night): Promise<number> {
  const dir = join(world.folder, 'loading');
  mkdirSync(dir);
  await writeData(dir);
  const port = await freePort();
  const configuration = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${dir}`,
    `user ${USER} on >${PASSWORD} ~* &* +@all`,
    'save ""',
    `key-load-delay ${DELAY}`,
    'loading-process-events-interval-bytes 1024',
  ].join('\n');
  writeFileSync(join(dir, 'redis.conf'), configuration, { mode: 0o600 });
  const child = spawn('redis-server', [join(dir, 'redis.conf')], { stdio: 'ignore' });
  world.onClose(() => void child.kill('SIGKILL'));
  const redis = new Redis(port, '127.0.0.1', {
    username: USER,
    password: PASSWORD,
    enableReadyCheck: false,
  });
  let said = '';
  redis.on('error', () => {});
  await waitUntil('Redis that loads', async () => {
    said = (await redis.get('key').catch((thrown: unknown) => String(thrown))) ?? '';
    return said.includes('LOADING');
  });
  redis.disconnect();
  return port;
}

async function writeData(dir: string): Promise<void> {
  const server = await startRedisServer({ dir });
  const redis = new Redis(server.url);
  const value = 'x'.repeat(256);
  await redis.mset(Object.fromEntries(Array.from({ length: KEYS }, (_, i) => [`key:${i}`, value])));
  await redis.save();
  redis.disconnect();
  await server.stop();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
