// Which tap has held the event loop up: the watch of the loop then names it, and not the executor. To take the time of each
// tap of many would cost more than most taps do, so that begins only once something has held the loop up.

/** Less is not kept: the loop is looked at four times a second. */
const LONG_MS = 500;

export interface NamedTap {
  readonly plugin: string;
  readonly hook: string;
}

export interface BusyTap {
  /** For people: `plugin 'x' in onJob`. */
  readonly text: string;
  readonly hook: string;
  readonly ms: number;
  /** Monotonic milliseconds. */
  readonly until: number;
  /** False if it was after an `await` of its own: other code may have run then, too. */
  readonly isSure: boolean;
}

export class BusyTaps {
  /** When the loop was last seen to run, in monotonic milliseconds; set by who watches it. */
  seenAt = Infinity;
  /** Whether to take the time of each tap. */
  isPrecise = false;
  #longest: BusyTap | undefined;
  #lastUntil = 0;

  /** The taps from `first` to the one before `end`, all of one hook, have run without a break from `since` until now. */
  ran(taps: readonly NamedTap[], first: number, end: number, since: number, until: number): void {
    if (until - since < LONG_MS) return;
    const names = [...new Set(taps.slice(first, end).map(({ plugin }) => `'${plugin}'`))];
    if (names.length > 1) this.isPrecise = true;
    const { hook = '' } = taps[first] ?? {};
    const text = `plugin ${names.join(' or ')} in ${hook}`;
    this.#keep({ text, hook, ms: until - since, until, isSure: true });
  }

  /** The promise of a tap has settled now. If the loop stood still before that, then most likely in the code of the tap. */
  settled({ plugin, hook }: NamedTap, until: number): void {
    const ms = until - Math.max(this.seenAt, this.#lastUntil);
    if (ms >= LONG_MS) this.#keep({ text: `plugin '${plugin}' in ${hook}`, hook, ms, until, isSure: false });
  }

  /** The longest one that ended at `since` or later. */
  longestSince(since: number): BusyTap | undefined {
    return this.#longest !== undefined && this.#longest.until >= since ? this.#longest : undefined;
  }

  #keep(tap: BusyTap): void {
    this.#lastUntil = tap.until;
    const longest = this.longestSince(this.seenAt);
    if (longest === undefined || tap.ms > longest.ms) this.#longest = tap;
  }
}
