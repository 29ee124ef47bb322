// Ways to wait: with a deadline, until woken, or until notified.

/** The value of `work`, or an Error with `message` if it takes longer than `ms` milliseconds. `work` itself continues. */
export async function withDeadline<T>(work: PromiseLike<T> | T, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether `work` fulfils within `ms` milliseconds; rejects if it does. */
export async function endsWithin(work: PromiseLike<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `act` once, with the first of these signals that fires; at once if one has. Returns what takes that back. Unlike
 *  AbortSignal.any, it leaves nothing behind at a signal that lives for long and does not fire. */
export function onAbort(signals: readonly AbortSignal[], act: (fired: AbortSignal) => void): () => void {
  const fired = signals.find(({ aborted }) => aborted);
  if (fired !== undefined) {
    act(fired);
    return () => {};
  }
  const release = (): void => {
    for (const signal of signals) signal.removeEventListener('abort', first);
  };
  const first = ({ target }: Event): void => {
    release();
    act(target as AbortSignal);
  };
  for (const signal of signals) signal.addEventListener('abort', first);
  return release;
}

/** A pause that `wake` ends early. For a single loop: only one `wait` at a time. */
export class Pause {
  #end: (() => void) | undefined;

  /** Resolves after `ms` milliseconds, or at the next `wake`; without `ms` only then. */
  wait(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the pause, if there is one. */
  wake(): void {
    this.#end?.();
  }
}

/** Callers that wait until the next `notify`. */
export class Waiters {
  #resolves: (() => void)[] = [];

  /** Resolves at the next `notify`. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#resolves.push(resolve));
  }

  notify(): void {
    const resolves = this.#resolves;
    if (resolves.length === 0) return;
    this.#resolves = [];
    for (const resolve of resolves) resolve();
  }
}

/** Those who act each time that something happens. */
export class Listeners {
  readonly #listeners: (() => void)[] = [];

  add(listener: () => void): void {
    this.#listeners.push(listener);
  }

  notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A clock that was set by less is not followed. */
const SAME_CLOCK_MS = 100;

/** A time of performance.now() as Unix time in milliseconds, by the clock of now. Of the same time it is the same, unless the
 *  clock was set: two readings of the clock differ by a millisecond, and by more if the process had to wait between them. */
export function unixMs(monotonic: number): number {
  const { timeOrigin } = performance;
  const offset = Date.now() - performance.now();
  return monotonic + (Math.abs(offset - timeOrigin) < SAME_CLOCK_MS ? timeOrigin : offset);
}
