// Lines of one kind that may come thousands of times a second, such as the failures of one tap. The first few of each ten
// seconds are written; the others are counted, and the count is one line. Otherwise they would push all else out of the log.

const WINDOW_MS = 10_000;
const LINES = 5;

export class CountedLines {
  readonly #tell: (left: number, seconds: number) => void;
  /** In the ten seconds that the first of them has begun. */
  #lines = 0;

  /** `tell` is called after a time in which `left` lines were left out. */
  constructor(tell: (left: number, seconds: number) => void) {
    this.#tell = tell;
  }

  /** Whether the next line is written; otherwise it is counted. */
  hasRoom(): boolean {
    if (this.#lines === 0) setTimeout(() => this.#end(), WINDOW_MS).unref();
    this.#lines += 1;
    return this.#lines <= LINES;
  }

  #end(): void {
    const left = this.#lines - LINES;
    this.#lines = 0;
    if (left > 0) this.#tell(left, WINDOW_MS / 1000);
  }
}
