// The job queue: does Redis answer, is it suitable, do the stream and the group exist, and may this user use them?
import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.ts';
import { CANCEL_KEY_PREFIX, groupName, statusKey, streamKey } from '../../protocol/keys.ts';
import { openRedis } from '../../net/redis.ts';
import { failure, ok, answerWithin, warning, type Check, type Finding } from './finding.ts';

const TIMEOUT_MS = 6_000;
/** It brought XAUTOCLAIM, and XPENDING with an exclusive start. */
const OLDEST = [6, 2] as const;
/** So many keys of made-up jobs that each of two shards gets some. */
const PROBES = 64;
const check = 'redis';

export const checkRedis: Check = async ({ config, env }) => {
  const { redisUrl, qpuId } = config.settings;
  if (redisUrl === '')
    return [warning(check, 'its URL is not known yet', 'The first coda start gets it from the cloud.')];
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
    await answerWithin(redis.connect(), TIMEOUT_MS, 'Redis');
    const startedAt = performance.now();
    await answerWithin(redis.ping(), TIMEOUT_MS, 'PING');
    findings.push(ok(check, `${host} answers in ${(performance.now() - startedAt).toFixed(1)} ms`));
  } catch (thrown) {
    redis.disconnect();
    // The error that ioredis throws only says that the connection is closed.
    const text = messageOf(trouble ?? thrown);
    const remedy = /WRONGPASS|NOAUTH|NOPERM/.test(text)
      ? 'The password may have changed: restart the node (coda start) or, if that does not help, reset it and use a new token.'
      : 'Check the network and the VPN. The node itself waits until Redis is back.';
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
      await answerWithin(work(), TIMEOUT_MS, 'Redis');
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
    'it announces cancels by push',
    async () => {
      const id = String(await redis.client('ID'));
      await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', CANCEL_KEY_PREFIX);
    },
    (text) =>
      warning(
        check,
        `cancels are polled: ${text}`,
        'They work, but later than by push: allow CLIENT TRACKING for this user.',
      ),
  );
  redis.disconnect();
  return findings;
};

/** What is wrong with the server; nothing if this user may not ask for INFO. */
async function fitness(redis: Redis): Promise<Finding[]> {
  const info = await answerWithin(redis.info(), TIMEOUT_MS, 'INFO').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
  const findings: Finding[] = [];
  const version = field('redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (version !== '' && (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))) {
    findings.push(
      failure(check, `the server has version ${version}`, `Use Redis ${OLDEST.join('.')} or newer.`),
    );
  }
  if (field('role') === 'slave') {
    findings.push(
      failure(
        check,
        'the server is a replica, which takes no writes',
        'Wait if a failover is in progress; otherwise let the URL lead to the primary.',
      ),
    );
  }
  const policy = field('maxmemory_policy');
  if (policy !== '' && policy !== 'noeviction' && field('maxmemory') !== '0') {
    findings.push(
      warning(
        check,
        `the server may delete jobs when its memory is full (maxmemory-policy ${policy})`,
        'Set maxmemory-policy to noeviction.',
      ),
    );
  }
  return findings;
}

/** The finding that a server has only some of the node's keys, as in a cluster with several shards. */
async function servesOnlyPart(redis: Redis, qpuId: string): Promise<Finding | undefined> {
  const probes = Array.from({ length: PROBES }, (_, i) => statusKey(`doctor-${i}`));
  const pipeline = redis.pipeline([streamKey(qpuId), ...probes].map((key) => ['exists', key]));
  const replies = await answerWithin(pipeline.exec(), TIMEOUT_MS, 'EXISTS').catch(() => null);
  const moved = replies?.find(([error]) => error?.message.startsWith('MOVED'))?.[0];
  if (!moved) return undefined;
  return failure(
    check,
    `the server has only a part of the keys (${moved.message})`,
    'The node uses one server: let the URL lead to the primary of a cluster with one shard, or to a proxy that hides the shards (docs/scaling.md).',
  );
}
