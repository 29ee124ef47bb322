// The job queue: does Redis answer, is it suitable, do the stream and the group exist, and may this user use them?
import type { Redis } from 'ioredis';
import { messageOf, type Trouble } from '../../errors.ts';
import { CANCEL_KEY_PREFIX, groupName, streamKey } from '../../protocol/keys.ts';
import { wrongSpeech } from '../../net/redis-probe.ts';
import { lookIntoTrouble, redisTrouble, shardTrouble } from '../../net/redis-trouble.ts';
import { closeRedis, isConnectionFault, placeOf } from '../../net/redis.ts';
import type { FollowingRedis } from '../../net/redis/following.ts';
import { RedisServers } from '../../net/redis/servers.ts';
import { refusedCommands } from '../../queue/rights.ts';
import { failure, ok, answerWithin, warning, type Check, type Finding } from './finding.ts';

const TIMEOUT_MS = 6_000;
/** It brought XAUTOCLAIM, and XPENDING with an exclusive start. */
const OLDEST = [6, 2] as const;
const SLOTS = 16_384;
const check = 'redis';

export const checkRedis: Check = async ({ config, env, live }) => {
  const { redisUrl, qpuId, outcomeCopy } = config.settings;
  if (redisUrl === '' && live !== undefined)
    return [ok(check, 'its URL is not known yet: the running node gets it when it has connected')];
  if (redisUrl === '')
    return [warning(check, 'its URL is not known yet', 'The first coda start gets it from the cloud.')];
  const servers = new RedisServers({
    url: redisUrl,
    env,
    ...(qpuId === '' ? {} : { streamKey: streamKey(qpuId) }),
  });
  const redis = servers.open('coda-node:doctor', {
    lazyConnect: true,
    // While it loads its data, it can say so at once.
    enableReadyCheck: !servers.isOne,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let failed: unknown;
  redis.on('error', (error) => (failed = error));
  try {
    const startedAt = performance.now();
    await answerWithin(servers.connect(redis), TIMEOUT_MS, 'Redis');
    await answerWithin(redis.ping(), TIMEOUT_MS, 'PING');
    const { host, port } = placeOf(redis);
    const found = ok(check, `${host}:${port} answers in ${(performance.now() - startedAt).toFixed(1)} ms`);
    const shards = await shardsOf(servers, redis);
    // The rest would only say once more, for each kind of key, that a shard is down.
    if (shards.some(({ level }) => level === 'failure')) return [found, ...shards];
    return [found, ...shards, ...(await inspect(redis, qpuId, outcomeCopy))];
  } catch (thrown) {
    // Of a lost connection, the error of the attempt says more.
    const cause = isConnectionFault(thrown) || redis.status !== 'ready' ? (failed ?? thrown) : thrown;
    const said = await lookIntoTrouble(cause, redis);
    const spoken = redis.status === 'ready' ? undefined : await wrongSpeech(redis);
    return [failureOf(spoken ?? said)];
  } finally {
    closeRedis(redis);
  }
};

function failureOf({ text, remedy }: Trouble): Finding {
  return failure(check, text, remedy);
}

async function inspect(redis: Redis, qpuId: string, hasCopies: boolean): Promise<Finding[]> {
  const findings = await fitness(redis);
  if (qpuId !== '') {
    findings.push(...(await queue(redis, qpuId)));
    const refused = await answerWithin(refusedCommands(redis, qpuId, hasCopies), TIMEOUT_MS, 'Redis');
    const known = new Set(findings.map(({ message }) => message));
    findings.push(...refused.filter(({ text }) => !known.has(text)).map(failureOf));
    if (refused.length === 0) findings.push(ok(check, 'its user may use all commands of a node'));
  }
  findings.push(await push(redis));
  return findings;
}

async function queue(redis: Redis, qpuId: string): Promise<Finding[]> {
  const [stream, group] = [streamKey(qpuId), groupName(qpuId)];
  const made = 'The node makes both at its start.';
  try {
    const reply = await answerWithin(redis.call('XINFO', 'GROUPS', stream), TIMEOUT_MS, 'XINFO');
    const isThere = JSON.stringify(reply).includes(JSON.stringify(group));
    return isThere
      ? [ok(check, `stream ${stream} and its group are there`)]
      : [warning(check, `${stream} has no group ${group}`, made)];
  } catch (thrown) {
    if (/no such key/.test(messageOf(thrown))) return [warning(check, `there is no stream ${stream}`, made)];
    return [failureOf(await lookIntoTrouble(thrown, redis))];
  }
}

/** Last: from here on the connection takes no other command. */
async function push(redis: Redis): Promise<Finding> {
  try {
    const id = String(await answerWithin(redis.client('ID'), TIMEOUT_MS, 'CLIENT ID'));
    const track = ['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', CANCEL_KEY_PREFIX] as const;
    await answerWithin(redis.call('CLIENT', ...track), TIMEOUT_MS, 'CLIENT TRACKING');
    await answerWithin(redis.subscribe('__redis__:invalidate'), TIMEOUT_MS, 'SUBSCRIBE');
    return ok(check, 'it announces cancels by push');
  } catch (thrown) {
    const { text, remedy } = redisTrouble(thrown, redis);
    return warning(check, `Redis does not report cancels by push, so they are polled: ${text}`, remedy);
  }
}

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

/** Of a cluster with several shards: which they are, and whether each answers and all keys are served. */
async function shardsOf(servers: RedisServers, redis: FollowingRedis): Promise<Finding[]> {
  const { shards } = servers;
  if (shards === undefined) return [];
  const names = shards.primaries.map(({ host, port }) => `${host}:${port}`).join(', ');
  const findings = [
    ok(check, `it is a cluster of ${shards.primaries.length} shards (${names}), which the node follows`),
  ];
  const others: Redis[] = [];
  const options = { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 };
  redis.onOtherShards(options, (other) => {
    others.push(other);
    return () => {};
  });
  for (const other of others) {
    let failed: unknown;
    other.on('error', (error) => (failed = error));
    try {
      await answerWithin(other.connect(), TIMEOUT_MS, 'the shard');
    } catch (thrown) {
      findings.push(failureOf(shardTrouble(failed ?? thrown, placeOf(other))));
    }
  }
  // The node's user needs no right for this.
  const info = String(
    await answerWithin(redis.call('CLUSTER', 'INFO'), TIMEOUT_MS, 'CLUSTER INFO').catch(() => ''),
  );
  const served = /^cluster_slots_ok:(\d+)/m.exec(info)?.[1];
  if (served !== undefined && Number(served) < SLOTS) {
    findings.push(
      failure(
        check,
        `the cluster serves only ${served} of its ${SLOTS} slots: jobs with keys in the others wait`,
        'Look at the cluster (redis-cli --cluster check), and bring back the shard that is down.',
      ),
    );
  }
  return findings;
}
