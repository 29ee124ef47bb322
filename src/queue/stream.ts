// The job stream in Redis: this node's view of its consumer group, with replies read strictly.
import type { Redis } from 'ioredis';
import { groupName, streamKey } from '../protocol/keys.ts';
import { sendTogether, type RedisCommand } from '../net/redis.ts';

export interface StreamEntry {
  readonly messageId: string;
  /** `[name, value, name, value, …]` */
  readonly fields: readonly string[];
  /** Why the message cannot be taken; `fields` are then only its first ones. */
  readonly fault?: string;
}

export interface PendingEntry {
  readonly messageId: string;
  readonly consumer: string;
  readonly deliveries: number;
  /** Milliseconds since it was delivered, taken over or renewed. */
  readonly idleMs: number;
}

const PAGE = 1000;
/** Ids in one command: long lists are split, so that no command blocks Redis for long. */
const CHUNK = 500;

export class JobStream {
  readonly key: string;
  readonly group: string;
  readonly consumer: string;

  constructor(qpuId: string, consumer: string) {
    this.key = streamKey(qpuId);
    this.group = groupName(qpuId);
    this.consumer = consumer;
  }

  /** Creates the group, and the stream with it, if it is not there. */
  async ensureGroup(redis: Redis): Promise<void> {
    try {
      await redis.call('XGROUP', 'CREATE', this.key, this.group, '0', 'MKSTREAM');
    } catch (thrown) {
      if (!(thrown instanceof Error && thrown.message.startsWith('BUSYGROUP'))) throw thrown;
    }
  }

  /** New entries; an empty list if none came within `blockMs`; with 0 it does not wait. */
  async read(redis: Redis, count: number, blockMs: number): Promise<StreamEntry[]> {
    const block = blockMs > 0 ? ['BLOCK', blockMs] : [];
    const reply = await redis.call(
      'XREADGROUP',
      'GROUP',
      this.group,
      this.consumer,
      'COUNT',
      count,
      ...block,
      'STREAMS',
      this.key,
      '>',
    );
    return list(reply).flatMap((stream) => entriesOf(list(stream)[1]));
  }

  /** Takes over pending entries whose consumer has not renewed them for `idleMs`; returns their ids. */
  async takeOver(redis: Redis, idleMs: number): Promise<string[]> {
    const taken: string[] = [];
    let cursor = '0-0';
    do {
      const reply = list(
        await redis.call(
          'XAUTOCLAIM',
          this.key,
          this.group,
          this.consumer,
          idleMs,
          cursor,
          'COUNT',
          PAGE,
          'JUSTID',
        ),
      );
      cursor = String(reply[0]);
      taken.push(...list(reply[1]).map(String));
    } while (cursor !== '0-0');
    return taken;
  }

  /** Entries of other consumers that have not been renewed for `idleMs`: the first of them. */
  async neglected(redis: Redis, idleMs: number): Promise<PendingEntry[]> {
    const reply = await redis.call('XPENDING', this.key, this.group, 'IDLE', idleMs, '-', '+', PAGE);
    return list(reply)
      .map(pendingOf)
      .filter(({ consumer }) => consumer !== this.consumer);
  }

  /** All entries that are pending for this node's consumer, oldest first. */
  async ownPending(redis: Redis): Promise<PendingEntry[]> {
    const found: PendingEntry[] = [];
    for (let from = '-'; ;) {
      const reply = await redis.call('XPENDING', this.key, this.group, from, '+', PAGE, this.consumer);
      const page = list(reply).map(pendingOf);
      found.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return found;
      from = `(${last.messageId}`;
    }
  }

  /** How many entries no node has read yet (undefined if Redis does not say, as before version 7), and how many are
   *  pending for all nodes together. */
  async counts(redis: Redis): Promise<{ readonly backlog: number | undefined; readonly pending: number }> {
    const groups = list(await redis.call('XINFO', 'GROUPS', this.key)).map(list);
    const group = groups.find((fields) => fieldOf(fields, 'name') === this.group) ?? [];
    const lag = fieldOf(group, 'lag');
    return {
      backlog: typeof lag === 'number' ? lag : undefined,
      pending: Number(fieldOf(group, 'pending') ?? 0),
    };
  }

  /** Who holds each of these entries now; undefined for one that is not pending. */
  async holders(redis: Redis, messageIds: readonly string[]): Promise<(string | undefined)[]> {
    const commands = messageIds.map((id): RedisCommand => ['XPENDING', this.key, this.group, id, id, 1]);
    const replies = await sendTogether(redis, commands);
    return replies.map(([error, reply]) => {
      if (error !== null) throw error;
      return list(reply).map(pendingOf)[0]?.consumer;
    });
  }

  /** Tells the group that this node is alive and still has these entries, which were idle for `idleMs` and longer.
   *  An entry that another node has taken over meanwhile is not idle any more, and stays there. Returns the others. */
  async renew(redis: Redis, messageIds: readonly string[], idleMs: number): Promise<ReadonlySet<string>> {
    const renewed = new Set<string>();
    for (let i = 0; i < messageIds.length; i += CHUNK) {
      const chunk = messageIds.slice(i, i + CHUNK);
      const reply = await redis.call(
        'XCLAIM',
        this.key,
        this.group,
        this.consumer,
        idleMs,
        ...chunk,
        'JUSTID',
      );
      for (const messageId of list(reply)) renewed.add(String(messageId));
    }
    return renewed;
  }

  /** Fetches entries with their fields; one that was deleted is left out. Whoever has them keeps them: an answer may come
   *  so late that another node has taken them over. */
  async fetch(redis: Redis, pending: readonly PendingEntry[]): Promise<StreamEntry[]> {
    const commands = pending.map(({ messageId }): RedisCommand => ['XRANGE', this.key, messageId, messageId]);
    const replies = await sendTogether(redis, commands);
    return replies.flatMap(([error, reply]) => {
      if (error !== null) throw error;
      return entriesOf(reply);
    });
  }

  /** Acknowledges those of these entries, which were not found in the stream, that are pending here all the same: they
   *  were deleted while they were pending, and before version 7, Redis keeps them. */
  async acknowledgeDeleted(redis: Redis, messageIds: readonly string[]): Promise<void> {
    const holders = await this.holders(redis, messageIds);
    const deleted = messageIds.filter((_, i) => holders[i] === this.consumer);
    if (deleted.length > 0) await redis.call('XACK', this.key, this.group, ...deleted);
  }

  /** All consumers of the group, as Redis knows them. */
  async consumers(redis: Redis): Promise<string[]> {
    const found = list(await redis.call('XINFO', 'CONSUMERS', this.key, this.group)).map(list);
    return found.map((fields) => String(fieldOf(fields, 'name')));
  }

  /** The job id in each of these entries; undefined for one that was deleted, or has none. */
  async jobIds(redis: Redis, messageIds: readonly string[]): Promise<(string | undefined)[]> {
    const commands = messageIds.map((id): RedisCommand => ['XRANGE', this.key, id, id]);
    return (await sendTogether(redis, commands)).map(([error, reply]) => {
      if (error !== null) throw error;
      const fields = entriesOf(reply)[0]?.fields ?? [];
      const at = fields.findIndex((name, i) => i % 2 === 0 && name === 'job_id');
      return at === -1 ? undefined : fields[at + 1];
    });
  }

  /** Gives pending entries of this consumer to another one, as if that one had just read them; returns the ids of those
   *  that were given. Not one that somebody has taken over meanwhile: that one is less idle than it was. The delivery
   *  counts stay as they are. */
  async give(redis: Redis, entries: readonly PendingEntry[], consumer: string): Promise<ReadonlySet<string>> {
    const { key, group } = this;
    const commands = entries.map(({ messageId, idleMs }): RedisCommand => [
      'XCLAIM',
      key,
      group,
      consumer,
      idleMs,
      messageId,
      'JUSTID',
    ]);
    const replies = await sendTogether(redis, commands);
    return new Set(
      replies.flatMap(([error, reply]) => {
        if (error !== null) throw error;
        return list(reply).map(String);
      }),
    );
  }

  /** Sets how often an entry of this consumer counts as delivered. One that another node has, or takes over meanwhile and
   *  so makes less idle, is left to that node. */
  async setDeliveries(redis: Redis, messageId: string, deliveries: number): Promise<void> {
    const reply = await redis.call('XPENDING', this.key, this.group, messageId, messageId, 1);
    const [pending] = list(reply).map(pendingOf);
    if (pending?.consumer !== this.consumer) return;
    await redis.call(
      'XCLAIM',
      this.key,
      this.group,
      this.consumer,
      pending.idleMs,
      messageId,
      'RETRYCOUNT',
      deliveries,
      'JUSTID',
    );
  }
}

function entriesOf(reply: unknown): StreamEntry[] {
  return list(reply).flatMap((entry) => {
    const [messageId, fields] = list(entry);
    return Array.isArray(fields) ? [{ messageId: String(messageId), fields: fields.map(String) }] : [];
  });
}

function pendingOf(reply: unknown): PendingEntry {
  const [messageId, consumer, idleMs, deliveries] = list(reply);
  return {
    messageId: String(messageId),
    consumer: String(consumer),
    deliveries: Number(deliveries),
    idleMs: Number(idleMs),
  };
}

/** Of `[name, value, name, value, …]`. */
function fieldOf(fields: readonly unknown[], name: string): unknown {
  const at = fields.findIndex((field, i) => i % 2 === 0 && field === name);
  return at === -1 ? undefined : fields[at + 1];
}

function list(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}

/** Redis has forgotten the consumer group. */
export function isGroupMissing(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith('NOGROUP');
}
