// What is counted between two scrapes: a few additions a job, and no library.

/** Counts of observations by upper bound, as a histogram of Prometheus has them. */
export class Distribution {
  readonly bounds: readonly number[];
  /** Of each bound: observations above the bound before it and up to this one; the last is without a bound. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** `seconds` below 0, which two clocks can make, count as 0. */
  add(seconds: number): void {
    const value = Math.max(seconds, 0);
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? Infinity)) at += 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** A counter for each of a fixed set of values. */
export type Tally<Key extends string> = Record<Key, number>;

export function tally<Key extends string>(keys: readonly Key[]): Tally<Key> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Tally<Key>;
}
