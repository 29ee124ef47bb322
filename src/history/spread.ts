// Many durations as counts in logarithmic classes: small, quick to add to, and good for percentiles of any number of them.
import type { Spread } from './record.ts';

/** Each class ends 9 % above its begin. */
const CLASSES_PER_DOUBLING = 8;
/** From a microsecond to more than ten days. */
const CLASSES = 320;

export class Histogram {
  readonly #counts = new Uint32Array(CLASSES);
  #count = 0;
  #max = 0;

  add(ms: number): void {
    const index = ms > 0.001 ? Math.floor(Math.log2(ms * 1000) * CLASSES_PER_DOUBLING) : 0;
    const at = Math.min(index, CLASSES - 1);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count += 1;
    if (ms > this.#max) this.#max = ms;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#max = 0;
  }

  /** The maximum in microseconds, then class and count of each class that is not empty; undefined if all are. */
  toNumbers(): number[] | undefined {
    if (this.#count === 0) return undefined;
    const numbers = [Math.round(this.#max * 1000)];
    for (const [index, count] of this.#counts.entries()) if (count > 0) numbers.push(index, count);
    return numbers;
  }

  /** Adds what `toNumbers` gave. */
  addNumbers([max = 0, ...pairs]: readonly number[]): void {
    if (max / 1000 > this.#max) this.#max = max / 1000;
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const [index = 0, count = 0] = [pairs[i], pairs[i + 1]];
      if (index < 0 || index >= CLASSES || count <= 0) continue;
      this.#counts[index] = (this.#counts[index] ?? 0) + count;
      this.#count += count;
    }
  }

  /** Null if there are none. */
  spread(): Spread | null {
    if (this.#count === 0) return null;
    const [p50 = 0, p95 = 0, p99 = 0] = this.#percentiles([0.5, 0.95, 0.99]);
    return { count: this.#count, p50, p95, p99, max: this.#max };
  }

  #percentiles(shares: readonly number[]): number[] {
    const found: number[] = [];
    let seen = 0;
    for (const [index, count] of this.#counts.entries()) {
      seen += count;
      while (found.length < shares.length && seen >= (shares[found.length] ?? 1) * this.#count) {
        // The middle of the class.
        found.push(Math.min(this.#max, 2 ** ((index + 0.5) / CLASSES_PER_DOUBLING) / 1000));
      }
    }
    return found;
  }
}
