// Runs of the operator on this machine: a circuit that the cloud does not know has the device between two jobs, exactly as a
// job has it. It is in no stream and no outbox: who asked for it gets its outcome, and plugins see it.
import { randomBytes } from 'node:crypto';
import type { DeviceTime } from '../device/device-time.ts';
import { Failure, type FailureCause } from '../device/failure.ts';
import type { Holds } from '../device/holds.ts';
import { mapResult } from '../device/map-result.ts';
import { prepareCircuit } from '../device/prepare-circuit.ts';
import type { RunOutcome } from '../device/result.ts';
import { Run, type RunOptions } from '../device/run.ts';
import { ExecutorError, type Trouble } from '../errors.ts';
import { deepFrozen } from '../kernel/frozen.ts';
import { isTapped } from '../kernel/tap.ts';
import { onAbort } from '../net/timing.ts';
import { validateIr, type NativeGateIR } from '../protocol/ir.ts';
import { EndRecord } from './end-record.ts';
import type { EndedJob } from './ended-job.ts';
import type { CheckingJob, Circuit, PreparingJob, ReadyJob } from './job.ts';
import { copyIr, viewOf } from './job-view.ts';
import type { LocalOutcome, LocalRun, RunningJob } from './jobs.ts';
import { runningJob } from './look.ts';

export interface LocalRunsOptions extends Omit<RunOptions, 'endings' | 'runLog'> {
  readonly holds: Holds;
  readonly time: Pick<DeviceTime, 'began' | 'ended' | 'settled'>;
}

interface OnDevice {
  /** The run is to stop when one of them fires. */
  readonly stops: readonly AbortSignal[];
  readonly onStart: LocalRun['onStart'];
  /** Called when the device has ended. */
  readonly onFree: () => void;
}

const CANCELLED: EndedJob['outcome'] = { status: 'cancelled' };
const REMEDY = 'The node continues by itself once that has ended.';

export class LocalRuns {
  readonly #options: LocalRunsOptions;
  /** What is on the device. */
  #running: { readonly job: ReadyJob; readonly run: Run } | undefined;

  constructor(options: LocalRunsOptions) {
    this.#options = options;
  }

  /** Why the device does not end it, if so. */
  get stuck(): Trouble | undefined {
    return this.#running?.run.stuck;
  }

  get running(): RunningJob | undefined {
    return this.#running && runningJob(this.#running.job, 'local');
  }

  /** Resolves with the outcome, whatever it is. Rejects if it did not get the device, and with a JobError for a circuit that
   *  cannot run. */
  async run(ir: NativeGateIR, { shots, name, signal, onStart }: LocalRun): Promise<LocalOutcome> {
    if (!Number.isSafeInteger(shots) || shots < 1) {
      throw new TypeError(`the number of shots is a whole number from 1 on, not ${String(shots)}`);
    }
    const { hooks, holds } = this.#options;
    const checking = heldJob();
    const given: Circuit = { ir: copyIr(validateIr(ir), (part) => part), shots };
    const preparing = Object.assign<CheckingJob, Pick<PreparingJob, 'stage' | 'circuit'>>(checking, {
      stage: 'preparing',
      circuit: given,
    });
    const prepared = isTapped(hooks.prepare) ? await prepareCircuit(hooks, preparing) : given;
    if (prepared instanceof Failure) {
      return this.#ended(preparing, { status: 'failed', error: prepared.error }, prepared);
    }
    const job = Object.assign<PreparingJob, Pick<ReadyJob, 'stage' | 'circuit' | 'queuedAt'>>(preparing, {
      stage: 'queued',
      circuit: prepared,
      queuedAt: performance.now(),
    });
    signal?.throwIfAborted();
    const text = `the operator runs ${name ?? 'a circuit'} on the device`;
    // Given back when the device has really ended, which may be after the outcome.
    const hold = await holds.take({ text, remedy: REMEDY }, signal);
    const stops = signal === undefined ? [hold.signal] : [hold.signal, signal];
    return this.#run(job, { stops, onStart, onFree: () => hold.release() });
  }

  #run(job: ReadyJob, { stops, onStart, onFree }: OnDevice): Promise<LocalOutcome> {
    const { time, hooks, odd, loaded, log } = this.#options;
    return new Promise((resolve) => {
      const end = (outcome: RunOutcome | undefined, cause?: FailureCause): void =>
        resolve(this.#ended(job, outcome, cause));
      const nothing = Promise.resolve();
      const run = new Run([job], {
        ...this.#options,
        runLog: log.child('', { job: job.jobId }),
        // A run that is too long has its outcome before it ends.
        endings: {
          ran: (_job, outcome, cause) => {
            end(outcome, cause);
            return nothing;
          },
        },
      });
      const ignoreStops = onAbort(stops, (stop) => run.drop(job, messageOfStop(stop)));
      job.stage = 'running';
      job.startedAt = run.startedAt;
      this.#running = { job, run };
      run.start(() => {
        ignoreStops();
        job.endedAt = performance.now();
        this.#running = undefined;
        time.ended(job.endedAt);
        time.settled();
        onFree();
        if (run.died !== undefined) {
          run.giveUp(job, new ExecutorError(run.died.message, { cause: run.died }));
        }
        if (isTapped(hooks.mapResult) && run.hasResult(job)) {
          mapResult(run.resultOf(job), job, { hooks, odd, source: loaded.source }, (mapped) =>
            end(mapped.outcome, mapped.cause),
          );
          return;
        }
        const outcome = run.outcomeOf(job);
        end(outcome, outcome?.status === 'failed' ? run.causeOf(job) : undefined);
      });
      time.began(run.startedAt);
      onStart?.(job.jobId);
    });
  }

  #ended(job: PreparingJob | ReadyJob, outcome: RunOutcome | undefined, cause?: FailureCause): LocalOutcome {
    const { hooks } = this.#options;
    const hasRun = job.startedAt !== undefined;
    if (outcome !== undefined && hasRun && isTapped(hooks.afterRun)) {
      void hooks.afterRun.promise(viewOf(job), deepFrozen(outcome));
    }
    const ending = outcome === undefined ? CANCELLED : deepFrozen(outcome);
    if (isTapped(hooks.onEnd)) hooks.onEnd.call(new EndRecord(job, ending, cause, 'local'));
    return { jobId: job.jobId, outcome: ending, where: cause?.where ?? null };
  }
}

function heldJob(): CheckingJob {
  return {
    jobId: `local-${randomBytes(6).toString('hex')}`,
    callbackUrl: '',
    // The moment of it, in the form of a stream entry: there is none.
    messageIds: [`${Date.now()}-0`],
    bytes: 0,
    heldSince: performance.now(),
    takenAt: performance.now(),
    stage: 'checking',
  };
}

function messageOfStop({ reason }: AbortSignal): string {
  return reason instanceof Error && reason.message !== '' ? reason.message : 'the operator stopped it';
}
