// Writes to Redis that nothing waits for: pipelined, in order, and repeated until Redis takes them.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Trouble } from '../errors.ts';
import type { StartStatuses } from '../device/runner.ts';
import type { EndStatuses } from '../jobs/endings.ts';
import type { Ending } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { redisTrouble } from '../net/redis-trouble.ts';
import { isConnectionFault, jitter, sendTogether, type RedisCommand } from '../net/redis.ts';
import { Pause, Waiters } from '../net/timing.ts';
import type { Statuses } from '../outbox/delivery.ts';
import { groupName, statusKey, streamKey } from '../protocol/keys.ts';
import { RefusedStates } from './refused-states.ts';
import { endedFields, executingFields } from './status-fields.ts';
import {
  entryIn,
  isCancel,
  isFinal,
  isRefused,
  namesOf,
  rememberFields,
  resolved,
  stateIn,
  whatOf,
  withoutFields,
  type Write,
} from './write.ts';

const MOST_PER_PIPELINE = 1000;
/** Writes of so short a time are sent together: nothing waits for them. */
const GATHER_MS = 1;
const FIRST_RETRY_MS = 100;
/** Below the 10 s within which the node must be healthy again once Redis is. */
const LONGEST_RETRY_MS = 5_000;

interface Acknowledgement {
  /** So many states were pushed before it: some of them may be those of its jobs. */
  readonly behind: number;
  readonly messageIds: readonly string[];
  readonly resolve: () => void;
}

export class RedisWrites implements Statuses, StartStatuses, EndStatuses {
  readonly #redis: Redis;
  readonly #qpuId: string;
  readonly #log: Logger;
  readonly #isOwn: (messageId: string) => boolean;
  #queue: Write[] = [];
  /** How many states were ever pushed to the queue. */
  #pushed = 0;
  /** States that are not sent yet, by key: a state of the same job that follows in time joins the same command. */
  readonly #unsent = new Map<string, Write>();
  /** By key, fields: that jobs are executing which another node may have by now. */
  readonly #doubtful = new Map<string, string[]>();
  /** What Redis has not answered yet. */
  #underWay: readonly Write[] = [];
  /** Sent in one command. */
  #acknowledgements: Acknowledgement[] = [];
  /** Entries whose acknowledgement is on its way. */
  readonly #acknowledging = new Set<string>();
  readonly #refused: RefusedStates;
  #isFlushing = false;
  #trouble: Trouble | undefined;
  readonly #pause = new Pause();
  #closed = false;
  readonly #waitingForFlush = new Waiters();

  /** `isOwn`: false while the node cannot know whether it still has the job of this entry. */
  constructor(redis: Redis, qpuId: string, log: Logger, isOwn: (messageId: string) => boolean = () => true) {
    this.#redis = redis;
    this.#qpuId = qpuId;
    this.#log = log;
    this.#isOwn = isOwn;
    this.#refused = new RefusedStates((key, fields) => this.#sendAgain(key, fields));
  }

  /** Why Redis takes no writes at the moment, if so. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Why Redis has not taken the states of some jobs, if so: nothing waits for them. */
  get stateTrouble(): Trouble | undefined {
    return this.#refused.trouble;
  }

  executing(jobId: string, messageId: string): Promise<void> {
    return this.#status(jobId, executingFields(messageId, this.#qpuId));
  }

  /** The terminal state of a job. */
  ended(ending: Ending): Promise<void> {
    return this.#status(ending.jobId, endedFields(ending, this.#qpuId));
  }

  async endedUnsaved(ending: Ending): Promise<void> {
    for (const messageId of ending.messageIds) this.#acknowledging.add(messageId);
    // A Redis without memory refuses the state, and takes the acknowledgement.
    await this.ended(ending);
    // It may have crashed since, and have lost it.
    void this.ended(ending);
    await this.acknowledge(ending.messageIds);
  }

  withdrawStart(jobId: string): void {
    const key = statusKey(jobId);
    for (const write of [...this.#underWay, ...this.#queue])
      if (write.key === key && stateIn(write) === 'executing') write.isWithdrawn = true;
    this.#unsent.delete(key);
    this.#doubtful.delete(key);
    this.#refused.withdrawStart(key);
  }

  /** Leases were renewed: of the jobs that are still this node's, it is said that they are executing. */
  sayDoubtful(): void {
    const doubtful = [...this.#doubtful];
    this.#doubtful.clear();
    for (const [key, fields] of doubtful) this.#enqueueState(key, fields, []);
  }

  async acknowledge(messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return;
    for (const messageId of messageIds) this.#acknowledging.add(messageId);
    await new Promise<void>((resolve) => {
      this.#acknowledgements.push({ behind: this.#pushed, messageIds, resolve });
      this.#startFlush();
    });
    for (const messageId of messageIds) this.#acknowledging.delete(messageId);
  }

  /** Removes a key; resolves once that is done, or refused. */
  remove(key: string): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ command: 'del', key, args: [], resolves: [resolve] });
      this.#startFlush();
    });
  }

  /** Whether this entry is done, and Redis may not know it yet. */
  isAcknowledging(messageId: string): boolean {
    return this.#acknowledging.has(messageId);
  }

  /** Resolves once Redis has taken everything. */
  async flushed(): Promise<void> {
    while (this.#isFlushing) await this.#waitingForFlush.next();
  }

  /** Gives up the writes that Redis has not taken by now. */
  close(): void {
    this.#closed = true;
    this.#pause.wake();
    this.#refused.close();
    const { trouble } = this.#refused;
    if (trouble !== undefined) this.#log.warn(`${trouble.text} → ${trouble.remedy}`);
  }

  /** `fields`: name, value, … */
  #status(jobId: string, fields: string[]): Promise<void> {
    const key = statusKey(jobId);
    return new Promise((resolve) => {
      const earlier = this.#unsent.get(key);
      if (earlier !== undefined) {
        earlier.args.push(...fields);
        earlier.resolves.push(resolve);
        return;
      }
      const doubtful = this.#doubtful.get(key) ?? [];
      this.#doubtful.delete(key);
      this.#enqueueState(key, this.#refused.withKept(key, [...doubtful, ...fields]), [resolve]);
    });
  }

  /** Fields that Redis has refused before: a newer state of the job counts more. */
  #sendAgain(key: string, fields: readonly string[]): void {
    const newer = this.#unsent.get(key)?.args ?? this.#doubtful.get(key);
    if (newer !== undefined) {
      newer.unshift(...fields);
      return;
    }
    const older: Write = { command: 'hset', key, args: [...fields], resolves: [] };
    const sent = this.#underWay.find((write) => write.command === 'hset' && write.key === key);
    const left = sent === undefined ? older : withoutFields(older, new Set(namesOf(sent)));
    // If nothing is left, the answer to what is under way ends it.
    if (left !== undefined) this.#enqueueState(key, left.args, []);
  }

  #enqueueState(key: string, args: string[], resolves: (() => void)[]): void {
    const write: Write = { command: 'hset', key, args, resolves };
    this.#unsent.set(key, write);
    this.#queue.push(write);
    this.#pushed += 1;
    this.#startFlush();
  }

  #startFlush(): void {
    if (!this.#isFlushing) void this.#flush();
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    this.#isFlushing = true;
    // Writes of this time go together, and after those that the device or the cloud waits for.
    await sleep(GATHER_MS);
    for (let retryMs = FIRST_RETRY_MS; !this.#closed;) {
      const batch = this.#nextBatch();
      if (batch.length === 0) {
        if (this.#queue.length === 0) break;
        continue;
      }
      this.#underWay = batch;
      const failed = await this.#send(batch);
      this.#underWay = [];
      if (failed.length === 0) {
        this.#trouble = undefined;
        retryMs = FIRST_RETRY_MS;
        continue;
      }
      this.#queue = [...failed, ...this.#queue];
      await this.#pause.wait(jitter(retryMs));
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
    // In the same turn in which the queue was found empty: a write that comes later starts a new flush.
    this.#isFlushing = false;
    this.#waitingForFlush.notify();
  }

  #nextBatch(): Write[] {
    const next = this.#queue.splice(0, MOST_PER_PIPELINE);
    const batch: Write[] = [];
    for (const write of next) {
      const newest = this.#unsent.get(write.key);
      if (newest === write) this.#unsent.delete(write.key);
      if (write.isWithdrawn === true) resolved(write);
      else if (this.#isDoubtful(write)) this.#putOff(write, newest === write ? undefined : newest);
      else batch.push(write);
    }
    const sent = this.#pushed - this.#queue.length;
    let count = 0;
    while (count < MOST_PER_PIPELINE && (this.#acknowledgements[count]?.behind ?? Infinity) <= sent)
      count += 1;
    const acknowledged = this.#acknowledgements.splice(0, count);
    if (acknowledged.length === 0) return batch;
    const messageIds = acknowledged.flatMap((each) => each.messageIds);
    batch.push({
      command: 'xack',
      key: streamKey(this.#qpuId),
      args: [groupName(this.#qpuId), ...messageIds],
      resolves: acknowledged.map(({ resolve }) => resolve),
    });
    return batch;
  }

  /** A start that waited, as in an outage, may come after the end that another node has written. */
  #isDoubtful(write: Write): boolean {
    return stateIn(write) === 'executing' && !this.#isOwn(entryIn(write));
  }

  #putOff(write: Write, newer: Write | undefined): void {
    resolved(write);
    if (newer === undefined) this.#doubtful.set(write.key, write.args);
    else newer.args.unshift(...write.args);
  }

  /** Returns the writes that must be repeated. */
  async #send(batch: readonly Write[]): Promise<Write[]> {
    const commands = batch.map(({ command, key, args }): RedisCommand => [command, key, ...args]);
    const replies = await sendTogether(this.#redis, commands);
    if (this.#refused.size === 0 && replies.every((reply) => reply[0] === null)) {
      for (const write of batch) resolved(write);
      return [];
    }
    const failed: Write[] = [];
    /** Of each hash, the fields that later writes of this batch set. */
    const newer = new Map<string, Set<string>>();
    const last = replies.at(-1)?.[0];
    const isUnacknowledged = batch.at(-1)?.command === 'xack' && isConnectionFault(last);
    for (let i = batch.length - 1; i >= 0; i -= 1) {
      const write = batch[i];
      if (write === undefined) continue;
      const error = replies[i]?.[0] ?? null;
      if (error !== null) this.#failed(write, error, newer, failed);
      else {
        this.#taken(write, newer);
        // A server that has crashed may have lost it again, and nothing else says how such a job has ended.
        const again =
          isUnacknowledged && isCancel(write) ? withoutFields(write, newer.get(write.key)) : undefined;
        if (again !== undefined) failed.push({ ...again, resolves: [] });
      }
      if (write.command === 'hset') rememberFields(newer, write);
    }
    return failed.toReversed();
  }

  #taken(write: Write, newer: ReadonlyMap<string, ReadonlySet<string>>): void {
    resolved(write);
    if (write.command !== 'hset') return;
    if (!newer.has(write.key)) this.#refused.outdated(write.key, write.args);
    this.#refused.written(write.key);
  }

  #failed(
    write: Write,
    error: Error,
    newer: ReadonlyMap<string, ReadonlySet<string>>,
    failed: Write[],
  ): void {
    const trouble = redisTrouble(error, this.#redis);
    const rest = write.isWithdrawn ? undefined : withoutFields(write, newer.get(write.key));
    if (isRefused(write, error.message)) {
      this.#log.debug(`Redis refuses ${whatOf(write)}: ${trouble.text}; it is kept`);
      if (rest !== undefined) this.#refused.keep(write.key, rest.args, trouble);
      resolved(write);
      return;
    }
    if (isFinal(write, error.message)) {
      // rights.ts reports a missing right; what is not removed expires.
      const level = write.command === 'del' ? 'debug' : 'error';
      this.#log[level](`Redis refuses ${whatOf(write)}: ${trouble.text} → ${trouble.remedy}`);
      resolved(write);
      return;
    }
    // Others report a lost connection.
    if (!isConnectionFault(error)) {
      this.#log.debug(`Redis refuses ${whatOf(write)}: ${trouble.text}; repeating it`);
      this.#trouble = trouble;
    }
    if (rest === undefined) {
      resolved(write);
      return;
    }
    if (!newer.has(write.key)) this.#refused.outdated(write.key, rest.args);
    failed.push(rest);
  }
}
