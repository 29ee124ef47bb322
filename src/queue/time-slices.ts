// Long work on the event loop, in steps and with pauses, so that heartbeats, cancels and `/health` wait for some
// milliseconds at most. A pause of one turn of the loop is not enough: a new connection alone takes one.

/** Steps run together for this long, then comes a pause, which is a part of the time they took. With shorter runs, the
 *  same work took a tenth more of the processor. */
const WORK_MS = 10;
const PAUSE_PART = 1 / 2;

export class TimeSlices {
  #free: Promise<unknown> = Promise.resolve();
  #tookMs = 0;

  /** Runs all steps; resolves with what `steps` returns. */
  async run<T>(steps: Iterator<unknown, T>): Promise<T> {
    for (;;) {
      const step = await this.#take(() => steps.next());
      if (step.done === true) return step.value;
    }
  }

  #take<T>(work: () => T): Promise<T> {
    const result = this.#free.then(() => {
      const startedAt = performance.now();
      try {
        return work();
      } finally {
        this.#tookMs += performance.now() - startedAt;
      }
    });
    const pause = (): Promise<void> => this.#pause();
    this.#free = result.then(pause, pause);
    return result;
  }

  async #pause(): Promise<void> {
    if (this.#tookMs < WORK_MS) return;
    const pauseMs = this.#tookMs * PAUSE_PART;
    this.#tookMs = 0;
    // On a busy machine the time may have passed before the event loop has handled anything but timers.
    await new Promise((resolve) => setTimeout(() => setImmediate(resolve), pauseMs));
  }
}
