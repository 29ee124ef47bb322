// The bare reference for cancels: on one RESP2 connection, Redis announces every cancel key, and the loop confirms it.
import { appendFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { now } from '../lab/clock.ts';
import { openRedis, ready } from './bare.ts';

const { BENCH_NOTES: path = '', BENCH_REDIS_URL: url = '' } = process.env;
const redis = openRedis();
const push = new Redis(url, { protocol: 2, enableReadyCheck: false, autoResubscribe: false });
const id = String(await push.client('ID'));
await push.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', 'qpu:job:cancelled:');
push.on('messageBuffer', (_channel: Buffer, keys: unknown) => {
  if (!Array.isArray(keys)) return;
  for (const key of keys) void redis.exists(String(key)).then(noted);
});
await push.subscribe('__redis__:invalidate');
ready();

function noted(exists: number): void {
  if (exists === 1) appendFileSync(path, `cancel - ${now()}\n`);
}
