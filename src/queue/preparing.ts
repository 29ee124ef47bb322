// Jobs that plugins prepare before they are queued (hook `prepare`): each takes its time, and the others do not wait for it.
import { Failure } from '../device/failure.ts';
import { prepareCircuit } from '../device/prepare-circuit.ts';
import type { RunMarker } from '../device/run-marker.ts';
import type { Hooks } from '../hooks.ts';
import type { Endings } from '../jobs/endings.ts';
import type { CheckingJob, Circuit, HeldJob } from '../jobs/job.ts';
import type { JobTable } from '../jobs/job-table.ts';
import { Waiters } from '../net/timing.ts';
import type { RedisWrites } from './redis-writes.ts';

export interface PreparingOptions {
  readonly held: JobTable;
  readonly writes: RedisWrites;
  readonly endings: Endings;
  readonly marker: RunMarker;
  readonly hooks: Hooks;
  /** Whether the lease of the job is sure. */
  readonly isOwn: (job: HeldJob) => boolean;
}

export class Preparing {
  readonly #options: PreparingOptions;
  /** Those that plugins have now. */
  readonly #jobs = new Set<HeldJob>();
  readonly #waitingForTurn = new Waiters();

  constructor(options: PreparingOptions) {
    this.#options = options;
    options.held.onRoom(() => this.#waitingForTurn.notify());
  }

  /** The job is queued then, or it fails. Never rejects. */
  async begin(job: CheckingJob, circuit: Circuit): Promise<void> {
    const { held, writes, endings, hooks, marker, isOwn } = this.#options;
    const { jobId, messageIds } = job;
    const preparing = held.prepare(job, circuit);
    if (marker.isStrict) await this.#waitForTurn(preparing);
    if (held.get(jobId) !== preparing) return this.#endTurn(preparing);
    this.#jobs.add(preparing);
    marker.beginPreparing(messageIds[0]);
    const prepared = await prepareCircuit(hooks, preparing);
    marker.endPreparing(messageIds[0]);
    this.#endTurn(preparing);
    // It may have been cancelled meanwhile.
    if (held.get(jobId) !== preparing) return;
    if (prepared instanceof Failure) {
      if (!isOwn(preparing)) return endings.givenBack(preparing);
      void writes.executing(jobId, messageIds[0]);
      void endings.failed(preparing, prepared.error, prepared);
    } else held.enqueue(preparing, prepared);
  }

  /** After a crash plugins prepare a job only while no other one is with them or on the device: that one would be blamed,
   *  too, if they end the process. */
  async #waitForTurn(job: HeldJob): Promise<void> {
    const { held } = this.#options;
    while (this.#jobs.size > 0 || held.running > 0 || held.queued > 0) {
      if (held.get(job.jobId) !== job) return;
      await this.#waitingForTurn.next();
    }
    this.#jobs.add(job);
  }

  #endTurn(job: HeldJob): void {
    this.#jobs.delete(job);
    this.#waitingForTurn.notify();
  }
}
