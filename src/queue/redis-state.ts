// What Redis says of jobs: their status hashes and cancel signals, asked for in one packet.
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { redisTrouble } from '../net/redis-trouble.ts';
import {
  hasShards,
  isConnectionFault,
  sendTogether,
  type RedisCommand,
  type RedisReply,
} from '../net/redis.ts';
import type { CopiedOutcome } from '../outbox/saved-outcome.ts';
import { cancelKey, statusKey } from '../protocol/keys.ts';

export interface RedisState {
  readonly state: string | null;
  /** The stream entry that was executed. */
  readonly messageId: string | null;
  readonly error: string | null;
  readonly cancelled: boolean;
  /** Its outcome, if it has run before and the copy is there. */
  readonly copy?: CopiedOutcome | undefined;
}

/** The states of these jobs, in the same order; undefined where the shard of a job cannot say. Rejects if Redis cannot
 *  say: a job that may be done must not run. */
export async function redisStates(
  redis: Redis,
  jobs: readonly { readonly jobId: string }[],
  log: Logger,
): Promise<(RedisState | undefined)[]> {
  const cancelKeys = jobs.map(({ jobId }) => cancelKey(jobId));
  const eachExists = cancelKeys.map((key): RedisCommand => ['exists', key]);
  const isSpread = hasShards(redis);
  // One command for all: a signal is rare. It would have to be for one shard.
  const asked: RedisCommand[] = isSpread ? eachExists : [['exists', ...cancelKeys]];
  const replies = await sendTogether(redis, [
    ...asked,
    ...jobs.map(({ jobId }): RedisCommand => ['hmget', statusKey(jobId), 'state', 'message_id', 'error']),
  ]);
  if (!isSpread) throwIfLost(replies);
  const statuses = replies.slice(asked.length);
  const isCancelled = isSpread
    ? replies.slice(0, asked.length)
    : replies[0]?.[1] === 0
      ? []
      : throwIfLost(await sendTogether(redis, eachExists));
  return jobs.map(({ jobId }, i) => {
    const [statusError, status] = statuses[i] ?? [];
    const [cancelError, exists] = isCancelled[i] ?? [];
    // The one that may pass: the other then says nothing.
    const error = isPassing(cancelError) ? cancelError : (statusError ?? cancelError);
    // An error that may pass, such as of a server that still loads, leaves the jobs pending: they may be done already.
    if (error && isPassing(error)) {
      if (!isSpread) throw error;
      return undefined;
    }
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

/** Whether it may be gone when the same is asked again. */
export function isPassing(error: Error | null | undefined): boolean {
  return error instanceof Error && !/^(WRONGTYPE|NOPERM)/.test(error.message);
}

function throwIfLost(replies: RedisReply[]): RedisReply[] {
  const lost = replies.find(([error]) => isConnectionFault(error))?.[0];
  if (lost) throw lost;
  return replies;
}
