// What the log says of the jobs that have ended. Each has its line, until there are more than a few a second: those are
// counted, and the log gets one line for all of them every ten seconds.
import { inspect } from 'node:util';
import { CodaError } from '../errors.ts';
import type { FailureCause } from '../device/failure.ts';
import type { Logger } from '../log.ts';
import { printable } from '../protocol/text.ts';
import type { Outcome } from '../protocol/webhook.ts';

const COMPLETED_A_SECOND = 3;
const FAILED_A_SECOND = 10;
const SUMMARY_MS = 10_000;
/** With fewer jobs than this in that time, each has its own line again. */
const FEW_JOBS = (COMPLETED_A_SECOND * SUMMARY_MS) / 1000;
const LONGEST_STACK = 8_000;
const NOBODY = { plugin: undefined, hook: undefined };

export class JobTrace {
  readonly #log: Logger;
  readonly #completedLines = new LinesOfASecond(COMPLETED_A_SECOND);
  readonly #failedLines = new LinesOfASecond(FAILED_A_SECOND);
  /** Runs while jobs are counted. */
  #timer: NodeJS.Timeout | undefined;
  #countedSince = 0;
  #completed = 0;
  #failed = 0;
  /** Failed jobs without a line of their own. */
  #unnamed = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  ended(jobId: string, outcome: Outcome, cause: FailureCause | undefined): void {
    if (outcome.status === 'failed') {
      if (this.#failedLines.hasRoom()) {
        this.#nameFailed(jobId, outcome.error, cause);
      } else {
        this.#count();
        this.#unnamed += 1;
      }
      this.#failed += 1;
      return;
    }
    if (this.#timer === undefined && this.#completedLines.hasRoom()) {
      const { shotsCompleted, executionTimeMs } = outcome;
      this.#log.info(`job ${jobId} completed: ${shotsCompleted} shots, ${executionTimeMs.toFixed(1)} ms`, {
        job: jobId,
      });
      return;
    }
    this.#count();
    this.#completed += 1;
  }

  /** Writes down what is only counted so far. */
  close(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#summarise();
  }

  #nameFailed(jobId: string, error: string, cause: FailureCause | undefined): void {
    const where = cause === undefined ? '' : ` ${cause.where}`;
    // A hook's failure names its plugin.
    const { plugin, hook } = cause?.thrown instanceof CodaError ? cause.thrown : NOBODY;
    const fields = { job: jobId, plugin, hook };
    this.#log.warn(
      `job ${jobId} failed${where}: ${printable(error.replace(/\s*\n\s*/g, ' '), 1000)}`,
      fields,
    );
    if (cause?.thrown !== undefined) {
      this.#log.debug(`job ${jobId}: ${inspect(cause.thrown, { depth: 2 }).slice(0, LONGEST_STACK)}`, fields);
    }
  }

  /** From the job on that has just ended. */
  #count(): void {
    if (this.#timer !== undefined) return;
    this.#reset();
    this.#timer = setTimeout(() => this.#goOn(), SUMMARY_MS).unref();
  }

  #reset(): void {
    this.#countedSince = performance.now();
    this.#completed = 0;
    this.#failed = 0;
    this.#unnamed = 0;
  }

  #goOn(): void {
    const jobs = this.#summarise();
    if (jobs < FEW_JOBS) this.#timer = undefined;
    else this.#timer?.refresh();
  }

  #summarise(): number {
    const seconds = Math.ceil((performance.now() - this.#countedSince) / 1000);
    const jobs = this.#completed + this.#failed;
    const unnamed = this.#unnamed > 0 ? `, of which ${this.#unnamed} are not named here` : '';
    if (jobs > 0) {
      this.#log.info(
        `${this.#completed} jobs completed in the last ${seconds} s, ${this.#failed} failed${unnamed}`,
      );
    }
    this.#reset();
    return jobs;
  }
}

/** So many lines a second are enough. */
class LinesOfASecond {
  readonly #most: number;
  #since = -Infinity;
  #lines = 0;

  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(): boolean {
    const now = performance.now();
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#lines = 0;
    }
    this.#lines += 1;
    return this.#lines <= this.#most;
  }
}
