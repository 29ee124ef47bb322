// Long work on the event loop, one piece at a time and with pauses: heartbeats, cancels and `/health` wait for one
// piece at most. A pause of a single turn would not do, since a new connection alone takes one.

/** Pieces run for this long together before a pause, which is then a part of the time they took. */
const WORK_MS = 10;
const PAUSE_PART = 1 / 2;

export class Turns {
  #free: Promise<unknown> = Promise.resolve();
  #tookMs = 0;

  /** What `work` returns, once it has had its turn; it must not throw. */
  take<T>(work: () => T): Promise<T> {
    const result = this.#free.then(() => {
      const startedAt = performance.now();
      const value = work();
      this.#tookMs += performance.now() - startedAt;
      return value;
    });
    this.#free = result.then(() => this.#pause());
    return result;
  }

  async #pause(): Promise<void> {
    if (this.#tookMs < WORK_MS) return;
    const pauseMs = this.#tookMs * PAUSE_PART;
    this.#tookMs = 0;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
