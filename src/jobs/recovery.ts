// Entries that were delivered before and have no outcome: this node's own from an earlier run or a lost reply, and
// those of consumers that died. Also renews the leases of what the node holds, so that nobody else takes it.
import type { Redis } from 'ioredis';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { statusKey } from '../protocol/keys.ts';
import type { HeldJob, HeldJobs } from './held.ts';
import type { EarlierDelivery, Intake } from './intake.ts';
import type { PendingEntry, JobStream } from './stream.ts';

export interface RecoveryOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly held: HeldJobs;
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
  readonly #takenOver = new Set<string>();
  #sweeping: Promise<void> | undefined;
  /** From when on other consumers may be called dead; monotonic milliseconds. */
  #takeOverFrom = 0;
  /** When the leases were last renewed; monotonic milliseconds. */
  #renewedAt = 0;
  #again = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Entries that are known to wait for being recovered. */
  get waiting(): number {
    return this.#found.size;
  }

  /** After an outage nobody's lease is fresh: the living get time to renew theirs before anybody takes over. */
  reconnected(): void {
    this.#takeOverFrom = performance.now() + this.#options.leaseMs / 2;
    void this.sweep();
  }

  /** Whether the node can be sure that a queued job is still its own. */
  hasLease(job: HeldJob): boolean {
    const since = Math.max(job.heldSince, this.#renewedAt);
    return performance.now() - since < this.#options.leaseMs * 0.8;
  }

  /** Looks for entries to recover and renews leases; one sweep at a time, and one more if asked meanwhile. */
  sweep(): Promise<void> {
    if (this.#sweeping !== undefined) {
      this.#again = true;
      return this.#sweeping;
    }
    this.#sweeping = this.#sweep()
      .catch((thrown: unknown) =>
        this.#options.log.warn(`pending jobs cannot be looked at: ${messageOf(thrown)}`),
      )
      .finally(() => {
        this.#sweeping = undefined;
        if (!this.#again) return;
        this.#again = false;
        void this.sweep();
      });
    return this.#sweeping;
  }

  /** Takes up to `count` of the waiting entries in; says whether there were any. */
  async take(count: number): Promise<boolean> {
    if (this.#found.size === 0) return false;
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

  async #sweep(): Promise<void> {
    const { redis, stream, intake, leaseMs, log, onSwept } = this.#options;
    const startedAt = performance.now();
    if (startedAt >= this.#takeOverFrom) {
      for (const messageId of await stream.takeOver(redis, leaseMs)) this.#takenOver.add(messageId);
    }
    const own = await stream.ownPending(redis);
    const ownIds = new Set(own.map(({ messageId }) => messageId));
    for (const messageId of this.#found.keys()) if (!ownIds.has(messageId)) this.#found.delete(messageId);
    const known = this.#found.size;
    for (const pending of own) {
      if (intake.knows(pending.messageId) || this.#found.has(pending.messageId)) continue;
      const takenOver = this.#takenOver.delete(pending.messageId);
      this.#found.set(pending.messageId, { ...pending, takenOver });
    }
    this.#takenOver.clear();
    if (this.#found.size > known)
      log.info(`${this.#found.size - known} jobs of earlier deliveries are taken up again`);
    await stream.renew(redis, [...ownIds]);
    this.#renewedAt = startedAt;
    onSwept();
    await this.#dropLost(ownIds, startedAt);
  }

  /** Queued jobs that another node has taken over, or has finished, since this one lost touch are not run here. */
  async #dropLost(ownIds: ReadonlySet<string>, sweepStartedAt: number): Promise<void> {
    const { held, redis, stream, log } = this.#options;
    for (const job of [...held.all()]) {
      const [messageId] = job.messageIds;
      if (job.stage !== 'queued' || ownIds.has(messageId) || job.heldSince > sweepStartedAt) continue;
      const holder = await stream.holder(redis, messageId);
      // Nobody's: either finished elsewhere, or the stream was flushed, and then only this node still knows the job.
      const state = holder === undefined ? await redis.hget(statusKey(job.jobId), 'state') : null;
      const isLost = holder === undefined ? state !== null : holder !== stream.consumer;
      if (!isLost || job.stage !== 'queued') continue;
      log.warn(`job ${job.jobId} went to ${holder ?? 'another node'} while this node was out of touch`);
      held.release(job);
    }
  }
}
