// Entries that were delivered before and have no outcome: this node's own from an earlier run or a lost reply, and
// those of consumers that died. Also renews the leases of the entries that the node has, so that no other node takes them.
//
//   pending here, unknown to the node ----\
//                                          > found -> fetched and taken in, as the reader finds room
//   lease expired elsewhere -> taken over -/
//   pending here, known: its lease is renewed
//   queued here, pending elsewhere or not at all: another node has it now, so it is dropped
//
// One sweep does all of this, in the order: drop, renew, find, take over. A job that no sweep has found to be this node's
// for most of a lease is not started, until one has.
import type { Redis } from 'ioredis';
import type { RunMarker } from '../device/run-marker.ts';
import type { Trouble } from '../errors.ts';
import type { Endings } from '../jobs/endings.ts';
import type { HeldJob } from '../jobs/job.ts';
import type { JobTable } from '../jobs/job-table.ts';
import type { Logger } from '../log.ts';
import { lookIntoTrouble } from '../net/redis-trouble.ts';
import { isConnectionFault, isShardDown } from '../net/redis.ts';
import { Listeners } from '../net/timing.ts';
import { statusKey } from '../protocol/keys.ts';
import { printable } from '../protocol/text.ts';
import type { Deferred } from './deferred.ts';
import type { Entries } from './entries.ts';
import type { Intake } from './intake.ts';
import { isGroupMissing, type JobStream, type PendingEntry } from './stream.ts';

/** A reply that was lost with its connection is found again this soon. */
const LONGEST_SWEEP_INTERVAL_MS = 5_000;

/** Of a lease: a node that is alive renews its entries after a third of it at the latest. */
const NEGLECTED = 0.4;
/** Of a lease: for so long after Redis was asked, an entry is surely still this node's. */
export const SAFE_LEASE = 0.8;
const LONGEST_NAME = 100;

const TERMINAL: ReadonlySet<string | null> = new Set(['completed', 'failed', 'cancelled']);

export interface RecoveryOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly held: JobTable;
  readonly intake: Intake;
  readonly endings: Endings;
  readonly leaseMs: number;
  readonly marker: RunMarker;
  readonly deferred: Deferred;
  readonly log: Logger;
}

interface Found extends PendingEntry {
  readonly takenOver: boolean;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #found = new Map<string, Found>();
  readonly #onSwept = new Listeners();
  #trouble: Trouble | undefined;
  #sweeping: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  /** Until then no other consumer counts as dead; monotonic milliseconds. */
  #takeOverFrom = 0;
  /** When the leases were last seen to be fresh; monotonic milliseconds. */
  #renewedAt = -Infinity;
  #isDraining = false;
  #closed = false;
  #backlog: number | undefined;
  /** Other nodes that have jobs and do not renew them. */
  #silent: ReadonlySet<string> = new Set();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Calls `listener` after each sweep: leases are fresh, and there may be something to recover. */
  onSwept(listener: () => void): void {
    this.#onSwept.add(listener);
  }

  /** Entries that wait to be recovered. */
  get waiting(): number {
    return this.#found.size;
  }

  /** Why pending jobs cannot be looked at, if so. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Jobs in the stream that no node has read, at the last sweep; undefined if that is not known. */
  get backlog(): number | undefined {
    return this.#backlog;
  }

  /** Waits for Redis, however long that takes; then sweeps at once, and from time to time until `close`. Resolves with
   *  the first sweep. */
  async start(): Promise<void> {
    const { redis, stream, leaseMs } = this.#options;
    if (redis.status !== 'ready') await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
    // If the group cannot be made yet, the reader will say so, and make it later.
    await stream.ensureGroup(redis).catch(() => {});
    if (this.#isDraining || this.#closed) return;
    redis.on('ready', () => this.#reconnected());
    const intervalMs = Math.min(leaseMs / 6, LONGEST_SWEEP_INTERVAL_MS);
    this.#timer = setInterval(() => void this.sweep(), intervalMs);
    await this.sweep();
  }

  /** From here on, only the leases of jobs under way are renewed: all others are left to other nodes, or to the next
   *  start. */
  drain(): void {
    this.#isDraining = true;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  /** Whether the node can be sure that a queued job is still its own. */
  hasLease(job: HeldJob): boolean {
    return performance.now() < this.leaseEnd(job);
  }

  /** Until when it can be, if no lease is renewed before that; of performance.now(). */
  leaseEnd(job: HeldJob): number {
    return job.heldSince + this.#safeLeaseMs;
  }

  /** Looks for entries to recover and renews leases; one sweep at a time, and one more if asked meanwhile. Never rejects. */
  sweep(): Promise<void> {
    if (this.#sweeping !== undefined) {
      this.#again = true;
      return this.#sweeping;
    }
    this.#sweeping = this.#sweepOnce().finally(() => {
      this.#sweeping = undefined;
      if (!this.#again) return;
      this.#again = false;
      void this.sweep();
    });
    return this.#sweeping;
  }

  /** Takes up to `count` of the waiting entries in; returns whether there were any. */
  async take(count: number, source: Entries): Promise<boolean> {
    // An entry that was found before an outage may be another node's by now: the next sweep finds out.
    if (this.#found.size === 0 || !this.#isFresh(this.#renewedAt)) return false;
    const { redis, stream, intake } = this.#options;
    // The sweep has them for this node; to fetch them claims nothing.
    const hadAt = this.#renewedAt;
    const { asked: batch, entries } = await source.fetch([...this.#found.values()].slice(0, count));
    if (entries === undefined) return true;
    for (const { messageId } of batch) this.#found.delete(messageId);
    if (entries.length < batch.length) {
      const fetched = new Set(entries.map(({ messageId }) => messageId));
      const missing = batch.map(({ messageId }) => messageId).filter((id) => !fetched.has(id));
      await stream.acknowledgeDeleted(redis, missing);
    }
    await intake.take(entries, hadAt, new Map(batch.map((found) => [found.messageId, found])));
    return true;
  }

  get #safeLeaseMs(): number {
    return this.#options.leaseMs * SAFE_LEASE;
  }

  #isFresh(since: number): boolean {
    return performance.now() - since < this.#safeLeaseMs;
  }

  async #sweepOnce(): Promise<void> {
    const { redis, stream, log } = this.#options;
    // Each connection begins with a sweep.
    if (redis.status !== 'ready') return;
    try {
      await this.#sweep().catch(async (thrown: unknown) => {
        if (!isGroupMissing(thrown)) throw thrown;
        // The reader does not notice it while there is no room for further jobs, and these wait for the sweep.
        await stream.ensureGroup(redis);
        log.info(`created the consumer group ${stream.group}`);
        await this.#sweep();
      });
      this.#trouble = undefined;
    } catch (thrown) {
      // Others report a lost connection.
      this.#trouble = isConnectionFault(thrown) ? undefined : await lookIntoTrouble(thrown, redis);
      if (this.#trouble !== undefined) log.debug(`pending jobs cannot be looked at: ${this.#trouble.text}`);
    }
  }

  /** After an outage every lease looks expired; wait half a lease before taking anything over. */
  #reconnected(): void {
    this.#takeOverFrom = performance.now() + this.#options.leaseMs / 2;
    void this.sweep();
  }

  async #sweep(): Promise<void> {
    const { redis, stream, marker, deferred, leaseMs } = this.#options;
    const startedAt = performance.now();
    deferred.retryShards(isShardDown(redis));
    const own = await stream.ownPending(redis);
    const orphans = await this.#dropLost(own, startedAt);
    const renewed = await this.#renew(own, startedAt);
    if (this.#isDraining) return;
    this.#confirm(renewed, orphans, startedAt);
    // Only now: the jobs that this node may no longer start are gone from its queue.
    this.#renewedAt = startedAt;
    this.#note(renewed, new Set());
    const ownIds = new Set(own.map(({ messageId }) => messageId));
    marker.keepPending(ownIds);
    deferred.keepPending(ownIds);
    if (startedAt >= this.#takeOverFrom) {
      // This node's own entries were renewed just now: the expired ones are of others.
      const taken = new Set(await stream.takeOver(redis, leaseMs));
      if (taken.size > 0) this.#note(await stream.ownPending(redis), taken);
    }
    this.#onSwept.notify();
    await this.#lookAround(own.length);
  }

  /** For people only: a Redis user without the right for it can still do everything else. */
  async #lookAround(own: number): Promise<void> {
    const { redis, stream, leaseMs, log } = this.#options;
    try {
      const { backlog, pending } = await stream.counts(redis);
      this.#backlog = backlog;
      const neglected = pending > own ? await stream.neglected(redis, Math.ceil(leaseMs * NEGLECTED)) : [];
      const consumers = new Set(neglected.map(({ consumer }) => consumer));
      for (const name of consumers) {
        if (this.#silent.has(name)) continue;
        const jobs = neglected.filter(({ consumer }) => consumer === name).length;
        log.info(
          `jobs that Redis gave to ${printable(name, LONGEST_NAME)}, which does not renew them: ${jobs}. ` +
            `They are taken over ${leaseMs / 1000} s after it last did (leaseSec), or run as soon as it is started again`,
        );
      }
      this.#silent = consumers;
    } catch {
      this.#backlog = undefined;
    }
  }

  /** Returns the entries that are still this node's. */
  async #renew(own: readonly PendingEntry[], sweepStartedAt: number): Promise<readonly PendingEntry[]> {
    const { redis, stream, deferred, leaseMs } = this.#options;
    const dueMs = Math.floor(leaseMs / 6);
    const passedMs = performance.now() - sweepStartedAt;
    // Another node may have taken them over since, and have had them for so long that they would be taken back from it.
    const isLate = ({ idleMs }: PendingEntry): boolean => passedMs >= Math.max(leaseMs - idleMs, 0) + dueMs;
    const lost = new Set(own.filter(isLate).map(({ messageId }) => messageId));
    const due = own
      .filter(({ idleMs }) => idleMs >= dueMs)
      .map(({ messageId }) => messageId)
      .filter((messageId) => !lost.has(messageId) && !deferred.has(messageId))
      .filter((messageId) => !this.#isDraining || this.#isUnderWay(messageId));
    if (due.length > 0) {
      const renewed = await stream.renew(redis, due, dueMs);
      for (const messageId of due) if (!renewed.has(messageId)) lost.add(messageId);
    }
    return lost.size === 0 ? own : own.filter(({ messageId }) => !lost.has(messageId));
  }

  /** The jobs of these entries, and the orphans, are this node's, as Redis has just said. */
  #confirm(renewed: readonly PendingEntry[], orphans: readonly HeldJob[], sweepStartedAt: number): void {
    const { held } = this.#options;
    for (const job of orphans) job.heldSince = sweepStartedAt;
    for (const { messageId } of renewed) {
      const job = held.ofMessage(messageId);
      if (job?.messageIds[0] !== messageId) continue;
      // Another node may have had it, and have run it, since Redis was asked what it knows of it.
      if (job.stage === 'checking' && sweepStartedAt >= this.leaseEnd(job)) continue;
      job.heldSince = Math.max(job.heldSince, sweepStartedAt);
    }
  }

  /** Whether its job runs, or has its outcome. */
  #isUnderWay(messageId: string): boolean {
    const { held, intake } = this.#options;
    const stage = held.ofMessage(messageId)?.stage;
    return stage === 'running' || (stage === undefined && intake.knows(messageId));
  }

  /** `own`: all entries that are pending for this node; the others are forgotten. */
  #note(own: readonly PendingEntry[], taken: ReadonlySet<string>): void {
    const { intake, log } = this.#options;
    const ownIds = new Set(own.map(({ messageId }) => messageId));
    for (const messageId of this.#found.keys()) if (!ownIds.has(messageId)) this.#found.delete(messageId);
    const before = this.#found.size;
    for (const entry of own) {
      if (intake.knows(entry.messageId) || this.#found.has(entry.messageId)) continue;
      this.#found.set(entry.messageId, { ...entry, takenOver: taken.has(entry.messageId) });
    }
    const more = this.#found.size - before;
    if (more > 0) log.info(`${more} jobs of earlier deliveries are taken up again`);
  }

  /** Drops queued jobs that another node has taken over, or has finished, while this one was out of touch. Returns those
   *  that are not pending for this node, and are its own all the same. */
  async #dropLost(own: readonly PendingEntry[], sweepStartedAt: number): Promise<readonly HeldJob[]> {
    const { held, endings, redis, stream, log } = this.#options;
    const ownIds = new Set(own.map(({ messageId }) => messageId));
    const missing = [...held.all()].filter(
      ({ stage, messageIds, heldSince }) =>
        isWaiting(stage) && !ownIds.has(messageIds[0]) && heldSince < sweepStartedAt,
    );
    if (missing.length === 0) return [];
    const holders = await stream.holders(
      redis,
      missing.map(({ messageIds }) => messageIds[0]),
    );
    const kept: HeldJob[] = [];
    for (const [i, job] of missing.entries()) {
      const holder = holders[i];
      const isLost = holder === undefined ? await this.#isElsewhere(job) : holder !== stream.consumer;
      if (!isLost) kept.push(job);
      if (!isLost || !isWaiting(job.stage)) continue;
      log.warn(`job ${job.jobId} went to ${holder ?? 'another node'} while this node was out of touch`, {
        job: job.jobId,
      });
      endings.givenBack(job);
    }
    return kept;
  }

  /** Of a job whose entry is pending nowhere. If the stream still has the entry, it was acknowledged, or will be delivered
   *  once more; the state may be this node's own, which came late. If not, the job may have ended before the entry was
   *  removed, or the stream was flushed and only this node still knows the job. */
  async #isElsewhere({ jobId, messageIds }: HeldJob): Promise<boolean> {
    const { redis, stream } = this.#options;
    const [found] = await stream.jobIds(redis, [messageIds[0]]);
    return found === jobId || TERMINAL.has(await redis.hget(statusKey(jobId), 'state'));
  }
}

/** Whether a job at this stage would run without being looked at once more. */
function isWaiting(stage: HeldJob['stage']): boolean {
  return stage === 'queued' || stage === 'preparing';
}
