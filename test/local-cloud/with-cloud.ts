// Clouds and nodes for one test each, on a Redis that the tests of a file share.
import { after, before } from 'node:test';
import {
  startLocalCloud,
  startRedisServer,
  type LocalCloud,
  type LocalCloudOptions,
  type RedisServer,
} from '../../src/testing/index.ts';
import { startTinyNode, type TinyNode, type TinyOptions } from './tiny-node.ts';

export const CONNECT = '/api/internal/qpu/connect';
export const HEARTBEAT = '/api/internal/qpu/heartbeat';
export const WEBHOOK = '/api/internal/qpu/webhook';
export const BEAT = { current_job: null, last_job_at: null, redis_healthy: true, connectivity: null };

export const failedBody = (jobId: string, error = 'no luck') => ({ job_id: jobId, status: 'failed', error });

export let redisServer: RedisServer;
before(async () => {
  redisServer = await startRedisServer();
});
after(() => redisServer.stop());

export async function withCloud(
  use: (cloud: LocalCloud) => Promise<void>,
  options: LocalCloudOptions = {},
): Promise<void> {
  const cloud = await startLocalCloud({ redisUrl: redisServer.url, ...options });
  try {
    await use(cloud);
  } finally {
    await cloud.close();
  }
}

export async function withNode(
  use: (cloud: LocalCloud, node: TinyNode) => Promise<void>,
  options: Partial<TinyOptions> = {},
): Promise<void> {
  await withCloud(async (cloud) => {
    const node = await startTinyNode({ url: cloud.url, token: cloud.issueToken(), ...options });
    try {
      await use(cloud, node);
    } finally {
      await node.close();
    }
  });
}
