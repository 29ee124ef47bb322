// From the end of a run to the endings of its jobs: checks each result, waits for the plugins that map it, beside the
// device, and hands the outcome over.
import type { Hooks } from '../hooks.ts';
import type { ReadyJob } from '../jobs/job.ts';
import type { JobTable } from '../jobs/job-table.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Outcome } from '../protocol/webhook.ts';
import type { LoadedExecutor, SeenResult } from './executor.ts';
import type { FailureCause } from './failure.ts';
import { asOutcome, mapResult, type Mapped } from './map-result.ts';
import type { OddResults, RunOutcome } from './result.ts';
import type { RunMarker } from './run-marker.ts';
import type { Run, RunEndings } from './run.ts';

/** With so many results that are not handed over, no further job is started. */
const MOST_UNSETTLED = 64;

export interface HandOverOptions {
  readonly held: JobTable;
  readonly marker: Pick<RunMarker, 'end' | 'forget' | 'isStrict' | 'isWary'>;
  readonly endings: RunEndings;
  readonly loaded: LoadedExecutor;
  readonly odd: OddResults;
  readonly hooks: Hooks;
}

export class HandOver {
  readonly #options: HandOverOptions;
  /** Called when a result that others wait for is handed over. */
  readonly #onSettled: () => void;
  /** Results that plugins map; after a crash, also those that are not saved yet. */
  #unsettled = 0;
  /** Jobs whose result plugins map, and what was measured. */
  readonly #mapping = new Map<ReadyJob, SeenResult | undefined>();
  /** The run that has ended and is being handed over, and how many of its jobs are. */
  #run: Run | undefined;
  #handed = 0;

  constructor(options: HandOverOptions, onSettled: () => void) {
    this.#options = options;
    this.#onSettled = onSettled;
  }

  /** Whether nothing is left to be handed over. */
  get isSettled(): boolean {
    return this.#unsettled === 0;
  }

  /** Whether a further job may start beside what is left. */
  get letsStart(): boolean {
    return this.isSettled || (this.#unsettled < MOST_UNSETTLED && !this.#options.marker.isStrict);
  }

  /** The run has ended. */
  begin(run: Run): void {
    this.#run = run;
    this.#handed = 0;
  }

  /** Hands over what has ended, if that is not done. The process may exit between `begin` and this, and in it. */
  complete(): void {
    const run = this.#run;
    if (run === undefined) return;
    const { hooks, odd, loaded, marker } = this.#options;
    const { jobs, again } = run;
    while (this.#handed < jobs.length) {
      const job = jobs[this.#handed];
      this.#handed += 1;
      if (job === undefined || again.includes(job)) continue;
      if (isTapped(hooks.mapResult) && run.hasResult(job)) {
        this.#unsettled += 1;
        this.#mapping.set(job, undefined);
        const options = { hooks, odd, source: loaded.source };
        const measured = mapResult(run.resultOf(job), job, options, (mapped) => {
          // Unless it was given up meanwhile.
          if (this.#mapping.delete(job)) this.#mapped(job, mapped);
        });
        if (this.#mapping.has(job)) this.#mapping.set(job, measured);
      } else {
        const outcome = run.outcomeOf(job);
        const cause = outcome === undefined ? undefined : causeOf(run, job, outcome);
        const saved = this.#hand(job, outcome, cause);
        if (saved === undefined || !marker.isStrict) continue;
        this.#unsettled += 1;
        void saved.then(() => this.#settled());
      }
    }
    this.#run = undefined;
  }

  /** Reports a job failed whose result plugins map, and keeps what was measured; false if there is none. */
  fail(job: ReadyJob, error: string): boolean {
    const measured = this.#mapping.get(job);
    if (measured === undefined) return false;
    this.#mapping.delete(job);
    this.#mapped(job, {
      outcome: { status: 'failed', error },
      cause: undefined,
      measured: asOutcome(measured),
    });
    return true;
  }

  /** Plugins have mapped the result of a job; the device did not wait for it, and the job may have been cancelled
   *  meanwhile. If the process has ended before this, the job runs again: what was measured is not what the cloud asked
   *  for as long as it is not mapped. */
  #mapped(job: ReadyJob, { outcome, cause, measured }: Mapped): void {
    const { held, endings, marker } = this.#options;
    const end = (): void => this.#settled();
    const hand = (): void => {
      const saved = this.#hand(job, held.get(job.jobId) === job ? outcome : undefined, cause);
      if (saved !== undefined && marker.isStrict) void saved.then(end);
      else end();
    };
    const isKept = measured !== undefined && outcome.status === 'failed' && held.get(job.jobId) === job;
    if (isKept) void endings.keep(job, measured, outcome.error).then(hand);
    else hand();
  }

  #settled(): void {
    this.#unsettled -= 1;
    this.#onSettled();
  }

  /** Hands the outcome over, if there is one; resolves once it is saved. */
  #hand(
    job: ReadyJob,
    outcome: RunOutcome | undefined,
    cause: FailureCause | undefined,
  ): Promise<void> | undefined {
    const { marker, endings } = this.#options;
    const [messageId] = job.messageIds;
    const saved = outcome === undefined ? undefined : endings.ran(job, outcome, cause);
    if (saved === undefined || !marker.isWary) marker.end(messageId);
    else void saved.then(() => marker.forget(messageId));
    return saved;
  }
}

/** Undefined for a job that has not failed. */
function causeOf(run: Run, job: ReadyJob, { status }: Outcome): FailureCause | undefined {
  return status === 'failed' ? run.causeOf(job) : undefined;
}
