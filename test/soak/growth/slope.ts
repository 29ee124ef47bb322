// The slope of a quantity over time, with an interval that respects that samples which follow each other are alike.
// Least squares, with the standard error of Newey and West (1987). How many such errors the interval reaches is drawn: from
// series without growth at the same moments, whose neighbours are as alike as those of the samples (a parametric bootstrap of
// the t statistic). The usual 1.96 would be right for very many samples only, and too sure for the hours of a few days.
import { randomFrom, type Random } from '../../chaos/random.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Points of one group are compared with each other only, such as those of the same hour of each day. */
  readonly group: number;
}

export interface Slope {
  readonly slope: number;
  readonly error: number;
  /** The ends of the 95 % interval. */
  readonly low: number;
  readonly high: number;
  readonly points: number;
}

export type Verdict = 'grows' | 'does not grow' | 'cannot be told';

/** Fewer say nothing about how alike neighbours are. */
const LEAST_POINTS = 8;
const DRAWS = 1_000;
const SURE = 0.95;
/** Beyond, samples tell nothing of a slope. */
const MOST_LIKENESS = 0.97;

/**
 * The points in their order in time. `memory`: how many points later two may still be alike. Undefined if there are too few,
 * or if no two points of a group are apart.
 */
export function slopeOf(points: readonly Point[], memory: number): Slope | undefined {
  const line = new Line(points, memory);
  if (points.length < LEAST_POINTS || !line.isPossible) return undefined;
  const { slope, error, rests } = line.through(points.map(({ y }) => y));
  const likeness = likenessOf(rests);
  const random = randomFrom(points.length);
  const draws = Array.from({ length: DRAWS }, () => {
    const drawn = line.through(series(points.length, likeness, random));
    return Math.abs(drawn.slope / drawn.error);
  }).toSorted((a, b) => a - b);
  const reach = error * (draws[Math.ceil(SURE * DRAWS) - 1] ?? NaN);
  return { slope, error, low: slope - reach, high: slope + reach, points: points.length };
}

/** `bound`: growth up to this is none. */
export function verdictOf(slope: Slope | undefined, bound: number): Verdict {
  if (slope === undefined) return 'cannot be told';
  if (slope.low > bound) return 'grows';
  return slope.high < bound ? 'does not grow' : 'cannot be told';
}

/** Lines through values at the same moments. */
class Line {
  readonly #groups: readonly number[];
  readonly #xs: readonly number[];
  readonly #spread: number;
  readonly #freedom: number;
  readonly #memory: number;

  constructor(points: readonly Point[], memory: number) {
    const names = [...new Set(points.map(({ group }) => group))];
    this.#groups = points.map(({ group }) => names.indexOf(group));
    this.#freedom = points.length - names.length - 1;
    this.#xs = this.#withoutGroups(points.map(({ x }) => x));
    this.#spread = this.#xs.reduce((total, x) => total + x * x, 0);
    this.#memory = Math.min(memory, points.length - 1);
  }

  get isPossible(): boolean {
    return this.#freedom > 0 && this.#spread > 0;
  }

  through(values: readonly number[]): { slope: number; error: number; rests: readonly number[] } {
    const xs = this.#xs;
    const ys = this.#withoutGroups(values);
    const slope = xs.reduce((total, x, i) => total + x * (ys[i] ?? 0), 0) / this.#spread;
    const rests = ys.map((y, i) => y - slope * (xs[i] ?? 0));
    const scores = rests.map((rest, i) => rest * (xs[i] ?? 0));
    let variance = 0;
    for (let lag = 0; lag <= this.#memory; lag++) {
      let together = 0;
      for (let i = lag; i < scores.length; i++) together += (scores[i] ?? 0) * (scores[i - lag] ?? 0);
      variance += (lag === 0 ? 1 : 2 * (1 - lag / (this.#memory + 1))) * together;
    }
    // For the parameters that are fitted.
    const less = xs.length / this.#freedom;
    return { slope, error: Math.sqrt(Math.max(0, variance) * less) / this.#spread, rests };
  }

  /** The values without the means of their groups. */
  #withoutGroups(values: readonly number[]): number[] {
    const sums: number[] = [];
    const counts: number[] = [];
    for (const [i, group] of this.#groups.entries()) {
      sums[group] = (sums[group] ?? 0) + (values[i] ?? 0);
      counts[group] = (counts[group] ?? 0) + 1;
    }
    return values.map((value, i) => {
      const group = this.#groups[i] ?? 0;
      return value - (sums[group] ?? 0) / (counts[group] ?? 1);
    });
  }
}

/** How alike neighbours are: 0 not at all, 1 the same. Few values look less alike than they are (Kendall's correction). */
function likenessOf(rests: readonly number[]): number {
  const all = rests.reduce((total, rest) => total + rest * rest, 0);
  if (all === 0) return 0;
  const found = rests.slice(1).reduce((total, rest, i) => total + rest * (rests[i] ?? 0), 0) / all;
  return Math.min(MOST_LIKENESS, Math.max(0, found + (2 + 4 * found) / rests.length));
}

/** Random values around 0, each as much like the one before. */
export function series(length: number, likeness: number, random: Random): number[] {
  let value = normal(random) / Math.sqrt(1 - likeness ** 2);
  return Array.from({ length }, () => (value = likeness * value + normal(random)));
}

/** Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
