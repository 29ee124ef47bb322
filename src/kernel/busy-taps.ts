// Which tap has held the event loop up: the watch of the loop then names it, and not the executor. To take the time of each
// tap of many would cost more than most taps do, so that begins only once something has held the loop up.

/** Less is not kept: the loop is looked at four times a second. */
const LONG_MS = 500;
/** Less is not added up: many calls between two looks, none of them long, hold the loop up together. */
const NOTABLE_MS = 10;

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
  /** How long each plugin has had the loop since it was last seen to run, and in which hooks; by its name. */
  readonly #together = new Map<string, { ms: number; readonly hooks: Set<string> }>();
  #togetherFrom = 0;

  /** The taps from `first` to the one before `end`, all of one hook, have run without a break from `since` until now. */
  ran(taps: readonly NamedTap[], first: number, end: number, since: number, until: number): void {
    const ms = until - since;
    if (ms < NOTABLE_MS) return;
    const names = [...new Set(taps.slice(first, end).map(({ plugin }) => `'${plugin}'`))];
    if (ms >= LONG_MS && names.length > 1) this.isPrecise = true;
    const { hook = '' } = taps[first] ?? {};
    const plugins = names.join(' or ');
    const { ms: all, hooks } = this.#add(plugins, hook, ms);
    this.#lastUntil = until;
    if (all < LONG_MS) return;
    this.#keep({ text: `plugin ${plugins} in ${[...hooks].join(', ')}`, hook, ms: all, until, isSure: true });
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

  #add(
    plugins: string,
    hook: string,
    ms: number,
  ): { readonly ms: number; readonly hooks: ReadonlySet<string> } {
    if (this.#togetherFrom !== this.seenAt) this.#together.clear();
    this.#togetherFrom = this.seenAt;
    const sum = this.#together.get(plugins) ?? { ms: 0, hooks: new Set() };
    this.#together.set(plugins, sum);
    sum.ms += ms;
    sum.hooks.add(hook);
    return sum;
  }

  #keep(tap: BusyTap): void {
    this.#lastUntil = tap.until;
    const longest = this.longestSince(this.seenAt);
    if (longest === undefined || tap.ms > longest.ms) this.#longest = tap;
  }
}
