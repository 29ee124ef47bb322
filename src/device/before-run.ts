// The hook `onJob` of one job, before its run. Ends only when the tap that runs has really ended: until then the device is
// the plugin's.
import { ExecutorError, type Trouble } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { ReadyJob } from '../jobs/job.ts';
import { viewOf } from '../jobs/job-view.ts';
import { LateTap } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import type { RunContext } from './executor.ts';
import { Failure } from './failure.ts';

const STUCK_REMEDY =
  'Restart the node (coda stop, coda start) to continue now. Have the plugin end its tap when its signal fires.';

export interface BeforeRunOptions {
  readonly hooks: Hooks;
  readonly runLog: Logger;
  readonly cancelGraceMs: number;
}

export class BeforeRun {
  readonly job: ReadyJob;
  readonly #options: BeforeRunOptions;
  /** Made when it is first asked for. */
  #abort: AbortController | undefined;
  #grace: NodeJS.Timeout | undefined;
  #plugin = 'a plugin';
  #stuck: Trouble | undefined;

  constructor(job: ReadyJob, options: BeforeRunOptions) {
    this.job = job;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the device is not free, if a tap was asked to stop, and has not. */
  get stuck(): Trouble | undefined {
    return this.#stuck;
  }

  /** Resolves once no tap runs any more, with what failed the job, if anything. `onLate` hears at once of a tap that has
   *  used up its time, whose end the device then waits for. Never rejects. */
  async pass(onLate: (failure: Failure) => void): Promise<Failure | undefined> {
    const { hooks, runLog } = this.#options;
    try {
      await hooks.onJob.promise(viewOf(this.job), Object.freeze(contextOf(this, this.job.jobId, runLog)));
      return undefined;
    } catch (thrown) {
      const failure = new Failure('before its run', thrown);
      if (thrown instanceof LateTap) {
        this.#plugin = `plugin '${thrown.plugin}'`;
        this.stop('it has used up its time');
        onLate(failure);
        await thrown.settled;
      }
      return failure;
    } finally {
      clearTimeout(this.#grace);
      this.#stuck = undefined;
    }
  }

  /** Asks the tap that runs to end. */
  stop(reason: string): void {
    if (this.signal.aborted) return;
    const { cancelGraceMs } = this.#options;
    this.#controller.abort(new ExecutorError(reason));
    this.#grace = setTimeout(() => {
      const waited = `${cancelGraceMs / 1000} s after it was asked to stop (${reason})`;
      this.#stuck = {
        text: `${this.#plugin} in onJob still runs job ${this.job.jobId} ${waited}`,
        remedy: STUCK_REMEDY,
      };
    }, cancelGraceMs).unref();
  }

  get #controller(): AbortController {
    return (this.#abort ??= new AbortController());
  }
}

/** What an executor, or a tap of `onJob`, is given beside the job. */
export function contextOf(
  run: { readonly signal: AbortSignal },
  jobId: string,
  log: Logger,
  irJson?: string,
): RunContext {
  return {
    jobId,
    log,
    irJson,
    get signal() {
      return run.signal;
    },
  };
}
