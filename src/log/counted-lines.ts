// Lines of one kind that may come thousands of times a second, such as the failures of one tap. The first few of each ten
// seconds are written; the others are counted, and the count is one line. Otherwise they would push all else out of the log.
import type { LogFields, Logger } from '../log.ts';

const WINDOW_MS = 10_000;
const LINES = 5;

export class CountedLines {
  readonly #tell: (left: number, seconds: number) => void;
  /** In the ten seconds that the first of them has begun. */
  #lines = 0;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `tell` is called after a time in which `left` lines were left out. */
  constructor(tell: (left: number, seconds: number) => void) {
    this.#tell = tell;
  }

  /** Whether the next line is written; otherwise it is counted. */
  hasRoom(): boolean {
    if (this.#lines === 0) {
      this.#since = performance.now();
      this.#timer = setTimeout(() => this.#over(WINDOW_MS), WINDOW_MS).unref();
    }
    this.#lines += 1;
    return this.#lines <= LINES;
  }

  /** Tells what is only counted so far: nothing does if the process ends first. */
  end(): void {
    clearTimeout(this.#timer);
    this.#over(performance.now() - this.#since);
  }

  #over(ms: number): void {
    const left = this.#lines - LINES;
    this.#lines = 0;
    if (left > 0) this.#tell(left, Math.ceil(ms / 1000));
  }
}

/** Errors of one kind, each about another job. Those without room are in the log with the level `debug`. */
export class CountedErrors {
  readonly #log: Logger;
  readonly #lines: CountedLines;
  #last = '';

  /** `told` is the line about those that were left out; the last of them is added to it. */
  constructor(log: Logger, told: (left: number, seconds: number) => string) {
    this.#log = log;
    this.#lines = new CountedLines((left, seconds) =>
      log.error(`${told(left, seconds)}; the last one: ${this.#last}`),
    );
  }

  error(text: string, fields: LogFields): void {
    if (this.#lines.hasRoom()) return this.#log.error(text, fields);
    this.#last = text;
    this.#log.debug(text, fields);
  }

  end(): void {
    this.#lines.end();
  }
}
