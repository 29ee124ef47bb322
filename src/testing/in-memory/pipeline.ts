// A job's way through a node in memory: the real job table, runner, hooks and endings; in place of Redis the list of the
// test, in place of the disk nothing.
import { DeviceTime, type DeviceFigures } from '../../device/device-time.ts';
import { Holds, type Hold } from '../../device/holds.ts';
import { Failure } from '../../device/failure.ts';
import { prepareCircuit } from '../../device/prepare-circuit.ts';
import { OddResults } from '../../device/result.ts';
import { Runner, type RunMarks, type StartStatuses } from '../../device/runner.ts';
import { cancelJob } from '../../jobs/cancel.ts';
import { Endings, type EndStatuses } from '../../jobs/endings.ts';
import type { CheckingJob, Circuit } from '../../jobs/job.ts';
import { JobTable } from '../../jobs/job-table.ts';
import { JobTrace } from '../../jobs/job-trace.ts';
import { LocalRuns } from '../../jobs/local-runs.ts';
import type { JobFigures, LocalOutcome, LocalRun, RunningJob, WaitingJob } from '../../jobs/jobs.ts';
import { runningJobs, waitingJobs, whyIdle } from '../../jobs/look.ts';
import type { CreatePipeline, OpenJobsOptions, Pipeline } from '../../jobs/open-jobs.ts';
import type { Admission } from '../../kernel/admission.ts';
import type { ReadinessReport } from '../../kernel/readiness.ts';
import { isTapped } from '../../kernel/tap.ts';
import { endsWithin } from '../../net/timing.ts';
import { deliver } from '../../outbox/deliver.ts';
import type { WaitingResult } from '../../outbox/overview.ts';
import type { NativeGateIR } from '../../protocol/ir.ts';
import { parseMessage } from '../../protocol/job.ts';
import { readCircuit } from '../../queue/read-circuit.ts';
import { CALLBACK } from './cloud.ts';
import { MemoryOutbox } from './outbox.ts';
import type { Ledger, Playing } from './playing.ts';

const SHUTTING_DOWN = 'the node is shutting down';
const DONE = Promise.resolve();
/** No other node is there. */
const LEASES = { hasLease: () => true, leaseEnd: () => Infinity, onSwept: () => {} };

export type MemoryPipelineOptions = Pick<OpenJobsOptions, 'settings' | 'admission' | 'log'> &
  Parameters<CreatePipeline>[0] & { readonly jobs: Ledger };

export class MemoryPipeline implements Pipeline {
  readonly admission: Admission;
  readonly #options: MemoryPipelineOptions;
  readonly #held = new JobTable();
  readonly #outbox: MemoryOutbox;
  readonly #trace: JobTrace;
  readonly #endings: Endings;
  readonly #time: DeviceTime;
  readonly #runner: Runner;
  readonly #holds: Holds;
  readonly #local: LocalRuns;
  #taken = 0;

  constructor(options: MemoryPipelineOptions) {
    this.#options = options;
    const { settings, admission, log, hooks, busyTaps, loaded, qpuId, jobs } = options;
    this.admission = admission;
    const held = this.#held;
    const outbox = (this.#outbox = new MemoryOutbox({
      jobs,
      deliver: (saved, attempt) => deliver(hooks, saved, attempt),
      cancel: (jobId) => this.cancel(jobId),
    }));
    const statuses: EndStatuses & StartStatuses = {
      endedUnsaved: ({ jobId, outcome }) => {
        if (outcome.status === 'cancelled') jobs.get(jobId)?.end('cancelled');
        return DONE;
      },
      acknowledge: () => DONE,
      executing: () => DONE,
      withdrawStart: () => {},
    };
    const trace = (this.#trace = new JobTrace(log));
    const endings = (this.#endings = new Endings({ qpuId, held, outbox, statuses, trace, hooks, log }));
    this.#time = new DeviceTime({
      admission,
      why: () => whyIdle(held, admission, undefined),
      hooks,
    });
    const device = {
      loaded,
      hooks,
      log,
      odd: new OddResults(log, loaded.source),
      jobTimeoutMs: settings.jobTimeoutSec * 1000,
      cancelGraceMs: settings.cancelGraceSec * 1000,
    };
    this.#runner = new Runner({
      held,
      admission,
      time: this.#time,
      leases: LEASES,
      marker: startsInMemory(),
      statuses,
      endings: {
        ran: (job, outcome, cause) => {
          const playing = jobs.get(job.jobId);
          if (playing !== undefined) playing.outcome = outcome;
          return endings.ran(job, outcome, cause);
        },
        failed: (job, error) => this.#failed(job, error),
        keep: (job, measured, reason) => endings.keep(job, measured, reason),
      },
      ...device,
      busyTaps,
      log,
      onStartLost: () => {},
      concurrency: settings.concurrency,
      maxDeliveries: settings.maxDeliveries,
    });
    const holds = (this.#holds = new Holds({ admission, idle: () => this.#runner.idle() }));
    this.#local = new LocalRuns({ ...device, holds, time: this.#time });
  }

  start(): void {
    this.#time.start();
    this.#runner.start();
  }

  /** Takes a job in, as if the cloud had just sent it. */
  take(playing: Playing): void {
    const { jobId, script } = playing;
    const { ir, shots = 100 } = script;
    const irJson = typeof ir === 'string' ? ir : JSON.stringify(ir);
    const fields = ['job_id', jobId, 'callback_url', CALLBACK, 'ir_json', irJson, 'shots', String(shots)];
    this.#taken += 1;
    const message = parseMessage(`${this.#taken}-0`, fields);
    const job: CheckingJob = {
      jobId,
      callbackUrl: message.callbackUrl,
      messageIds: [message.messageId],
      bytes: irJson.length,
      heldSince: performance.now(),
      takenAt: performance.now(),
      stage: 'checking',
    };
    playing.held = job;
    this.#held.add(job);
    const { hooks, loaded } = this.#options;
    const circuit = readCircuit(message, loaded.executor.upcoming !== undefined);
    if (script.cancel instanceof Promise) void script.cancel.then(() => this.cancel(jobId));
    if ('fault' in circuit) {
      void this.#failed(job, circuit.fault, { where: 'in the check of its circuit' });
    } else if (isTapped(hooks.prepare)) void this.#prepare(job, circuit);
    else this.#enqueue(job, circuit);
  }

  get current(): string | null {
    return this.#runner.current;
  }

  get lastJobAt(): string | null {
    return this.#endings.lastRunAt;
  }

  hold(reason: string, plugin?: string): Promise<Hold> {
    return this.#holds.hold(reason, plugin);
  }

  runLocal(ir: NativeGateIR, run: LocalRun): Promise<LocalOutcome> {
    return this.#local.run(ir, run);
  }

  figures(): JobFigures {
    const { completed, failed, cancelled } = this.#endings.counts;
    const { size, delivered, refused, lastDelivery } = this.#outbox;
    return {
      queued: this.#held.waiting,
      running: this.#held.running,
      undelivered: size,
      backlog: 0,
      ...{ completed, failed, cancelled, delivered, refused },
      lastRunAt: this.lastJobAt,
      lastDeliveryAt: lastDelivery,
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
    return this.#outbox.waiting(most);
  }

  cancellable(): string[] {
    return [...[...this.#held.all()].map(({ jobId }) => jobId), ...this.#outbox.cancellable()];
  }

  cancel(jobId: string): boolean {
    return cancelJob(jobId, this.#held, this.#runner, this.#endings);
  }

  failRunning(reason: string): void {
    for (const job of [...this.#held.all()]) if (job.stage === 'running') this.#runner.fail(job, reason);
  }

  /** There is no other node. */
  handBack(): Promise<never> {
    return Promise.reject(new Error('a node in memory has nobody to hand jobs back to'));
  }

  report(report: ReadinessReport): void {
    report.redisHealthy = true;
    report.currentJob = this.current;
    report.lastJobAt = this.lastJobAt;
    const stuck = this.#runner.stuck ?? this.#local.stuck;
    const reasons = [...this.admission.reasons, ...(stuck === undefined ? [] : [stuck])];
    for (const { text, remedy } of reasons) report.notReady(text, remedy);
    this.#holds.report(report);
    const { queued, undelivered, completed, failed, refused } = this.figures();
    for (const [name, value] of Object.entries({ queued, undelivered, completed, failed, refused })) {
      report.add(name, value);
    }
  }

  async drain(timeoutMs: number): Promise<void> {
    this.admission.close('drain', SHUTTING_DOWN);
    const released = this.#holds.close(SHUTTING_DOWN);
    const ends = Promise.all([this.#runner.drain(SHUTTING_DOWN), released]);
    if (!(await endsWithin(ends, timeoutMs))) this.#runner.abandon(SHUTTING_DOWN);
  }

  close(): void {
    this.#runner.abandon(SHUTTING_DOWN);
    this.#time.close();
    this.#trace.close();
  }

  async #prepare(job: CheckingJob, circuit: Circuit): Promise<void> {
    const preparing = this.#held.prepare(job, circuit);
    const prepared = await prepareCircuit(this.#options.hooks, preparing);
    if (this.#held.get(job.jobId) !== preparing) return;
    if (prepared instanceof Failure) void this.#failed(preparing, prepared.error, prepared);
    else this.#enqueue(preparing, prepared);
  }

  #enqueue(job: Parameters<JobTable['enqueue']>[0], circuit: Circuit): void {
    const isCancelled = this.#options.jobs.get(job.jobId)?.script.cancel === 'queued';
    if (isCancelled) this.#endings.cancelled(job);
    else this.#held.enqueue(job, circuit);
  }

  #failed(...[job, error, cause]: Parameters<Endings['failed']>): Promise<void> {
    const playing = this.#options.jobs.get(job.jobId);
    if (playing !== undefined) playing.outcome = { status: 'failed', error };
    return this.#endings.failed(job, error, cause);
  }
}

/** The starts of jobs whose executor has died; without a disk, no process before this one is known. */
function startsInMemory(): RunMarks {
  const starts = new Map<string, number>();
  const nothing = (): void => {};
  return {
    isStrict: false,
    isWary: false,
    // Nothing is on a disk, so no run begins by itself.
    isAhead: () => false,
    ...{ begin: nothing, next: nothing, end: nothing },
    forget: (messageId) => void starts.delete(messageId),
    died(messageId) {
      const count = (starts.get(messageId) ?? 0) + 1;
      starts.set(messageId, count);
      return count;
    },
  };
}
