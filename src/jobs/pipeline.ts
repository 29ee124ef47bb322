// A job's way through the node, put together:
//
//   reader -> intake -> job table -> runner -> endings -> outbox -> cloud
//              ^
//           recovery: what was read before and has no outcome
//
// Each part knows the parts that it works with; here they are made, started, stopped and reported on.
import type { Redis, RedisOptions } from 'ioredis';
import { messageOf, type Trouble } from '../errors.ts';
import type { Settings } from '../config/settings.ts';
import type { LoadedExecutor } from '../device/executor.ts';
import { DeviceTime, type DeviceFigures } from '../device/device-time.ts';
import { Holds, type Hold } from '../device/holds.ts';
import { OddResults } from '../device/result.ts';
import { RunMarker } from '../device/run-marker.ts';
import { Runner } from '../device/runner.ts';
import type { Hooks } from '../hooks.ts';
import type { Admission } from '../kernel/admission.ts';
import type { BusyTaps } from '../kernel/busy-taps.ts';
import { deepFrozen } from '../kernel/frozen.ts';
import type { ReadinessReport } from '../kernel/readiness.ts';
import { isTapped, onlyLook } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { endsWithin } from '../net/timing.ts';
import { deliveryFault, type Delivery } from '../outbox/delivery.ts';
import { Drops } from '../outbox/drops.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { WaitingResult } from '../outbox/overview.ts';
import { Replay } from '../outbox/replay.ts';
import { Deferred } from '../queue/deferred.ts';
import { Entries } from '../queue/entries.ts';
import { chooseConsumer, handBack, type HandedBack, type WhyKept } from '../queue/hand-back.ts';
import { Intake } from '../queue/intake.ts';
import { Reader } from '../queue/reader.ts';
import { Recovery, SAFE_LEASE } from '../queue/recovery.ts';
import { RedisHealth } from '../queue/redis-health.ts';
import { RedisWrites } from '../queue/redis-writes.ts';
import { RightsWatch } from '../queue/rights.ts';
import { OutcomeCopies } from '../queue/outcome-copies.ts';
import { JobStream } from '../queue/stream.ts';
import type { IdleGap } from './ended-job.ts';
import { Endings } from './endings.ts';
import type { HeldJob, SavedOutcome } from './job.ts';
import { JobTable } from './job-table.ts';
import { JobTrace } from './job-trace.ts';
import { LocalRuns } from './local-runs.ts';
import type { JobFigures, Jobs, LocalOutcome, LocalRun, RunningJob, WaitingJob } from './jobs.ts';
import { runningJobs, waitingJobs, whyIdle } from './look.ts';
import { Prefetch } from './prefetch.ts';

export interface JobPipelineOptions {
  readonly settings: Settings;
  readonly qpuId: string;
  /** The node's name in the consumer group. */
  readonly consumer: string;
  /** The node's own folder. */
  readonly directory: string;
  readonly outbox: Outbox;
  readonly admission: Admission;
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly busyTaps: BusyTaps;
  readonly log: Logger;
  readonly openRedis: (name: string, options?: RedisOptions) => Redis;
}

const SHUTTING_DOWN = 'the node is shutting down';
const NOT_DELIVERED: Delivery = { kind: 'retry', reason: 'no plugin delivers results', sent: false };

export class JobPipeline implements Jobs {
  readonly admission: Admission;
  readonly #options: JobPipelineOptions;
  readonly #held = new JobTable();
  readonly #writes: RedisWrites;
  readonly #copies: OutcomeCopies | undefined;
  readonly #rights: RightsWatch;
  readonly #health: RedisHealth;
  readonly #trace: JobTrace;
  readonly #endings: Endings;
  readonly #marker: RunMarker;
  readonly #recovery: Recovery;
  readonly #time: DeviceTime;
  readonly #runner: Runner;
  readonly #holds: Holds;
  readonly #local: LocalRuns;
  readonly #reader: Reader;
  readonly #replay: Replay;
  /** An executor may end the process, also in the turn in which the job before it has ended. */
  readonly #onExit = (): void => {
    this.#runner.handOver();
    this.#options.outbox.saveNow();
  };
  readonly #drops: Drops;
  readonly #deferred: Deferred;
  readonly #redis: Redis;
  readonly #stream: JobStream;

  constructor(options: JobPipelineOptions) {
    this.#options = options;
    const { settings, qpuId, directory, outbox, admission, loaded, hooks, log } = options;
    const { maxDeliveries, concurrency } = settings;
    const held = this.#held;
    this.admission = admission;
    const marker = new RunMarker(directory, maxDeliveries);
    // No command outlives its connection: one that claims entries might take from another node, minutes later, what
    // that node has taken over meanwhile. A part that needs an answer asks again.
    const redis = options.openRedis('jobs', { maxRetriesPerRequest: 0 });
    const readerRedis = options.openRedis('reader', { maxRetriesPerRequest: 0 });
    const stream = new JobStream(qpuId, options.consumer);
    const health = (this.#health = new RedisHealth(redis));
    const writes = (this.#writes = new RedisWrites(redis, qpuId, log));
    const copies = (this.#copies = settings.outcomeCopy
      ? new OutcomeCopies({ redis, qpuId, writes, log })
      : undefined);
    const trace = (this.#trace = new JobTrace(log));
    const endings = new Endings({ qpuId, held, outbox, statuses: writes, trace, hooks, log });
    const deferred = (this.#deferred = new Deferred({ outbox, admission, log }));
    const intake = new Intake({
      redis,
      stream,
      held,
      outbox,
      writes,
      copies,
      endings,
      marker,
      deferred,
      directory,
      maxDeliveries,
      safeLeaseMs: settings.leaseSec * 1000 * SAFE_LEASE,
      hooks,
      keepsText: loaded.executor.upcoming !== undefined,
      log,
    });
    const recovery = new Recovery({
      redis,
      stream,
      held,
      intake,
      endings,
      leaseMs: settings.leaseSec * 1000,
      marker,
      deferred,
      log,
    });
    outbox.onRoom(() => void recovery.sweep());
    const time = (this.#time = new DeviceTime({
      admission,
      why: () => whyIdle(held, admission, health.trouble?.text),
      onGap: () => gapListener(hooks),
    }));
    const device = {
      loaded,
      hooks,
      log,
      odd: new OddResults(log, loaded.source),
      jobTimeoutMs: settings.jobTimeoutSec * 1000,
      cancelGraceMs: settings.cancelGraceSec * 1000,
    };
    const runner = new Runner({
      held,
      admission,
      leases: recovery,
      marker,
      time,
      statuses: writes,
      endings,
      ...device,
      busyTaps: options.busyTaps,
      log,
      onStartLost: (messageId, starts) => void intake.countDelivery(messageId, starts + 1),
      concurrency,
      maxDeliveries,
    });
    const prefetch = new Prefetch({ settings, held, admission, runner, health, hooks, log });
    this.#reader = new Reader({
      redis: readerRedis,
      entries: new Entries({ redis: readerRedis, stream, maxMessageMb: settings.maxMessageMb }),
      stream,
      held,
      admission,
      prefetch,
      recovery,
      intake,
      leaseMs: settings.leaseSec * 1000,
      log,
    });
    this.#drops = new Drops(directory, outbox, log);
    this.#replay = new Replay({ directory, log, outbox, held, maxJobs: settings.outboxMaxJobs });
    this.#redis = redis;
    this.#stream = stream;
    this.#endings = endings;
    this.#marker = marker;
    this.#recovery = recovery;
    this.#rights = new RightsWatch(redis, qpuId, copies !== undefined);
    this.#runner = runner;
    const holds = (this.#holds = new Holds({ admission, idle: () => runner.idle() }));
    this.#local = new LocalRuns({ ...device, holds, time });
  }

  /** Starts delivering what is saved, and taking jobs as soon as Redis answers. Does not wait for Redis. */
  start(): void {
    const { hooks, outbox } = this.#options;
    this.#drops.start();
    outbox.start({
      statuses: this.#writes,
      copies: this.#copies,
      deliver: (saved, attempt) => deliver(hooks, saved, attempt),
    });
    process.on('exit', this.#onExit);
    this.#replay.start();
    this.#time.start();
    this.#runner.start();
    // What was pending before is found before anything new is read.
    void this.#recovery.start().then(() => {
      this.#reader.start();
      this.#rights.start();
    });
  }

  get current(): string | null {
    return this.#runner.current;
  }

  get lastJobAt(): string | null {
    return this.#endings.lastRunAt;
  }

  hold(reason: string): Promise<Hold> {
    return this.#holds.hold(reason);
  }

  runLocal(ir: NativeGateIR, run: LocalRun): Promise<LocalOutcome> {
    return this.#local.run(ir, run);
  }

  figures(): JobFigures {
    const { outbox } = this.#options;
    const { completed, failed, cancelled } = this.#endings.counts;
    return {
      queued: this.#held.waiting + this.#recovery.waiting,
      running: this.#held.running,
      undelivered: outbox.size,
      backlog: this.#recovery.backlog ?? null,
      ...{ completed, failed, cancelled },
      delivered: outbox.delivered,
      refused: outbox.refused,
      lastRunAt: this.lastJobAt,
      lastDeliveryAt: isoOf(outbox.lastDelivery),
    };
  }

  device(): DeviceFigures {
    return this.#time.figures();
  }

  running(): RunningJob[] {
    const local = this.#local.running;
    return [...(local === undefined ? [] : [local]), ...runningJobs(this.#held)];
  }

  waiting(most: number): WaitingJob[] {
    return waitingJobs(this.#held, most);
  }

  undelivered(most: number): WaitingResult[] {
    return this.#options.outbox.waiting(most);
  }

  cancellable(): string[] {
    const held = [...this.#held.all()].map(({ jobId }) => jobId);
    return [...held, ...this.#options.outbox.cancellable()];
  }

  cancel(jobId: string): boolean {
    return cancelJob(jobId, this.#held, this.#runner, this.#endings, (job) => this.#recovery.hasLease(job));
  }

  /** Stops what is on the device; each of these jobs is reported failed with `reason`. */
  failRunning(reason: string): void {
    for (const job of [...this.#held.all()]) {
      if (job.stage === 'running') this.#runner.fail(job, reason);
    }
  }

  /** Adds what the pipeline knows to a readiness report. */
  report(report: ReadinessReport): void {
    const { outbox } = this.#options;
    report.redisHealthy = this.#health.healthy;
    report.currentJob = this.current;
    report.lastJobAt = this.lastJobAt;
    const stuck = this.#runner.stuck ?? this.#local.stuck;
    const reasons = [
      ...this.admission.reasons,
      this.#health.trouble ?? this.#reader.troubleBy(this.#health.answeredAt),
      stuck,
      this.#writes.trouble,
    ];
    for (const reason of reasons) if (reason !== undefined) report.notReady(reason.text, reason.remedy);
    const others = [
      this.#recovery.trouble,
      this.#writes.stateTrouble,
      this.#copies?.trouble,
      ...this.#rights.troubles,
      outbox.trouble,
      refusedTrouble(this.#replay.refused, outbox.lastRefusal),
    ];
    for (const other of others) if (other !== undefined) report.trouble(other.text, other.remedy);
    report.add('queued', this.#held.waiting + this.#recovery.waiting);
    if (this.#recovery.backlog !== undefined) report.add('backlog', this.#recovery.backlog);
    report.add('current_job_since', isoOf(this.#runner.currentSince));
    report.add('completed', this.#endings.counts.completed);
    report.add('failed', this.#endings.counts.failed);
    report.add('undelivered', outbox.size);
    if (this.#deferred.size > 0) report.add('waiting_for_callbacks', this.#deferred.size);
    report.add('oldest_undelivered_at', outbox.oldest);
    report.add('last_delivery_at', isoOf(outbox.lastDelivery));
    report.add('refused', outbox.refused);
    if (outbox.outage !== undefined) report.add('delivery_trouble', outbox.outage);
  }

  /** Takes no further job, and waits until the running ones have ended and everything is delivered.
   *  After `timeoutMs` the rest is given up: runs start again, and results are delivered, after the next start. */
  async drain(timeoutMs: number): Promise<void> {
    const { log, outbox } = this.#options;
    this.admission.close('drain', SHUTTING_DOWN);
    this.#replay.stop();
    const readNoMore = this.#reader.stop();
    this.#recovery.drain();
    const deadline = performance.now() + timeoutMs;
    const released = this.#holds.close(SHUTTING_DOWN);
    if (this.current !== null) log.info(`waiting for job ${this.current} to end`, { job: this.current });
    const ends = Promise.all([this.#runner.drain(SHUTTING_DOWN), released]);
    const ended = await endsWithin(ends, timeoutMs);
    if (!ended) {
      log.warn(
        `${this.current === null ? 'what plugins do with the device or its results' : `job ${this.current}`} has not ended within ${timeoutMs / 1000} s; it runs again after the next start`,
        { job: this.current ?? undefined },
      );
      this.#runner.abandon(SHUTTING_DOWN);
    }
    if (outbox.size > 0) log.info(`waiting for ${outbox.size} results to be delivered`);
    await endsWithin(outbox.empty(), Math.max(deadline - performance.now(), 0));
    if (outbox.size > 0)
      log.warn(`${outbox.size} results are saved and will be delivered after the next start`);
    await endsWithin(this.#writes.flushed(), this.#health.healthy ? 1_000 : 0);
    await readNoMore;
  }

  /** After a drain: gives what was taken and not started to another consumer, or to the only one that is in question. */
  async handBack(named: string | null): Promise<HandedBack> {
    // Nothing is to be renewed or taken over any more.
    this.#recovery.close();
    const consumer = await chooseConsumer(this.#redis, this.#stream, named);
    return handBack(this.#redis, this.#stream, consumer, (messageId) => this.#whyKept(messageId));
  }

  #whyKept(messageId: string): WhyKept | undefined {
    if (this.#options.outbox.hasMessage(messageId)) return 'saved outcome';
    if (this.#writes.isAcknowledging(messageId)) return 'done';
    if (this.#held.ofMessage(messageId)?.stage === 'running') return 'started';
    return this.#marker.startsBefore(messageId) > 0 ? 'may have started' : undefined;
  }

  close(): void {
    process.off('exit', this.#onExit);
    this.#replay.stop();
    this.#drops.stop();
    void this.#reader.stop();
    this.#recovery.close();
    this.#rights.close();
    this.#runner.abandon(SHUTTING_DOWN);
    this.#time.close();
    this.#health.close();
    this.#writes.close();
    this.#copies?.close();
    this.#marker.close();
    this.#trace.close();
  }
}

/** Cancels a job, wherever it is; false if it is not here, if it is too late, or if `isOwn` does not say that it is still
 *  this node's: another one may have ended it, and the next sweep will tell. */
export function cancelJob(
  jobId: string,
  held: JobTable,
  runner: Runner,
  endings: Endings,
  isOwn: (job: HeldJob) => boolean = () => true,
): boolean {
  const job = held.get(jobId);
  if (job === undefined) return endings.cancelledInOutbox(jobId);
  if (job.stage === 'checking') {
    job.isCancelled = true;
    return true;
  }
  if (job.stage === 'running') runner.drop(job, 'the job was cancelled');
  else if (!isOwn(job)) {
    // If it still is, it is taken in once more, with a look at its cancel signal.
    endings.givenBack(job);
    return false;
  }
  endings.cancelled(job);
  return true;
}

/** Undefined if no plugin wants to hear of gaps. */
export function gapListener({ afterGap }: Hooks): ((gap: IdleGap) => void) | undefined {
  return isTapped(afterGap) ? (gap) => afterGap.call(gap) : undefined;
}

/** One attempt to deliver an outcome. Never rejects. */
export async function deliver(hooks: Hooks, saved: SavedOutcome, attempt: number): Promise<Delivery> {
  // The built-in plugin alone changes nothing.
  const shown = hooks.deliver.taps.length > 1 ? deepFrozen({ ...saved }) : saved;
  const began = performance.now();
  let delivery: Delivery;
  try {
    delivery = (await hooks.deliver.promise(shown, attempt)) ?? NOT_DELIVERED;
    const fault = deliveryFault(delivery);
    // To try again would give the same answer.
    if (fault !== undefined)
      delivery = { kind: 'refused', reason: whoAnswered(hooks, fault), byCloud: false };
  } catch (thrown) {
    delivery = { kind: 'retry', reason: messageOf(thrown), sent: false };
  }
  if (isTapped(hooks.afterDeliver)) {
    const tookMs = performance.now() - began;
    const isSafe = onlyLook(hooks.afterDeliver);
    const seen = isSafe ? saved : deepFrozen({ ...saved });
    void hooks.afterDeliver.promise(seen, attempt, isSafe ? delivery : deepFrozen(delivery), tookMs);
  }
  return delivery;
}

/** The last tap is the built-in plugin, if it is there: another one has answered before it. */
function whoAnswered({ deliver: { taps } }: Hooks, fault: string): string {
  const others = taps.map(({ name }) => name).filter((name) => name !== 'webhook' || taps.length === 1);
  return `plugin ${others.map((name) => `'${name}'`).join(' or ')} failed in deliver: ${fault}`;
}

function refusedTrouble(count: number, last: string | undefined): Trouble | undefined {
  if (count === 0) return undefined;
  const because = last === undefined ? '' : `; the last: ${last}`;
  return {
    text: `${count} results are set aside, which the cloud refused or a plugin could not map or deliver${because}`,
    remedy:
      'See why with coda results list. Then have them sent again (coda results replay), or remove them (coda results drop).',
  };
}

function isoOf(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
