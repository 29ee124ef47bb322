// Gives the jobs that this node has taken and not started to another consumer of the group, for an operator who goes back
// to the Python original: that one never takes over what another consumer has pending.
import type { Redis } from 'ioredis';
import { ConfigError } from '../errors.ts';
import { sendTogether, whichExist, type RedisCommand } from '../net/redis.ts';
import { outcomeKey, statusKey } from '../protocol/keys.ts';
import { printable } from '../protocol/text.ts';
import type { JobStream, PendingEntry } from './stream.ts';

/** Why a job stays with this node. */
export type WhyKept =
  'started' | 'may have started' | 'saved outcome' | 'done' | 'taken by another consumer' | 'no job';

export interface HandedBack {
  /** Who has them now. */
  readonly consumer: string;
  /** Job ids. */
  readonly handedOver: readonly string[];
  readonly kept: readonly { readonly job: string; readonly why: WhyKept }[];
}

/** A node of this program ends its consumer's name with a digest. */
const OWN_KIND = /-[\da-f]{12}$/;
/** Entries in one go: each comes with its whole circuit. */
const AT_ONCE = 50;
const LONGEST_NAME = 200;

const STATES: ReadonlyMap<unknown, WhyKept> = new Map([
  ['executing', 'started'],
  ['completed', 'done'],
  ['failed', 'done'],
  ['cancelled', 'done'],
]);

/**
 * The consumer that gets the jobs: the one that is named, or else the only one that can be the original's. Throws a
 * ConfigError with the consumers that there are.
 */
export async function chooseConsumer(redis: Redis, stream: JobStream, named: string | null): Promise<string> {
  const others = (await stream.consumers(redis)).filter((name) => name !== stream.consumer);
  const shown = others.map((name) => printable(name, LONGEST_NAME)).join(', ');
  const there = others.length === 0 ? 'there is no other consumer' : `the other consumers are: ${shown}`;
  if (named !== null) {
    if (others.includes(named)) return named;
    throw new ConfigError(
      `${printable(named, LONGEST_NAME)} is no other consumer of the group ${stream.group}; ${there}`,
      { remedy: REMEDY },
    );
  }
  const plausible = others.filter((name) => !OWN_KIND.test(name));
  const [only] = plausible;
  if (plausible.length === 1 && only !== undefined) return only;
  throw new ConfigError(
    `it is not clear which consumer of the group ${stream.group} is the original's; ${there}`,
    { remedy: REMEDY },
  );
}

const REMEDY =
  'Name it: coda stop --hand-back=<consumer>. A consumer is there once the original has read from this stream.';

/** Gives everything that is pending for this node to `consumer`, but for what `whyKept` or Redis says has begun. */
export async function handBack(
  redis: Redis,
  stream: JobStream,
  consumer: string,
  whyKept: (messageId: string) => WhyKept | undefined,
): Promise<HandedBack> {
  const handedOver: string[] = [];
  const kept: { job: string; why: WhyKept }[] = [];
  const pending = await stream.ownPending(redis);
  for (let i = 0; i < pending.length; i += AT_ONCE) {
    const entries = pending.slice(i, i + AT_ONCE);
    const jobs = await jobsOf(redis, stream, entries);
    const why = new Map(
      jobs.map(({ entry: { messageId }, inRedis, jobId }) => [
        messageId,
        foremost(whyKept(messageId), inRedis) ?? (jobId === undefined ? 'no job' : undefined),
      ]),
    );
    const given = await stream.give(
      redis,
      entries.filter(({ messageId }) => why.get(messageId) === undefined),
      consumer,
    );
    for (const { entry, jobId } of jobs) {
      const job = jobId ?? entry.messageId;
      if (given.has(entry.messageId)) handedOver.push(job);
      else kept.push({ job, why: why.get(entry.messageId) ?? 'taken by another consumer' });
    }
  }
  return { consumer, handedOver, kept };
}

/** Redis knows more of what was only marked: a node marks the next few jobs, too, before they start. */
function foremost(here: WhyKept | undefined, inRedis: WhyKept | undefined): WhyKept | undefined {
  return here === 'may have started' ? (inRedis ?? here) : (here ?? inRedis);
}

interface PendingJob {
  readonly entry: PendingEntry;
  readonly jobId: string | undefined;
  readonly inRedis: WhyKept | undefined;
}

async function jobsOf(
  redis: Redis,
  stream: JobStream,
  entries: readonly PendingEntry[],
): Promise<PendingJob[]> {
  const jobIds = await stream.jobIds(
    redis,
    entries.map(({ messageId }) => messageId),
  );
  const commands = jobIds.map((jobId): RedisCommand => ['HGET', statusKey(jobId ?? ''), 'state']);
  const states = await sendTogether(redis, commands);
  const areCopied = await whichExist(
    redis,
    jobIds.map((jobId) => outcomeKey(jobId ?? '')),
  );
  return entries.map((entry, i) => {
    const [error, state] = states[i] ?? [null, null];
    // Another type of key says nothing of the job.
    if (error !== null && !error.message.startsWith('WRONGTYPE')) throw error;
    // Of a node that was killed before the state was there.
    const inRedis = STATES.get(state) ?? (areCopied[i] === true ? 'saved outcome' : undefined);
    return { entry, jobId: jobIds[i], inRedis };
  });
}
