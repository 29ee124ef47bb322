// Whether the node's user of Redis may do all that a node does, also what it does not need at the moment. Each command is
// sent in a form that changes nothing: Redis judges the right before it looks at the rest. (ACL DRYRUN would itself need a
// right that a node's user rarely has.)
import type { Redis } from 'ioredis';
import type { Trouble } from '../errors.ts';
import { lookIntoTrouble } from '../net/redis-trouble.ts';
import { isConnectionFault, sendTogether, type RedisCommand } from '../net/redis.ts';
import { cancelKey, outcomeKey, statusKey, streamKey } from '../protocol/keys.ts';

/** There is no such group, consumer or job. */
const NOBODY = 'coda-doctor';

/** Complaints about the arguments. They come only after the right was checked, so the user has it. */
const HARMLESS =
  /^(NOGROUP|BUSYGROUP)|^ERR (Invalid stream ID|wrong number of arguments|no such key|The XGROUP subcommand requires the key|unknown subcommand)/i;

const TRY_EVERY_MS = 2_000;

/** Tries them from time to time: they may be taken away while the node runs. */
export class RightsWatch {
  readonly #redis: Redis;
  readonly #qpuId: string;
  readonly #hasCopies: boolean;
  #timer: NodeJS.Timeout | undefined;
  #isTrying = false;
  #troubles: readonly Trouble[] = [];

  constructor(redis: Redis, qpuId: string, hasCopies: boolean) {
    this.#redis = redis;
    this.#qpuId = qpuId;
    this.#hasCopies = hasCopies;
  }

  /** One for each command that Redis refuses. */
  get troubles(): readonly Trouble[] {
    return this.#troubles;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#try(), TRY_EVERY_MS).unref();
    void this.#try();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #try(): Promise<void> {
    if (this.#isTrying || this.#redis.status !== 'ready') return;
    this.#isTrying = true;
    // Others report a lost connection.
    this.#troubles = await refusedCommands(this.#redis, this.#qpuId, this.#hasCopies).catch(() => []);
    this.#isTrying = false;
  }
}

/** What Redis says of each command that it refuses; `hasCopies`: also those of `outcomeCopy`. Throws if the connection is
 *  lost meanwhile. */
export async function refusedCommands(redis: Redis, qpuId: string, hasCopies = false): Promise<Trouble[]> {
  const commands = commandsOf(streamKey(qpuId), statusKey(NOBODY), cancelKey(NOBODY));
  if (hasCopies) commands.push(...copyCommands(outcomeKey(NOBODY)));
  const replies = await sendTogether(redis, commands);
  const refused = new Map<string, Trouble>();
  for (const [error] of replies) {
    if (error === null || HARMLESS.test(error.message)) continue;
    if (isConnectionFault(error)) throw error;
    const trouble = await lookIntoTrouble(error, redis);
    refused.set(trouble.text, trouble);
  }
  return [...refused.values()];
}

function commandsOf(stream: string, status: string, cancel: string): RedisCommand[] {
  return [
    ['PING'],
    // With an id that is none: neither group nor stream is made.
    ['XGROUP', 'CREATE', stream, NOBODY, 'no-id', 'MKSTREAM'],
    ['XREADGROUP', 'GROUP', NOBODY, NOBODY, 'COUNT', 1, 'STREAMS', stream, '>'],
    ['XACK', stream, NOBODY, '0-1'],
    ['XPENDING', stream, NOBODY, '-', '+', 1],
    ['XCLAIM', stream, NOBODY, NOBODY, 0, '0-1', 'JUSTID'],
    ['XAUTOCLAIM', stream, NOBODY, NOBODY, 60_000, '0-0', 'COUNT', 1, 'JUSTID'],
    ['XRANGE', stream, '0-1', '0-1'],
    // A value is missing: nothing is set.
    ['HSET', status, 'state', 'none', 'error'],
    ['HGET', status, 'state'],
    ['HMGET', status, 'state', 'message_id', 'error'],
    ['EXISTS', cancel],
  ];
}

function copyCommands(copy: string): RedisCommand[] {
  return [
    // Only if it is there.
    ['SET', copy, '', 'XX'],
    ['STRLEN', copy],
    ['GET', copy],
    ['DEL', copy],
  ];
}
