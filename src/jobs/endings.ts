// How a held job ends. All ways out of the job table are here:
//
//   ran, failed     it has an outcome: saved in the outbox, which delivers it
//   ranBefore       the copy of its outcome was found in Redis: saved in the outbox as well
//   cancelled       by the cloud: its status is written, and nothing is delivered
//   endedElsewhere  another node has finished it: acknowledged
//   givenBack       it has not ended: its entry stays pending, for this node or another one
import type { FailureCause } from '../device/failure.ts';
import { savedPart, type RunOutcome } from '../device/result.ts';
import type { RunEndings } from '../device/run.ts';
import type { StartStatuses } from '../device/runner.ts';
import type { Cancellation, Hooks } from '../hooks.ts';
import { deepFrozen } from '../kernel/frozen.ts';
import { isTapped, onlyLook } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import type { Statuses } from '../outbox/delivery.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { CopiedOutcome } from '../outbox/saved-outcome.ts';
import type { Outcome } from '../protocol/webhook.ts';
import { EndRecord } from './end-record.ts';
import type { EndedJob } from './ended-job.ts';
import type { Ending, HeldJob, ReadyJob, SavedOutcome } from './job.ts';
import type { JobTable } from './job-table.ts';
import { viewOf } from './job-view.ts';
import type { JobTrace } from './job-trace.ts';

/** What takes the outcomes. */
export type Outcomes = Pick<Outbox, 'save' | 'keepMeasured' | 'annotate' | 'cancel' | 'done'>;

/** Where ends are made known; nothing waits for it. */
export interface EndStatuses extends Pick<Statuses, 'acknowledge'>, Pick<StartStatuses, 'withdrawStart'> {
  /** The end of a job that is saved nowhere else: its entries are acknowledged once Redis has its state. */
  endedUnsaved(ending: Ending): Promise<void>;
}

export interface EndingsOptions {
  readonly qpuId: string;
  readonly held: JobTable;
  readonly outbox: Outcomes;
  readonly statuses: EndStatuses;
  readonly trace: JobTrace;
  readonly hooks: Hooks;
  readonly log: Logger;
}

const CANCELLED: EndedJob['outcome'] = { status: 'cancelled' };

export class Endings implements RunEndings {
  readonly #options: EndingsOptions;
  #lastRunAt: string | null = null;
  /** Jobs that got their outcome, or were cancelled, since the start. */
  readonly counts = { completed: 0, failed: 0, cancelled: 0 };

  constructor(options: EndingsOptions) {
    this.#options = options;
  }

  /** When the last run ended; ISO 8601, UTC. */
  get lastRunAt(): string | null {
    return this.#lastRunAt;
  }

  /** The job has been on the device, and this is its outcome. Resolves once that is saved. */
  ran(job: ReadyJob, outcome: RunOutcome, cause: FailureCause | undefined): Promise<void> {
    const { hooks } = this.#options;
    this.#lastRunAt = new Date().toISOString();
    // Seen before it is saved: whoever sees a job may annotate it.
    const seen = isTapped(hooks.afterRun) ? viewOf(job) : undefined;
    const saved = this.#save(job, savedPart(outcome), this.#lastRunAt, cause);
    if (seen !== undefined) void hooks.afterRun.promise(seen, deepFrozen(outcome));
    return saved;
  }

  /** Keeps what was measured for the operator, as a plugin fails the job after its run; resolves once that is on disk. */
  keep(job: ReadyJob, outcome: Outcome, reason: string): Promise<void> {
    const { outbox, qpuId } = this.#options;
    const { jobId, messageIds, callbackUrl, annotations } = job;
    const endedAt = new Date().toISOString();
    const noted = annotations === undefined ? {} : { annotations };
    return outbox.keepMeasured({ qpuId, jobId, messageIds, callbackUrl, outcome, endedAt, ...noted }, reason);
  }

  /** The job has failed without a run, or before its run has ended. Resolves once that is saved. */
  failed(job: HeldJob, error: string, cause?: FailureCause): Promise<void> {
    return this.#save(job, { status: 'failed', error }, new Date().toISOString(), cause);
  }

  /** Another node has run the job, and Redis knows that it failed: an attempt may have reached the cloud from there. */
  failedElsewhere(job: HeldJob, error: string): Promise<void> {
    const failed = { status: 'failed', error } as const;
    return this.#save(job, failed, new Date().toISOString(), { where: 'on another node' }, true);
  }

  /** The job has run, and the copy of its outcome was in Redis: an attempt may have reached the cloud. Resolves once the
   *  outcome is saved here. */
  ranBefore(job: HeldJob, { outcome, endedAt, annotations }: CopiedOutcome): Promise<void> {
    if (annotations !== undefined) job.annotations = annotations;
    const cause = outcome.status === 'failed' ? { where: 'in an earlier run' } : undefined;
    return this.#save(job, outcome, endedAt, cause, true);
  }

  /** The cloud has cancelled the job. */
  cancelled(job: HeldJob): void {
    const { held, outbox, statuses } = this.#options;
    const { jobId, messageIds, stage } = job;
    const endedAt = new Date().toISOString();
    const ending: Ending = { jobId, messageIds, endedAt, outcome: { status: 'cancelled' } };
    this.#announceEnd(job, CANCELLED, undefined);
    outbox.done.add(ending);
    void statuses.endedUnsaved(ending);
    held.release(job);
    this.#announceCancel({ jobId, stage: stage === 'running' ? 'running' : 'queued' });
  }

  /** The cloud has cancelled a job that is not held any more. Returns whether its outcome could still be suppressed. */
  cancelledInOutbox(jobId: string): boolean {
    if (!this.#options.outbox.cancel(jobId)) return false;
    this.#announceCancel({ jobId, stage: 'delivering' });
    return true;
  }

  /** Another node has finished the job, and Redis knows it. */
  endedElsewhere(job: HeldJob): void {
    void this.#options.statuses.acknowledge(job.messageIds);
    this.#options.held.release(job);
  }

  /** The job cannot be run here, or not now; its entry stays pending. */
  givenBack(job: HeldJob): void {
    const { held, statuses } = this.#options;
    if (job.startedAt !== undefined) statuses.withdrawStart(job.jobId);
    held.release(job);
  }

  /** Whether the job of this entry ended here lately. Redis has then lost its end, and gets it again. */
  endedBefore(jobId: string, messageId: string): boolean {
    const { outbox, statuses } = this.#options;
    const ending = outbox.done.find(jobId, messageId);
    if (ending === undefined) return false;
    void statuses.endedUnsaved(ending);
    return true;
  }

  #save(
    job: HeldJob,
    outcome: Outcome,
    endedAt: string,
    cause: FailureCause | undefined,
    maybeSent = false,
  ): Promise<void> {
    const { held, outbox, trace, qpuId, hooks } = this.#options;
    const { jobId, messageIds, callbackUrl } = job;
    this.counts[outcome.status] += 1;
    const { annotations } = job;
    const noted = annotations === undefined ? {} : { annotations };
    const ended: SavedOutcome = { qpuId, jobId, messageIds, callbackUrl, outcome, endedAt, ...noted };
    const onDurable = isTapped(hooks.afterSave)
      ? (): void => hooks.afterSave.call(deepFrozen({ ...ended }))
      : undefined;
    const saved = outbox.save(ended, { maybeSent, onDurable });
    // Only plugins that have seen the job, or see it now, can annotate it.
    const isSeen = job.view !== undefined || !onlyLook(hooks.onEnd);
    if (isSeen) job.onAnnotated = (later) => outbox.annotate(jobId, later);
    this.#announceEnd(job, outcome, cause);
    held.release(job);
    trace.ended(jobId, outcome, cause);
    return saved;
  }

  #announceEnd(job: HeldJob, outcome: EndedJob['outcome'], cause: FailureCause | undefined): void {
    const { hooks } = this.#options;
    if (!isTapped(hooks.onEnd)) return;
    const shown = onlyLook(hooks.onEnd) ? outcome : deepFrozen(outcome);
    hooks.onEnd.call(new EndRecord(job, shown, cause));
  }

  #announceCancel(cancellation: Cancellation): void {
    const { hooks, log } = this.#options;
    this.counts.cancelled += 1;
    const { jobId, stage } = cancellation;
    log.info(`job ${jobId} is cancelled (${stage})`, { job: jobId });
    if (isTapped(hooks.onCancel)) void hooks.onCancel.promise(Object.freeze(cancellation));
  }
}
