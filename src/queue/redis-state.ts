// What Redis says of jobs: their status hashes and cancel signals, asked for in one packet.
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { redisTrouble } from '../net/redis-trouble.ts';
import { isConnectionFault, sendTogether, type RedisCommand, type RedisReply } from '../net/redis.ts';
import { cancelKey, statusKey } from '../protocol/keys.ts';

export interface RedisState {
  readonly state: string | null;
  /** The stream entry that was executed. */
  readonly messageId: string | null;
  readonly error: string | null;
  readonly cancelled: boolean;
}

/** The states of these jobs, in the same order. Rejects if Redis cannot say: a job that may be done must not run. */
export async function redisStates(
  redis: Redis,
  jobIds: readonly string[],
  log: Logger,
): Promise<RedisState[]> {
  const cancelKeys = jobIds.map(cancelKey);
  const [any, ...statuses] = await repliesOf(redis, [
    // One command for all: a signal is rare.
    ['exists', ...cancelKeys],
    ...jobIds.map((jobId): RedisCommand => ['hmget', statusKey(jobId), 'state', 'message_id', 'error']),
  ]);
  const eachExists = cancelKeys.map((key): RedisCommand => ['exists', key]);
  const isCancelled = any?.[1] === 0 ? [] : await repliesOf(redis, eachExists);
  return jobIds.map((jobId, i) => {
    const [statusError, status] = statuses[i] ?? [];
    const [cancelError, exists] = isCancelled[i] ?? [];
    const error = statusError ?? cancelError;
    // An error that may pass, such as of a server that still loads, leaves the jobs pending: they may be done already.
    if (error && !/^(WRONGTYPE|NOPERM)/.test(error.message)) throw error;
    if (error) {
      const { text, remedy } = redisTrouble(error, redis);
      // rights.ts reports a missing right: it is the same for all jobs.
      const level = error.message.startsWith('NOPERM') ? 'debug' : 'warn';
      log[level](`the status of job ${jobId} cannot be read, it is taken as new: ${text} → ${remedy}`);
    }
    const [state = null, messageId = null, failure = null] = Array.isArray(status) ? status : [];
    return { state, messageId, error: failure, cancelled: exists === 1 };
  });
}

/** As `sendTogether`, but rejects if the connection is lost. */
async function repliesOf(redis: Redis, commands: readonly RedisCommand[]): Promise<RedisReply[]> {
  const replies = await sendTogether(redis, commands);
  const lost = replies.find(([error]) => isConnectionFault(error))?.[0];
  if (lost) throw lost;
  return replies;
}
