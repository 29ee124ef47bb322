// `coda stop --hand-back`: what the node has taken and not started goes to the Python original's consumer. A running node
// does that itself, after its drain; for one that is stopped this does it, with the same rules.
import { existsSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Settings } from '../../config/settings.ts';
import { readStarted } from '../../device/run-marker.ts';
import { ConfigError } from '../../errors.ts';
import { closeRedis, isConnectionFault } from '../../net/redis.ts';
import { RedisServers } from '../../net/redis/servers.ts';
import { wrongSpeech } from '../../net/redis-probe.ts';
import { lookIntoTrouble } from '../../net/redis-trouble.ts';
import { withDeadline } from '../../net/timing.ts';
import { savedMessages } from '../../outbox/overview.ts';
import { printable } from '../../protocol/text.ts';
import { chooseConsumer, handBack, type HandedBack } from '../../queue/hand-back.ts';
import { JobStream } from '../../queue/stream.ts';
import { consumerName } from '../../state/consumer.ts';
import { nodeFolder } from '../../state/layout.ts';
import { openNodeFolder } from '../../state/node-folder.ts';
import { CommandError } from '../terminal/failure.ts';
import { countText } from '../terminal/words.ts';

const REDIS_WITHIN_MS = 10_000;
const LONGEST_ID = 200;

/** The consumer that will get the jobs, so that a node is not stopped in vain; the name as it was given if Redis is known
 *  to the node only. */
export async function foreseeConsumer(settings: Settings, named: string | null): Promise<string | null> {
  if (settings.redisUrl === '' || settings.qpuId === '') return named;
  const stream = new JobStream(settings.qpuId, consumerName(nodeFolder(settings.stateDir)));
  return withRedis(settings, stream, (redis) => chooseConsumer(redis, stream, named));
}

/** For a node that is stopped. Throws a ConfigError if one runs, and a CommandError if Redis cannot be asked. */
export async function handBackOfStopped(settings: Settings, named: string | null): Promise<HandedBack> {
  const { stateDir, qpuId, redisUrl } = settings;
  if (!existsSync(nodeFolder(stateDir))) {
    throw new CommandError(`no node has run with the state directory ${stateDir}: it has no jobs`);
  }
  if (redisUrl === '' || qpuId === '') {
    throw new CommandError(`${stateDir} does not say which Redis and which QPU the node had`, {
      remedy: 'Give both: CODA_REDIS_URL=… CODA_QPU_ID=… coda stop --hand-back',
    });
  }
  const folder = await openNodeFolder(stateDir);
  try {
    const stream = new JobStream(qpuId, folder.consumer);
    const started = readStarted(folder.directory);
    const saved = await savedMessages(folder.directory);
    return await withRedis(settings, stream, async (redis) => {
      const consumer = await chooseConsumer(redis, stream, named);
      return handBack(redis, stream, consumer, (messageId) =>
        saved.has(messageId) ? 'saved outcome' : started.has(messageId) ? 'may have started' : undefined,
      );
    });
  } finally {
    folder.release();
  }
}

/** For people. */
export function handedBackLines({ consumer, handedOver, kept }: HandedBack): string[] {
  const shown = (text: string): string => printable(text, LONGEST_ID);
  return [
    `handed ${countText(handedOver.length, 'job')} back to the consumer ${shown(consumer)}`,
    ...kept.map(({ job, why }) => `kept job ${shown(job)}: ${why}`),
    ...(kept.some(({ why }) => ['started', 'may have started', 'saved outcome'].includes(why))
      ? ['what has begun is for this node: coda start finishes and delivers it']
      : []),
  ];
}

async function withRedis<T>(
  { redisUrl: url }: Pick<Settings, 'redisUrl'>,
  { key: streamKey }: JobStream,
  work: (redis: Redis) => Promise<T>,
): Promise<T> {
  const servers = new RedisServers({ url, env: process.env, streamKey });
  const options = { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 };
  const redis = servers.open('coda-node:hand-back', options);
  let failed: unknown;
  redis.on('error', (error) => (failed = error));
  const late = `Redis has not answered within ${REDIS_WITHIN_MS / 1000} s`;
  try {
    await withDeadline(servers.connect(redis), REDIS_WITHIN_MS, late);
    return await work(redis);
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw thrown;
    const cause = isConnectionFault(thrown) || redis.status !== 'ready' ? (failed ?? thrown) : thrown;
    const spoken = redis.status === 'ready' ? undefined : await wrongSpeech(redis);
    const { text, remedy } = spoken ?? (await lookIntoTrouble(cause, redis));
    throw new CommandError(`no job is handed back: ${text}`, { cause, remedy });
  } finally {
    closeRedis(redis);
  }
}
