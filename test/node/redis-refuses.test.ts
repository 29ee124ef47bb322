// A Redis that refuses this node: the node says so in the server's own words, waits, and recovers by itself.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startRedisServer,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';

describe('a Redis that refuses the node', () => {
  let cloud: LocalCloud;
  let admin: Redis;
  before(async () => {
    cloud = await startLocalCloud();
    admin = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
  });
  after(async () => {
    admin.disconnect();
    await cloud.close();
  });

  function withPassword(password: string): void {
    const url = new URL(cloud.redisUrl);
    url.password = password;
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url.href }));
  }

  async function saysWhy(test: TestNode, why: RegExp): Promise<void> {
    await waitUntil(`a reason like ${why}`, () =>
      test.node.readiness().reasons.some((reason) => why.test(reason)),
    );
    assert.equal(test.node.readiness().redisHealthy, false);
    assert.equal(
      test.log.some((line) => line.includes('planted')),
      false,
    );
  }

  async function runsAJob(): Promise<void> {
    assert.equal((await cloud.outcome(await cloud.submit({ ir: bell('cz').ir }))).status, 'completed');
  }

  for (const [what, password, why] of [
    ['for its password', 'planted-wrong', /WRONGPASS/],
    ['for having none', '', /NOAUTH/],
  ] as const) {
    it(`${what} is named in /ready, and the node works once the server accepts it`, async () => {
      withPassword(password);
      const test = await startTestNode({ cloud });
      try {
        await saysWhy(test, why);
        await admin.call('ACL', 'SETUSER', 'default', password === '' ? 'nopass' : `>${password}`);
        await runsAJob();
        await waitUntil('being ready', () => test.node.readiness().ready);
      } finally {
        await test.stop();
      }
      const { password: original } = new URL(cloud.redisUrl);
      await admin.call('ACL', 'SETUSER', 'default', 'resetpass', `>${original}`);
    });
  }

  it('for having no right to read the stream is named in /ready, and so is its end', async () => {
    await admin.call('ACL', 'SETUSER', 'lab', 'on', '>planted-lab', '~*', '&*', '+@all', '-xreadgroup');
    const url = new URL(cloud.redisUrl);
    [url.username, url.password] = ['lab', 'planted-lab'];
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: url.href }));
    const test = await startTestNode({ cloud });
    try {
      await waitUntil('the reason', () =>
        test.node.readiness().reasons.some((reason) => /NOPERM/.test(reason)),
      );
      await admin.call('ACL', 'SETUSER', 'lab', '+xreadgroup');
      await runsAJob();
      await waitUntil('being ready', () => test.node.readiness().ready);
    } finally {
      await test.stop();
    }
  });

  it('by not being there at the start is named in /ready, and the node can be stopped meanwhile', async () => {
    const server = await startRedisServer();
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: server.url }));
    await server.stop();
    const test = await startTestNode({ cloud });
    await saysWhy(test, /ECONNREFUSED/);
    await test.stop();
  });
});
