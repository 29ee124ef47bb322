// The job queue: whether Redis answers, whether the stream and the group are there, and what this user may do.
import { messageOf } from '../../errors.ts';
import { CANCEL_KEY_PREFIX, groupName, streamKey } from '../../protocol/keys.ts';
import { openRedis } from '../../redis.ts';
import { failure, ok, soon, warning, type Check, type Finding } from './finding.ts';

const TIMEOUT_MS = 6_000;
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
    options: { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 },
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
