// The jobs of a node from its start to its end: starts the parts of their way, drains them, and gives back what was not
// begun; and answers what plugins ask of it.
import type { DeviceFigures } from '../device/device-time.ts';
import type { Hold } from '../device/holds.ts';
import type { Admission } from '../kernel/admission.ts';
import type { ReadinessReport } from '../kernel/readiness.ts';
import { endsWithin } from '../net/timing.ts';
import { deliver } from '../outbox/deliver.ts';
import type { WaitingResult } from '../outbox/overview.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { chooseConsumer, handBack, type HandedBack, type WhyKept } from '../queue/hand-back.ts';
import { assemble, type JobPipelineOptions, type PipelineParts } from './assemble.ts';
import { cancelJob } from './cancel.ts';
import type { JobFigures, Jobs, LocalOutcome, LocalRun, RunningJob, WaitingJob } from './jobs.ts';
import { runningJobs, waitingJobs } from './look.ts';
import { jobFigures, reportJobs } from './report.ts';

const SHUTTING_DOWN = 'the node is shutting down';

export class JobPipeline implements Jobs {
  readonly admission: Admission;
  readonly #options: JobPipelineOptions;
  readonly #parts: PipelineParts;
  /** An executor may end the process, also in the turn in which the job before it has ended. */
  readonly #onExit = (): void => {
    this.#parts.runner.handOver();
    this.#parts.outbox.saveNow();
  };

  constructor(options: JobPipelineOptions) {
    this.admission = options.admission;
    this.#options = options;
    this.#parts = assemble(options);
  }

  /** Starts delivering what is saved, and taking jobs as soon as Redis answers. Does not wait for Redis. */
  start(): void {
    const { hooks } = this.#options;
    const { drops, outbox, writes, copies, replay, time, runner, recovery, reader, rights } = this.#parts;
    drops.start();
    outbox.start({
      statuses: writes,
      copies,
      deliver: (saved, attempt) => deliver(hooks, saved, attempt),
    });
    process.on('exit', this.#onExit);
    replay.start();
    time.start();
    runner.start();
    // What was pending before is found before anything new is read.
    void recovery.start().then(() => {
      reader.start();
      rights.start();
    });
  }

  get current(): string | null {
    return this.#parts.runner.current;
  }

  get lastJobAt(): string | null {
    return this.#parts.endings.lastRunAt;
  }

  hold(reason: string, plugin?: string): Promise<Hold> {
    return this.#parts.holds.hold(reason, plugin);
  }

  runLocal(ir: NativeGateIR, run: LocalRun): Promise<LocalOutcome> {
    return this.#parts.local.run(ir, run);
  }

  figures(): JobFigures {
    return jobFigures(this.#parts);
  }

  device(): DeviceFigures {
    return this.#parts.time.figures();
  }

  running(): RunningJob[] {
    const { local, held } = this.#parts;
    return [...(local.running === undefined ? [] : [local.running]), ...runningJobs(held)];
  }

  waiting(most: number): WaitingJob[] {
    return waitingJobs(this.#parts.held, most);
  }

  undelivered(most: number): WaitingResult[] {
    return this.#parts.outbox.waiting(most);
  }

  cancellable(): string[] {
    const { held, outbox } = this.#parts;
    return [...[...held.all()].map(({ jobId }) => jobId), ...outbox.cancellable()];
  }

  cancel(jobId: string): boolean {
    const { held, runner, endings, recovery } = this.#parts;
    return cancelJob(jobId, held, runner, endings, (job) => recovery.hasLease(job));
  }

  /** Stops what is on the device; each of these jobs is reported failed with `reason`. */
  failRunning(reason: string): void {
    const { held, runner } = this.#parts;
    for (const job of [...held.all()]) if (job.stage === 'running') runner.fail(job, reason);
  }

  report(report: ReadinessReport): void {
    reportJobs(report, this.#parts);
  }

  /** Takes no further job, and waits until the running ones have ended and everything is delivered.
   *  After `timeoutMs` the rest is given up: runs start again, and results are delivered, after the next start. */
  async drain(timeoutMs: number): Promise<void> {
    const { log } = this.#options;
    const { replay, reader, recovery, holds, runner, outbox, writes, health } = this.#parts;
    this.admission.close('drain', SHUTTING_DOWN);
    replay.stop();
    const readNoMore = reader.stop();
    recovery.drain();
    const deadline = performance.now() + timeoutMs;
    const released = holds.close(SHUTTING_DOWN);
    if (this.current !== null) log.info(`waiting for job ${this.current} to end`, { job: this.current });
    const ends = Promise.all([runner.drain(SHUTTING_DOWN), released]);
    const ended = await endsWithin(ends, timeoutMs);
    if (!ended) {
      log.warn(
        `${this.current === null ? 'what plugins do with the device or its results' : `job ${this.current}`} has not ended within ${timeoutMs / 1000} s; it runs again after the next start`,
        { job: this.current ?? undefined },
      );
      runner.abandon(SHUTTING_DOWN);
    }
    if (outbox.size > 0) log.info(`waiting for ${outbox.size} results to be delivered`);
    await endsWithin(outbox.empty(), Math.max(deadline - performance.now(), 0));
    if (outbox.size > 0)
      log.warn(`${outbox.size} results are saved and will be delivered after the next start`);
    await endsWithin(writes.flushed(), health.healthy ? 1_000 : 0);
    await readNoMore;
  }

  /** After a drain: gives what was taken and not started to another consumer, or to the only one that is in question. */
  async handBack(named: string | null): Promise<HandedBack> {
    const { recovery, redis, stream } = this.#parts;
    // Nothing is to be renewed or taken over any more.
    recovery.close();
    const consumer = await chooseConsumer(redis, stream, named);
    return handBack(redis, stream, consumer, (messageId) => this.#whyKept(messageId));
  }

  #whyKept(messageId: string): WhyKept | undefined {
    const { outbox, writes, held, marker } = this.#parts;
    if (outbox.hasMessage(messageId)) return 'saved outcome';
    if (writes.isAcknowledging(messageId)) return 'done';
    if (held.ofMessage(messageId)?.stage === 'running') return 'started';
    return marker.startsBefore(messageId) > 0 ? 'may have started' : undefined;
  }

  close(): void {
    const { replay, drops, reader, recovery, rights, runner, time, health } = this.#parts;
    const { unusable, writes, copies, marker, trace } = this.#parts;
    process.off('exit', this.#onExit);
    replay.stop();
    drops.stop();
    void reader.stop();
    recovery.close();
    rights.close();
    runner.abandon(SHUTTING_DOWN);
    time.close();
    health.close();
    unusable.close();
    writes.close();
    copies?.close();
    marker.close();
    trace.close();
  }
}
