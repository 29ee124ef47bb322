// The second copy of each outcome, in Redis, for a node with `outcomeCopy`: written as soon as a run has ended, beside the
// journal; looked for by whoever gets the job's entry once more; removed when the job is acknowledged.
//
//   waits -> sent -> taken, or refused for good: the outcome is delivered without it
//     ^       |
//     \-------/  the connection is lost, or Redis cannot take writes yet
import type { Redis } from 'ioredis';
import { messageOf, type Trouble } from '../errors.ts';
import type { HeldJob, SavedOutcome } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { redisTrouble } from '../net/redis-trouble.ts';
import { hasShards, isConnectionFault, jitter, sendTogether, type RedisCommand } from '../net/redis.ts';
import type { Copies } from '../outbox/delivery.ts';
import { copiedOutcome, type CopiedOutcome } from '../outbox/saved-outcome.ts';
import { outcomeKey } from '../protocol/keys.ts';
import { recordIn } from '../protocol/text.ts';
import { boundedError } from '../protocol/webhook.ts';
import { isPassing, redisStates, type RedisState } from './redis-state.ts';
import type { RedisWrites } from './redis-writes.ts';

/** A copy that nobody removes. */
const KEPT_SEC = 7 * 24 * 60 * 60;
/** In bytes. A node that takes jobs over reads so much at a time. */
const MOST = 16 * 1024 * 1024;
/** Sent and not answered; a copy that is larger goes alone. Others need the connection, too. */
const MOST_UNDER_WAY = 1024 * 1024;
/** A copy from this size on may be too much for a slow link: a connection whose answer is late is closed. */
const LARGE = 256 * 1024;
const LARGE_ATTEMPTS = 3;
const RETRY_MS = 1_000;

/** Repeating does not help, or not soon: no right, no memory, a disk of Redis that fails, too few replicas. */
const REFUSED = /^(NOPERM|OOM|MISCONF|NOREPLICAS|ERR)/;

interface Copy {
  readonly jobId: string;
  readonly json: string;
  readonly bytes: number;
  /** Connections that were lost meanwhile. */
  losses: number;
  readonly resolve: () => void;
}

export interface OutcomeCopiesOptions {
  readonly redis: Redis;
  readonly qpuId: string;
  readonly writes: Pick<RedisWrites, 'remove'>;
  readonly log: Logger;
}

export class OutcomeCopies implements Copies {
  readonly #options: OutcomeCopiesOptions;
  /** By job: those that Redis does not have yet. */
  readonly #unsaved = new Map<string, Copy>();
  /** Those of them that are to be sent now, and those that have failed. */
  #queue: Copy[] = [];
  #failed: Copy[] = [];
  #underWay = 0;
  #isGathering = false;
  #trouble: Trouble | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: OutcomeCopiesOptions) {
    this.#options = options;
    options.redis.on('ready', () => this.#sendAgain());
  }

  /** Why the last outcome has no copy, if so. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  save(saved: SavedOutcome): Promise<void> {
    const { callbackUrl: _, ...copied } = saved;
    const { jobId } = copied;
    const json = JSON.stringify(copied satisfies CopiedOutcome);
    const bytes = Buffer.byteLength(json);
    if (bytes > MOST) {
      this.#refused(`a result has ${bytes} bytes, and may have ${MOST}`, '');
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const copy = { jobId, json, bytes, losses: 0, resolve };
      this.#unsaved.set(jobId, copy);
      this.#queue.push(copy);
      this.#gather();
    });
  }

  remove(jobId: string): Promise<void> {
    // What is sent already comes before the removal.
    this.#unsaved.delete(jobId);
    return this.#options.writes.remove(outcomeKey(jobId));
  }

  /** As `redisStates`, with the copies of the outcomes that these jobs have. */
  async states(jobs: readonly HeldJob[]): Promise<(RedisState | undefined)[]> {
    const { redis, log } = this.#options;
    // First: a copy is removed when the final state is there.
    const finding = this.#find(jobs);
    finding.catch(() => {});
    const states = await redisStates(redis, jobs, log);
    const copies = await finding;
    return states.map((state, i) => {
      const copy = copies[i];
      return state === undefined || copy === undefined ? undefined : { ...state, copy: copy ?? undefined };
    });
  }

  /** Gives up the copies that Redis has not taken by now. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    // Those of the same turn of the event loop go together.
    queueMicrotask(() => {
      this.#isGathering = false;
      this.#sendNext();
    });
  }

  #sendNext(): void {
    const batch: Copy[] = [];
    let next = 0;
    for (; next < this.#queue.length; next += 1) {
      const copy = this.#queue[next];
      if (copy === undefined || !this.#isWanted(copy)) continue;
      if (this.#underWay > 0 && this.#underWay + copy.bytes > MOST_UNDER_WAY) break;
      this.#underWay += copy.bytes;
      batch.push(copy);
    }
    this.#queue = this.#queue.slice(next);
    if (batch.length > 0 && !this.#closed) void this.#send(batch);
  }

  /** False once its job has ended in another way. */
  #isWanted(copy: Copy): boolean {
    return this.#unsaved.get(copy.jobId) === copy;
  }

  /** Never rejects. */
  async #send(batch: readonly Copy[]): Promise<void> {
    const { redis } = this.#options;
    const isConnected = redis.status === 'ready';
    const replies = await sendTogether(
      redis,
      batch.map(({ jobId, json }): RedisCommand => ['SET', outcomeKey(jobId), json, 'EX', KEPT_SEC]),
    );
    const again = batch.filter((copy, i) => {
      this.#underWay -= copy.bytes;
      return !this.#isOver(copy, replies[i]?.[0] ?? null, isConnected);
    });
    if (again.length > 0) this.#sendLater(again);
    this.#sendNext();
  }

  /** Without a connection: once there is one. */
  #sendLater(copies: readonly Copy[]): void {
    this.#failed = this.#failed.concat(copies);
    if (this.#closed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      if (this.#options.redis.status === 'ready') this.#sendAgain();
    }, jitter(RETRY_MS)).unref();
  }

  #sendAgain(): void {
    if (this.#failed.length === 0) return;
    this.#queue = this.#failed.concat(this.#queue);
    this.#failed = [];
    this.#gather();
  }

  /** Whether nothing is left to do for this copy. */
  #isOver(copy: Copy, error: Error | null, isConnected: boolean): boolean {
    const { redis } = this.#options;
    if (!this.#isWanted(copy)) return true;
    if (error === null) this.#trouble = undefined;
    else {
      if (isConnected && isConnectionFault(error)) copy.losses += 1;
      const isTooLarge = copy.bytes >= LARGE && copy.losses >= LARGE_ATTEMPTS;
      if (!REFUSED.test(error.message) && !isTooLarge) return false;
      const { text, remedy } = redisTrouble(error, redis);
      this.#refused(isTooLarge ? `${text}, each time that it gets ${copy.bytes} bytes` : text, remedy);
    }
    this.#unsaved.delete(copy.jobId);
    copy.resolve();
    return true;
  }

  #refused(why: string, remedy: string): void {
    this.#trouble = {
      text: `results are delivered without a second copy in Redis (outcomeCopy): ${why}`,
      remedy: `${remedy} The node's disk alone has such a result until it is delivered.`.trimStart(),
    };
  }

  /** Of each job: its copy, null if it has none, undefined if that cannot be said now. Rejects if Redis cannot say. */
  async #find(jobs: readonly HeldJob[]): Promise<(CopiedOutcome | null | undefined)[]> {
    const lengths = await this.#ask('STRLEN', jobs);
    let bytes = 0;
    const readable = jobs.filter((_, i) => {
      const length = Number(lengths[i] ?? 0);
      // The others are looked at again: what takes longer than a lease would never be done.
      if (length === 0 || length > MOST || (bytes > 0 && bytes + length > MOST)) return false;
      bytes += length;
      return true;
    });
    const texts = await this.#ask('GET', readable);
    const copies = new Map(readable.map((job, i) => [job, this.#copyIn(job, texts[i])]));
    return jobs.map((job, i) => {
      const length = lengths[i];
      if (length === undefined || copies.has(job)) return copies.get(job);
      if (length === 0 || length === null) return null;
      return Number(length) > MOST ? this.#ignored(job, `it has ${length} bytes`) : undefined;
    });
  }

  /** Of each job what the command says of its copy: null if it may not be asked, undefined where its shard cannot say. */
  async #ask(
    command: 'STRLEN' | 'GET',
    jobs: readonly HeldJob[],
  ): Promise<(string | number | null | undefined)[]> {
    const { redis } = this.#options;
    const commands = jobs.map(({ jobId }): RedisCommand => [command, outcomeKey(jobId)]);
    const replies = await sendTogether(redis, commands);
    return replies.map(([error, value], i) => {
      if (error === null) return typeof value === 'string' || typeof value === 'number' ? value : null;
      if (!isPassing(error)) {
        const [job] = jobs.slice(i);
        // rights.ts reports a missing right.
        return job === undefined || error.message.startsWith('NOPERM')
          ? null
          : this.#ignored(job, error.message);
      }
      if (!hasShards(redis)) throw error;
      return undefined;
    });
  }

  #copyIn(job: HeldJob, text: string | number | null | undefined): CopiedOutcome | null | undefined {
    // Removed meanwhile: its job may be done.
    if (typeof text !== 'string') return undefined;
    try {
      const fields = recordIn(text);
      if (fields === undefined) return this.#ignored(job, 'it is no JSON object');
      const copy = copiedOutcome(fields);
      if (copy.jobId !== job.jobId || copy.qpuId !== this.#options.qpuId)
        return this.#ignored(job, 'it is of another job');
      // If the cloud has sent the job once more since then, it is to run.
      if (!copy.messageIds.some((messageId) => job.messageIds.includes(messageId))) return null;
      const { outcome } = copy;
      if (outcome.status === 'completed') return copy;
      return { ...copy, outcome: { status: 'failed', error: boundedError(outcome.error) } };
    } catch (thrown) {
      return this.#ignored(job, messageOf(thrown));
    }
  }

  #ignored({ jobId }: HeldJob, why: string): null {
    this.#options.log.warn(
      `what is in ${outcomeKey(jobId)} is no copy of an outcome, and is ignored: ${why} → Find out who writes to this key; nodes alone should.`,
      { job: jobId },
    );
    return null;
  }
}
