// Sets results aside for the operator, and says so in the log: of a flood of them the first few, then how many more there are.
import { CountedErrors } from '../log/counted-lines.ts';
import type { Logger } from '../log.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { setResultAside } from './refused.ts';

const SEE = 'see them all with coda results list';

export class Aside {
  readonly #directory: string;
  readonly #undelivered: CountedErrors;
  readonly #measured: CountedErrors;
  /** Attempts to write a file. */
  readonly #failures: CountedErrors;

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#undelivered = new CountedErrors(
      log,
      (left, seconds) =>
        `${left} more results that cannot be delivered were set aside in the last ${seconds} s (${SEE})`,
    );
    this.#measured = new CountedErrors(
      log,
      (left, seconds) =>
        `${left} more jobs failed after their run in the last ${seconds} s, what was measured is set aside (${SEE})`,
    );
    this.#failures = new CountedErrors(
      log,
      (left, seconds) => `${left} more attempts to set results aside failed in the last ${seconds} s`,
    );
  }

  /** Keeps a result that is not delivered; resolves once it is durable. `what` says whose fault that is. */
  async undelivered(saved: SavedOutcome, what: string, reason: string): Promise<void> {
    this.#undelivered.error(`${what}: ${reason}; it is set aside (coda results list)`, { job: saved.jobId });
    await setResultAside(this.#directory, saved, reason, this.#failures);
  }

  /** Keeps what was measured for a job that is reported failed; resolves once that is durable. */
  async measured(saved: SavedOutcome, reason: string): Promise<void> {
    this.#measured.error(
      `job ${saved.jobId} fails after its run; what was measured is set aside (coda results list)`,
      { job: saved.jobId },
    );
    const because = `the job was reported failed, and this is what was measured: ${reason}`;
    await setResultAside(this.#directory, saved, because, this.#failures, 'measured');
  }

  close(): void {
    for (const errors of [this.#undelivered, this.#measured, this.#failures]) errors.end();
  }
}
