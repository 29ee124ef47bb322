// Deadlines for work that nearly always ends in the turn of the event loop in which it began: only what outlives that
// turn gets a timer.

export interface Deadline {
  /** The work has ended; nothing happens any more. */
  clear(): void;
}

const fresh = new Set<Pending>();
let isSweepDue = false;

/** Calls `onLate` once, `ms` after now, unless it is cleared before. */
export function deadline(ms: number, onLate: () => void): Deadline {
  const pending = new Pending(ms, onLate);
  fresh.add(pending);
  if (!isSweepDue) {
    isSweepDue = true;
    setImmediate(sweep);
  }
  return pending;
}

function sweep(): void {
  isSweepDue = false;
  for (const pending of fresh) pending.arm();
  fresh.clear();
}

class Pending implements Deadline {
  readonly #ms: number;
  readonly #onLate: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onLate: () => void) {
    this.#ms = ms;
    this.#onLate = onLate;
  }

  arm(): void {
    this.#timer = setTimeout(this.#onLate, this.#ms);
  }

  clear(): void {
    if (!fresh.delete(this)) clearTimeout(this.#timer);
  }
}
