// One real Redis for a test file, and connections as the node opens them.
import { after, before, beforeEach } from 'node:test';
import type { Redis } from 'ioredis';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { startRedisServer, type RedisServer } from '../../src/local-cloud/redis-server.ts';

export interface TestRedis {
  readonly server: RedisServer;
  /** For the test itself. */
  readonly redis: Redis;
  /** As the job pipeline opens it. */
  connect(): Redis;
}

/** Emptied before each test. */
export function testRedis(): TestRedis {
  let server: RedisServer | undefined;
  const open: Redis[] = [];
  const connect = (maxRetriesPerRequest: number | null): Redis => {
    const redis = openRedis({
      url: server?.url ?? '',
      name: 'test',
      env: {},
      options: { maxRetriesPerRequest },
    });
    redis.on('error', () => {});
    open.push(redis);
    return redis;
  };
  let own: Redis | undefined;
  before(async () => {
    server = await startRedisServer();
    own = connect(null);
  });
  beforeEach(async () => {
    await own?.flushall();
  });
  after(async () => {
    for (const redis of open) closeRedis(redis);
    await server?.stop();
  });
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('Redis is there only within tests');
    return value;
  };
  return {
    get server() {
      return started(server);
    },
    get redis() {
      return started(own);
    },
    connect: () => connect(0),
  };
}
