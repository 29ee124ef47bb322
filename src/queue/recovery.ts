// Entries that were delivered before and have no outcome: this node's own from an earlier run or a lost reply, and
// those of consumers that died. Also renews the leases of what the node holds, so that nobody else takes it.
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { statusKey } from '../protocol/keys.ts';
import { redisFault } from '../net/redis.ts';
import type { HeldJob, JobTable } from '../jobs/job-table.ts';
import type { EarlierDelivery, Intake } from './intake.ts';
import type { PendingEntry, JobStream } from './stream.ts';

/** A reply that is lost with its connection is found again this soon. */
const LONGEST_SWEEP_INTERVAL_MS = 5_000;

const TERMINAL: ReadonlySet<string | null> = new Set(['completed', 'failed', 'cancelled']);

export interface RecoveryOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly held: JobTable;
  readonly intake: Intake;
  readonly leaseMs: number;
  /** Entries that were on the device when the node died. */
  readonly interrupted: ReadonlySet<string>;
  readonly log: Logger;
  /** Leases are fresh, and there may be something to recover. */
  readonly onSwept: () => void;
}

interface Found extends PendingEntry {
  readonly takenOver: boolean;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #found = new Map<string, Found>();
  #sweeping: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  /** From when on other consumers may be called dead; monotonic milliseconds. */
  #takeOverFrom = 0;
  /** When the leases were last seen to be fresh; monotonic milliseconds. */
  #renewedAt = -Infinity;
  #isDraining = false;
  #complaint: string | undefined;
  #backlog: number | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Entries that are known to wait for being recovered. */
  get waiting(): number {
    return this.#found.size;
  }

  /** Sweeps now, and from time to time until `close`. Resolves with the first sweep. */
  start(): Promise<void> {
    const intervalMs = Math.min(this.#options.leaseMs / 6, LONGEST_SWEEP_INTERVAL_MS);
    this.#timer = setInterval(() => void this.sweep(), intervalMs);
    return this.sweep();
  }

  /** From here on, only the leases of what runs are renewed: all else is left to other nodes, or to the next start. */
  drain(): void {
    this.#isDraining = true;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** After an outage nobody's lease is fresh: the living get time to renew theirs before anybody takes over. */
  reconnected(): void {
    this.#takeOverFrom = performance.now() + this.#options.leaseMs / 2;
    void this.sweep();
  }

  /** Whether the node can be sure that a queued job is still its own. */
  hasLease(job: HeldJob): boolean {
    return this.#isFresh(Math.max(job.heldSince, this.#renewedAt));
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

  /** Takes up to `count` of the waiting entries in; says whether there were any. */
  async take(count: number): Promise<boolean> {
    // What was found before an outage may be another node's by now: the next sweep will tell.
    if (this.#found.size === 0 || !this.#isFresh(this.#renewedAt)) return false;
    const { redis, stream, intake } = this.#options;
    const batch = [...this.#found.values()].slice(0, count);
    const entries = await stream.fetch(redis, batch);
    for (const { messageId } of batch) this.#found.delete(messageId);
    if (entries.length < batch.length) {
      const fetched = new Set(entries.map(({ messageId }) => messageId));
      const missing = batch.map(({ messageId }) => messageId).filter((id) => !fetched.has(id));
      await stream.acknowledgeDeleted(redis, missing);
    }
    await intake.take(entries, new Map(batch.map((found) => [found.messageId, this.#earlier(found)])));
    return true;
  }

  #earlier({ messageId, deliveries, takenOver }: Found): EarlierDelivery {
    return { deliveries, takenOver, interrupted: this.#options.interrupted.has(messageId) };
  }

  #isFresh(since: number): boolean {
    return performance.now() - since < this.#options.leaseMs * 0.8;
  }

  async #sweepOnce(): Promise<void> {
    const { redis, log } = this.#options;
    // Each connection begins with a sweep.
    if (redis.status !== 'ready') return;
    try {
      await this.#sweep();
      this.#complaint = undefined;
    } catch (thrown) {
      const complaint = redisFault(thrown);
      if (complaint !== this.#complaint) log.warn(`pending jobs cannot be looked at: ${complaint}`);
      this.#complaint = complaint;
    }
  }

  /** Jobs in the stream that no node has read, at the last sweep; undefined where that is not known. */
  get backlog(): number | undefined {
    return this.#backlog;
  }

  async #sweep(): Promise<void> {
    const { redis, stream, leaseMs, onSwept } = this.#options;
    const startedAt = performance.now();
    const own = await stream.ownPending(redis);
    await this.#dropLost(own, startedAt);
    await this.#renew(own);
    if (this.#isDraining) return;
    // Only now: what this node may not start any more is gone from its queue.
    this.#renewedAt = startedAt;
    this.#note(own, new Set());
    if (startedAt >= this.#takeOverFrom) {
      // What the node had itself was renewed just now: the rest is of others.
      const taken = new Set(await stream.takeOver(redis, leaseMs));
      if (taken.size > 0) this.#note(await stream.ownPending(redis), taken);
    }
    onSwept();
    // For people only: a user of Redis that may not ask this can still do everything else.
    this.#backlog = await stream.backlog(redis).catch(() => undefined);
  }

  async #renew(own: readonly PendingEntry[]): Promise<void> {
    const { redis, stream, leaseMs } = this.#options;
    const dueMs = Math.floor(leaseMs / 6);
    const due = own
      .filter(({ idleMs }) => idleMs >= dueMs)
      .map(({ messageId }) => messageId)
      .filter((messageId) => !this.#isDraining || this.#isUnderWay(messageId));
    await stream.renew(redis, due, dueMs);
  }

  /** Whether its job runs, or has its outcome. */
  #isUnderWay(messageId: string): boolean {
    const { held, intake } = this.#options;
    const stage = held.ofMessage(messageId)?.stage;
    return stage === 'running' || (stage === undefined && intake.knows(messageId));
  }

  /** `own`: all that is pending for this node; what is not, is forgotten. */
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

  /** Queued jobs that another node has taken over, or has finished, since this one lost touch are not run here. */
  async #dropLost(own: readonly PendingEntry[], sweepStartedAt: number): Promise<void> {
    const { held, redis, stream, log } = this.#options;
    const ownIds = new Set(own.map(({ messageId }) => messageId));
    const missing = [...held.all()].filter(
      ({ stage, messageIds, heldSince }) =>
        stage === 'queued' && !ownIds.has(messageIds[0]) && heldSince < sweepStartedAt,
    );
    if (missing.length === 0) return;
    const holders = await stream.holders(
      redis,
      missing.map(({ messageIds }) => messageIds[0]),
    );
    for (const [i, job] of missing.entries()) {
      const holder = holders[i];
      // Nobody's: either finished elsewhere, or the stream was flushed, and then only this node still knows the job.
      const state = holder === undefined ? await redis.hget(statusKey(job.jobId), 'state') : null;
      const isLost = holder === undefined ? TERMINAL.has(state) : holder !== stream.consumer;
      if (!isLost || job.stage !== 'queued') continue;
      log.warn(`job ${job.jobId} went to ${holder ?? 'another node'} while this node was out of touch`);
      held.release(job);
    }
  }
}
