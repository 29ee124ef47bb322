// When to look for files that are too old. A clock that was set a moment ago may be wrong, and would make all of them old.
const EVERY_MS = 600_000;
/** By so much it may be corrected in that time. */
const CLOCK_STEP_MS = 60_000;

export class AgeWatch {
  #unix = Date.now();
  #monotonic = performance.now();

  /** True every ten minutes, if the clock has run evenly since the last time. */
  isDue(): boolean {
    const unix = Date.now();
    const monotonic = performance.now();
    const passed = monotonic - this.#monotonic;
    if (passed < EVERY_MS) return false;
    const step = unix - this.#unix - passed;
    this.#unix = unix;
    this.#monotonic = monotonic;
    return Math.abs(step) < CLOCK_STEP_MS;
  }
}
