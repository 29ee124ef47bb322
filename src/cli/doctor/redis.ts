// The job queue: whether Redis answers and fits, whether the stream and the group are there, and what this user may do.
import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.ts';
import { CANCEL_KEY_PREFIX, groupName, statusKey, streamKey } from '../../protocol/keys.ts';
import { openRedis } from '../../net/redis.ts';
import { failure, ok, soon, warning, type Check, type Finding } from './finding.ts';

const TIMEOUT_MS = 6_000;
/** XAUTOCLAIM, and XPENDING from an exclusive id on. */
const OLDEST = [6, 2] as const;
/** So many made-up jobs that even of two shards neither is missed. */
const PROBES = 64;
const check = 'redis';

export const checkRedis: Check = async ({ config, env }) => {
  const { redisUrl, qpuId } = config.settings;
  if (redisUrl === '')
    return [warning(check, 'its URL is not known yet', 'It comes with the first coda start.')];
  const { host } = new URL(redisUrl);
  const redis = openRedis({
    url: redisUrl,
    name: 'coda-node:doctor',
    env,
    options: {
      lazyConnect: true,
      retryStrategy: () => null,
      reconnectOnError: () => false,
      maxRetriesPerRequest: 0,
    },
  });
  let trouble: unknown;
  redis.on('error', (error) => (trouble = error));
  const findings: Finding[] = [];
  try {
    await soon(redis.connect(), TIMEOUT_MS, 'Redis');
    const startedAt = performance.now();
    await soon(redis.ping(), TIMEOUT_MS, 'PING');
    findings.push(ok(check, `${host} answers in ${(performance.now() - startedAt).toFixed(1)} ms`));
  } catch (thrown) {
    redis.disconnect();
    // What ioredis throws says only that the connection is closed.
    const text = messageOf(trouble ?? thrown);
    const remedy = /WRONGPASS|NOAUTH|NOPERM/.test(text)
      ? 'The password may have changed: start the node anew (coda start), or reset it and use a new token.'
      : 'Check the network and the VPN. The node itself waits for Redis and goes on by itself.';
    return [failure(check, `${host} cannot be used: ${text}`, remedy)];
  }
  findings.push(...(await fitness(redis)));
  const partial = await servesOnlyPart(redis, qpuId);
  if (partial !== undefined) {
    redis.disconnect();
    return [...findings, partial];
  }
  const ask = async (
    good: string,
    work: () => Promise<unknown>,
    bad: (text: string) => Finding,
  ): Promise<void> => {
    try {
      await soon(work(), TIMEOUT_MS, 'Redis');
      findings.push(ok(check, good));
    } catch (thrown) {
      findings.push(bad(messageOf(thrown)));
    }
  };
  const [stream, group] = [streamKey(qpuId), groupName(qpuId)];
  if (qpuId !== '') {
    await ask(
      `stream ${stream} and its group are there`,
      async () => {
        const groups = JSON.stringify(await redis.call('XINFO', 'GROUPS', stream));
        if (!groups.includes(JSON.stringify(group))) throw new Error(`no such group ${group}`);
      },
      (text) =>
        /no such/.test(text)
          ? warning(check, `${stream}: ${text}`, 'The node makes both at its start.')
          : failure(
              check,
              `${stream} cannot be looked at: ${text}`,
              'Ask for the rights of a node on this Redis.',
            ),
    );
  }
  await ask(
    'it tells cancels by push',
    async () => {
      const id = String(await redis.client('ID'));
      await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', CANCEL_KEY_PREFIX);
    },
    (text) =>
      warning(
        check,
        `cancels are polled for: ${text}`,
        'It works, but later: allow CLIENT TRACKING for this user.',
      ),
  );
  redis.disconnect();
  return findings;
};

/** What the server says of itself; nothing where this user may not ask. */
async function fitness(redis: Redis): Promise<Finding[]> {
  const info = await soon(redis.info(), TIMEOUT_MS, 'INFO').catch(() => '');
  const said = (name: string): string => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
  const findings: Finding[] = [];
  const version = said('redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (version !== '' && (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))) {
    findings.push(
      failure(check, `the server has version ${version}`, `It takes Redis ${OLDEST.join('.')} or newer.`),
    );
  }
  if (said('role') === 'slave') {
    findings.push(
      failure(
        check,
        'the server is a replica, which takes no writes',
        'Wait for a failover under way to end; else have the URL lead to the primary.',
      ),
    );
  }
  const policy = said('maxmemory_policy');
  if (policy !== '' && policy !== 'noeviction' && said('maxmemory') !== '0') {
    findings.push(
      warning(
        check,
        `the server may throw jobs away when its memory is full (maxmemory-policy ${policy})`,
        'Set maxmemory-policy to noeviction.',
      ),
    );
  }
  return findings;
}

/** The finding that a server has not all of the node's keys, as in a cluster of several shards. */
async function servesOnlyPart(redis: Redis, qpuId: string): Promise<Finding | undefined> {
  const probes = Array.from({ length: PROBES }, (_, i) => statusKey(`doctor-${i}`));
  const pipeline = redis.pipeline([streamKey(qpuId), ...probes].map((key) => ['exists', key]));
  const replies = await soon(pipeline.exec(), TIMEOUT_MS, 'EXISTS').catch(() => null);
  const moved = replies?.find(([error]) => error?.message.startsWith('MOVED'))?.[0];
  if (!moved) return undefined;
  return failure(
    check,
    `the server has only a part of the keys (${moved.message})`,
    'The node talks to one server: have the URL lead to the primary of a cluster with one shard, or to a proxy that hides the shards (docs/scaling.md).',
  );
}
