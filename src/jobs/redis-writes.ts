// Writes to Redis that nothing waits for: pipelined, in order, and repeated until Redis takes them.
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { statusKey, streamKey, groupName } from '../protocol/keys.ts';
import { jitter } from '../redis.ts';
import type { SavedOutcome } from './job.ts';

const MOST_PER_PIPELINE = 500;
const LONGEST_RETRY_MS = 30_000;

interface Write {
  readonly jobId?: string;
  readonly command: 'hset' | 'xack';
  readonly key: string;
  /** HSET: field, value, …; XACK: group, id, … */
  args: readonly string[];
  readonly resolve: () => void;
}

export class RedisWrites {
  readonly #redis: Redis;
  readonly #qpuId: string;
  readonly #log: Logger;
  #queue: Write[] = [];
  #flushing: Promise<void> | undefined;
  #trouble: string | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(redis: Redis, qpuId: string, log: Logger) {
    this.#redis = redis;
    this.#qpuId = qpuId;
    this.#log = log;
  }

  /** Why Redis takes no writes at the moment, if so. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  executing(jobId: string, messageId: string): Promise<void> {
    return this.#status(jobId, {
      state: 'executing',
      started_at: new Date().toISOString(),
      message_id: messageId,
      qpu_id: this.#qpuId,
    });
  }

  /** The terminal state of a saved outcome. */
  outcome({ jobId, outcome, endedAt }: SavedOutcome): Promise<void> {
    return this.#status(
      jobId,
      outcome.status === 'completed'
        ? { state: 'completed', completed_at: endedAt }
        : { state: 'failed', error: outcome.error, failed_at: endedAt },
    );
  }

  cancelled({ jobId, messageIds }: Pick<SavedOutcome, 'jobId' | 'messageIds'>): Promise<void> {
    return this.#status(jobId, {
      state: 'cancelled',
      cancelled_at: new Date().toISOString(),
      message_id: messageIds[0] ?? '',
      qpu_id: this.#qpuId,
    });
  }

  acknowledge(messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return Promise.resolve();
    return this.#enqueue({
      command: 'xack',
      key: streamKey(this.#qpuId),
      args: [groupName(this.#qpuId), ...messageIds],
    });
  }

  /** Resolves once everything written so far has been taken. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  #status(jobId: string, fields: Record<string, string>): Promise<void> {
    return this.#enqueue({
      jobId,
      command: 'hset',
      key: statusKey(jobId),
      args: Object.entries(fields).flat(),
    });
  }

  #enqueue(write: Omit<Write, 'resolve'>): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ ...write, resolve });
      this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    });
  }

  async #flush(): Promise<void> {
    // Writes of the same turn of the event loop share one pipeline.
    await Promise.resolve();
    for (let retryMs = 100; this.#queue.length > 0 && !this.#closed;) {
      const batch = this.#queue.splice(0, MOST_PER_PIPELINE);
      const failed = await this.#send(batch);
      if (failed.length === 0) {
        this.#trouble = undefined;
        retryMs = 100;
        continue;
      }
      this.#queue = [...failed, ...this.#queue];
      await this.#pause(jitter(retryMs));
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  /** Returns the writes that Redis did not take and that are to be repeated. */
  async #send(batch: readonly Write[]): Promise<Write[]> {
    const pipeline = this.#redis.pipeline();
    for (const { command, key, args } of batch) pipeline.call(command, key, ...args);
    let replies;
    try {
      replies = (await pipeline.exec()) ?? [];
    } catch (thrown) {
      // Only at close: a lost connection makes the pipeline wait, not fail.
      this.#trouble = String(thrown);
      return [...batch];
    }
    const failed: Write[] = [];
    const newer = new Map<string, Set<string>>();
    for (let i = batch.length - 1; i >= 0; i -= 1) {
      const write = batch[i];
      if (write === undefined) continue;
      const error = replies[i]?.[0];
      if (error === null || error === undefined) write.resolve();
      else if (error.message.startsWith('WRONGTYPE')) {
        this.#log.error(
          `${write.key} is not a hash, so the status of job ${write.jobId ?? '?'} is not kept in it`,
        );
        write.resolve();
      } else {
        if (this.#trouble !== error.message)
          this.#log.warn(`Redis refuses writes: ${error.message}; repeating them`);
        this.#trouble = error.message;
        failed.unshift(withoutFields(write, newer.get(write.key)));
      }
      if (write.command === 'hset') rememberFields(newer, write);
    }
    return failed;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A repeated write must not undo a later one of the same hash that has been taken already. */
function withoutFields(write: Write, fields: ReadonlySet<string> | undefined): Write {
  if (fields === undefined) return write;
  const args: string[] = [];
  for (let i = 0; i < write.args.length; i += 2) {
    const [field, value] = [write.args[i] ?? '', write.args[i + 1] ?? ''];
    if (!fields.has(field)) args.push(field, value);
  }
  // An HSET needs at least one pair; this one changes nothing that matters.
  return { ...write, args: args.length > 0 ? args : write.args.slice(-2) };
}

function rememberFields(newer: Map<string, Set<string>>, { key, args }: Write): void {
  const fields = newer.get(key) ?? new Set<string>();
  for (let i = 0; i < args.length; i += 2) fields.add(args[i] ?? '');
  newer.set(key, fields);
}
