// What is said of Redis before it has had the time to answer, and once it cannot be reached.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Redis } from 'ioredis';
import { RedisHealth } from '../../src/queue/redis-health.ts';

it('a Redis that is only being connected to is in no trouble; one that refuses is, at once', async () => {
  // Nothing listens on port 1.
  const redis = new Redis({ host: '127.0.0.1', port: 1, lazyConnect: true, retryStrategy: () => null });
  const health = new RedisHealth(redis);
  try {
    assert.deepEqual([health.healthy, health.trouble?.text], [false, undefined]);
    await assert.rejects(redis.connect());
    assert.match(health.trouble?.text ?? '', /refused/);
  } finally {
    health.close();
    redis.disconnect();
  }
});
