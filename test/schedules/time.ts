// The time of a world: it stands still until a schedule lets it go on to the next timer. Each timer belongs to the node
// whose code has started it, and ends with that node.

export interface Timer {
  at: number;
  readonly number: number;
  readonly ms: number;
  readonly owner: object | undefined;
  readonly fire: () => void;
  readonly repeats: boolean;
}

/** Wall clock at the start of a world. */
const EPOCH = Date.UTC(2026, 0, 1);

export class Time {
  /** Monotonic milliseconds. A real process has run for a while when it comes to its jobs. */
  now = 1_000;
  readonly #timers = new Set<Timer>();
  #count = 0;

  get wall(): number {
    return EPOCH + this.now;
  }

  start(fire: () => void, ms: number, owner: object | undefined, repeats: boolean): Timer {
    const timer = { at: this.now + Math.max(ms, 1), number: this.#count, ms, owner, fire, repeats };
    this.#count += 1;
    this.#timers.add(timer);
    return timer;
  }

  restart(timer: Timer): void {
    timer.at = this.now + Math.max(timer.ms, 1);
    this.#timers.add(timer);
  }

  stop(timer: Timer): void {
    this.#timers.delete(timer);
  }

  stopAllOf(owner: object): void {
    for (const timer of this.#timers) if (timer.owner === owner) this.#timers.delete(timer);
  }

  /** The timer that is due next. */
  get next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.number < next.number))
        next = timer;
    }
    return next;
  }

  /** Goes on to a timer and fires it. */
  pass(timer: Timer): void {
    this.now = Math.max(this.now, timer.at);
    if (timer.repeats) timer.at = this.now + Math.max(timer.ms, 1);
    else this.#timers.delete(timer);
    timer.fire();
  }
}
