// The run ledger: one line for each start and each end of a run, written by the executor of the node under test.
import { closeSync, openSync, readSync } from 'node:fs';

export interface Run {
  readonly jobId: string;
  /** Which life of which node it ran in: `a#3`. */
  readonly life: string;
  /** Milliseconds of the clock that all processes share. */
  readonly startedAt: number;
  endedAt?: number;
  aborted?: true;
}

/** Milliseconds of the machine's monotonic clock, comparable between processes. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A job's id says how long it runs. */
export function jobIdOf(name: string, runMs: number): string {
  return `${name}~${runMs}`;
}

export function runMsOf(jobId: string): number {
  return Number(jobId.split('~')[1] ?? 1);
}

export class Ledger {
  readonly path: string;
  /** In the order in which they started. */
  readonly runs: Run[] = [];
  readonly #byJob = new Map<string, Run[]>();
  readonly #fd: number;
  readonly #chunk = Buffer.alloc(1 << 16);
  #rest = '';

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'a+', 0o600);
  }

  /** Reads the lines that are new since the last time. */
  read(): this {
    for (;;) {
      const length = readSync(this.#fd, this.#chunk);
      if (length === 0) return this;
      const lines = (this.#rest + this.#chunk.toString('utf8', 0, length)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line);
    }
  }

  runsOf(jobId: string): readonly Run[] {
    return this.#byJob.get(jobId) ?? [];
  }

  hasStarted(jobId: string): boolean {
    return this.read().runsOf(jobId).length > 0;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #note(line: string): void {
    const [what, jobId = '', life = '', at] = line.split(' ');
    const runs = this.#byJob.get(jobId) ?? [];
    if (what === 'start') {
      const run: Run = { jobId, life, startedAt: Number(at) };
      this.runs.push(run);
      this.#byJob.set(jobId, [...runs, run]);
      return;
    }
    const run = runs.at(-1);
    if (run === undefined || run.life !== life)
      throw new Error(`the ledger has an end without a start: ${line}`);
    run.endedAt = Number(at);
    if (what === 'abort') run.aborted = true;
  }
}
