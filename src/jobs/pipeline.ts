// The way of a job: reader -> intake -> runner -> outbox, wired together.
import type { Redis, RedisOptions } from 'ioredis';
import type { Settings } from '../config/settings.ts';
import type { LoadedExecutor } from '../device/executor.ts';
import type { Cancellation, Hooks } from '../hooks.ts';
import type { Logger } from '../log.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Outcome } from '../protocol/webhook.ts';
import type { ReadinessReport } from '../kernel/readiness.ts';
import { batchSize } from '../device/batch-size.ts';
import type { Admission } from '../kernel/admission.ts';
import { JobTable, type HeldJob, type QueuedJob } from './job-table.ts';
import { Intake } from '../queue/intake.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { Reader } from '../queue/reader.ts';
import { Recovery } from '../queue/recovery.ts';
import { RedisHealth } from '../queue/redis-health.ts';
import { RedisWrites } from '../queue/redis-writes.ts';
import { Replay } from '../outbox/replay.ts';
import { RunMarker } from '../device/run-marker.ts';
import { Runner } from '../device/runner.ts';
import type { NodeFolder } from '../state/node-folder.ts';
import { JobStream } from '../queue/stream.ts';

/** So many runs are marked as begun ahead of time, with one write. */
const MARKED_AHEAD = 4;

/** The job path as plugins see it. */
export interface Jobs {
  /** The job that runs now; of a batch, its first. */
  readonly current: string | null;
  /** When the last run ended; ISO 8601, UTC. */
  readonly lastJobAt: string | null;
  /** Keeps jobs from being taken and started. */
  readonly admission: Admission;
  /** The jobs on which a cancel can still take effect. */
  cancellable(): string[];
  /** Cancels a job of this node; false where it is not here, or too late. */
  cancel(jobId: string): boolean;
}

export interface JobPipelineOptions {
  readonly settings: Settings;
  readonly qpuId: string;
  readonly spool: NodeFolder;
  readonly outbox: Outbox;
  readonly admission: Admission;
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly log: Logger;
  readonly openRedis: (name: string, options?: RedisOptions) => Redis;
}

export class JobPipeline implements Jobs {
  readonly admission: Admission;
  lastJobAt: string | null = null;
  readonly #options: JobPipelineOptions;
  readonly #held = new JobTable();
  readonly #redis: Redis;
  readonly #writes: RedisWrites;
  readonly #health: RedisHealth;
  readonly #stream: JobStream;
  readonly #intake: Intake;
  readonly #recovery: Recovery;
  readonly #reader: Reader;
  readonly #runner: Runner;
  readonly #marker: RunMarker;
  readonly #replay: Replay;
  #stopped = false;
  /** Of the jobs that were here last, on average. */
  #bytesEach = 1024;

  constructor(options: JobPipelineOptions) {
    this.#options = options;
    const { settings, qpuId, spool, outbox, admission, loaded, hooks, log } = options;
    const held = this.#held;
    this.admission = admission;
    // No command outlives its connection: one that claims entries might take from another node, minutes later, what
    // it has taken over meanwhile. Whoever needs an answer asks again.
    const redis = (this.#redis = options.openRedis('jobs', { maxRetriesPerRequest: 0 }));
    const readerRedis = options.openRedis('reader', { maxRetriesPerRequest: 0 });
    this.#stream = new JobStream(qpuId, spool.consumer);
    this.#marker = new RunMarker(spool.directory, settings.maxDeliveries);
    const writes = (this.#writes = new RedisWrites(redis, qpuId, log));
    this.#intake = new Intake({
      redis,
      stream: this.#stream,
      held,
      outbox,
      writes,
      spool: spool.directory,
      maxDeliveries: settings.maxDeliveries,
      log,
      onComing: (messageIds) => {
        if (held.queued === 0) this.#marker.next(messageIds.slice(0, MARKED_AHEAD), 1);
      },
      onQueued: () => this.#runner.wake(),
      onCancelled: (job) => this.#cancelHeld(job, 'queued'),
      onOutcome: (job, outcome) => void this.#save(job, outcome),
    });
    this.#recovery = new Recovery({
      redis,
      stream: this.#stream,
      held,
      intake: this.#intake,
      leaseMs: settings.leaseSec * 1000,
      interrupted: this.#marker.interrupted,
      log,
      onSwept: () => this.#wake(),
    });
    this.#reader = new Reader({
      redis: readerRedis,
      stream: this.#stream,
      log,
      room: () => this.#room(),
      recover: (room) => this.#recovery.take(room),
      take: (entries) => this.#intake.take(entries),
    });
    this.#runner = new Runner({
      held,
      loaded,
      hooks,
      log,
      concurrency: settings.concurrency,
      jobTimeoutMs: settings.jobTimeoutSec * 1000,
      cancelGraceMs: settings.cancelGraceSec * 1000,
      mayStart: (job) => admission.isOpen && this.#recovery.hasLease(job),
      onStarting: (jobs) => this.#marker.begin(jobs.map(({ messageIds }) => messageIds[0])),
      onStarted: (jobs) => {
        for (const { jobId, messageIds } of jobs) void writes.executing(jobId, messageIds[0]);
        const next = held.peek(MARKED_AHEAD * jobs.length);
        this.#marker.next(
          next.map(({ messageIds }) => messageIds[0]),
          jobs.length,
        );
      },
      onOutcome: (job, outcome) => this.#afterRun(job, outcome),
      onEnded: (job) => this.#ended(job),
    });
    this.#replay = new Replay({
      spool: spool.directory,
      log,
      hasRoom: () => outbox.size < settings.outboxMaxJobs,
      isBusyWith: (jobId) => held.get(jobId) !== undefined || outbox.has(jobId),
      resubmit: (saved) => outbox.resubmit(saved),
    });
    this.#health = new RedisHealth(redis);
    admission.onOpen(() => this.#wake());
    readerRedis.on('ready', () => this.#reader.wake());
    // A reply that was lost with the reader's connection exists only in the pending list.
    readerRedis.on('close', () => void this.#recovery.sweep());
  }

  /** Starts delivering what is saved, and taking jobs as soon as Redis answers. Does not wait for Redis. */
  start(): void {
    const { hooks, outbox } = this.#options;
    outbox.start({
      writes: this.#writes,
      deliver: async (saved, attempt) =>
        (await hooks.deliver.promise(saved, attempt)) ?? {
          kind: 'retry',
          reason: 'no plugin delivers results',
          sent: false,
        },
    });
    this.#replay.start();
    this.#runner.start();
    void this.#begin();
  }

  get current(): string | null {
    return this.#runner.current;
  }

  cancellable(): string[] {
    const held = [...this.#held.all()].map(({ jobId }) => jobId);
    return [...held, ...this.#options.outbox.cancellable()];
  }

  cancel(jobId: string): boolean {
    const job = this.#held.get(jobId);
    if (job === undefined) {
      if (!this.#options.outbox.cancel(jobId)) return false;
      this.#announceCancel({ jobId, stage: 'delivering' });
      return true;
    }
    if (job.stage === 'running') this.#runner.drop(job as QueuedJob, 'the job was cancelled');
    this.#cancelHeld(job, job.stage === 'running' ? 'running' : 'queued');
    return true;
  }

  /** Stops what is on the device; each of these jobs is reported failed with `reason`. */
  failRunning(reason: string): void {
    for (const job of [...this.#held.all()]) {
      if (job.stage !== 'running') continue;
      this.#runner.drop(job as QueuedJob, reason);
      this.#save(job, { status: 'failed', error: reason });
    }
  }

  /** Adds what the job path knows to a readiness report. */
  report(report: ReadinessReport): void {
    const { outbox, loaded } = this.#options;
    report.redisHealthy = this.#health.healthy;
    report.currentJob = this.current;
    report.lastJobAt = this.lastJobAt;
    const reasons = [
      ...this.admission.reasons,
      ...[this.#health.trouble ?? this.#reader.trouble, this.#runner.stuck, this.#writes.trouble],
    ];
    for (const reason of reasons) if (reason !== undefined) report.notReady(reason);
    report.add('executor', loaded.source);
    report.add('queued', this.#held.waiting + this.#recovery.waiting);
    if (this.#recovery.backlog !== undefined) report.add('backlog', this.#recovery.backlog);
    report.add('undelivered', outbox.size);
    if (outbox.outage !== undefined) report.add('delivery_trouble', outbox.outage);
  }

  /** Takes no further job, and waits until the running ones have ended and everything is delivered.
   *  After `timeoutMs` the rest is given up: runs start again, and results are delivered, after the next start. */
  async drain(timeoutMs: number): Promise<void> {
    const { log, outbox } = this.#options;
    this.#stopped = true;
    this.admission.close('drain', 'the node is shutting down');
    this.#replay.stop();
    this.#reader.stop();
    this.#recovery.drain();
    const deadline = performance.now() + timeoutMs;
    if (this.current !== null) log.info(`waiting for job ${this.current} to end`);
    const ended = await within(this.#runner.drain(), timeoutMs);
    if (!ended) {
      log.warn(
        `job ${this.current} has not ended within ${timeoutMs / 1000} s; it runs again after the next start`,
      );
      this.#runner.abandon('the node is shutting down');
    }
    if (outbox.size > 0) log.info(`waiting for ${outbox.size} results to be delivered`);
    await within(outbox.empty(), Math.max(deadline - performance.now(), 0));
    if (outbox.size > 0)
      log.warn(`${outbox.size} results are saved and will be delivered after the next start`);
    await within(this.#writes.flushed(), this.#health.healthy ? 1_000 : 0);
  }

  close(): void {
    this.#stopped = true;
    this.#replay.stop();
    this.#reader.stop();
    this.#recovery.close();
    this.#runner.abandon('the node is shutting down');
    this.#health.close();
    this.#writes.close();
    this.#marker.close();
  }

  /** What was pending before is taken up before anything new is read. Waits for Redis however long that takes. */
  async #begin(): Promise<void> {
    const redis = this.#redis;
    if (redis.status !== 'ready') await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
    // Where the group cannot be made yet, the reader will say so, and make it later.
    await this.#stream.ensureGroup(redis).catch(() => {});
    if (this.#stopped) return;
    redis.on('ready', () => this.#recovery.reconnected());
    await this.#recovery.start();
    if (!this.#stopped) this.#reader.start();
  }

  #wake(): void {
    this.#reader.wake();
    this.#runner.wake();
  }

  /** How many more jobs to take: enough that the device never waits for Redis, bounded by count and by memory. */
  #room(): number {
    if (!this.admission.isOpen) return 0;
    const { settings, hooks, log } = this.#options;
    const held = this.#held;
    const jobMs = Math.max(this.#runner.runMs / settings.concurrency, 0.005);
    // A job that is asked for now is ready after the read that is under way, its own, and the check; and one round
    // trip to spare.
    const fetchMs = 4 * this.#health.roundTripMs;
    const batch = batchSize(hooks, settings.prefetch, log);
    const depth = Math.ceil(fetchMs / jobMs) + settings.concurrency + Math.max(1, 2 * (batch - 1));
    const room = Math.min(depth, settings.prefetch) - held.waiting;
    if (held.size > 0) this.#bytesEach = held.bytes / held.size;
    const bytesLeft = settings.prefetchMaxMb * 1024 * 1024 - held.bytes;
    const fitting = Math.min(room, Math.floor(bytesLeft / this.#bytesEach));
    // However large a job is, one may wait.
    return held.waiting === 0 ? Math.max(fitting, 1) : fitting;
  }

  #afterRun(job: QueuedJob, outcome: Outcome): void {
    const { hooks } = this.#options;
    this.lastJobAt = this.#save(job, outcome);
    if (!isTapped(hooks.afterRun)) return;
    const { jobId, messageIds, callbackUrl, circuit } = job;
    void hooks.afterRun.promise({ jobId, messageId: messageIds[0], callbackUrl, ...circuit }, outcome);
  }

  /** Returns when the job ended. */
  #save(job: HeldJob, outcome: Outcome): string {
    const { outbox, qpuId } = this.#options;
    const endedAt = new Date().toISOString();
    void outbox.save({
      qpuId,
      jobId: job.jobId,
      messageIds: job.messageIds,
      callbackUrl: job.callbackUrl,
      outcome,
      endedAt,
    });
    this.#held.release(job);
    return endedAt;
  }

  #ended(job: QueuedJob): void {
    this.#marker.end(job.messageIds[0]);
    this.#reader.wake();
  }

  #cancelHeld(job: HeldJob, stage: Cancellation['stage']): void {
    const { jobId, messageIds } = job;
    const endedAt = new Date().toISOString();
    const ending = { jobId, messageIds, endedAt, outcome: { status: 'cancelled' as const } };
    this.#options.outbox.done.add(ending);
    void this.#writes.ended(ending);
    void this.#writes.acknowledge(messageIds);
    this.#held.release(job);
    this.#announceCancel({ jobId: job.jobId, stage });
    this.#reader.wake();
  }

  #announceCancel(cancellation: Cancellation): void {
    const { hooks, log } = this.#options;
    log.info(`job ${cancellation.jobId} is cancelled (${cancellation.stage})`);
    if (isTapped(hooks.onCancel)) void hooks.onCancel.promise(cancellation);
  }
}

/** Whether `work` ended within `ms`. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return ended;
}
