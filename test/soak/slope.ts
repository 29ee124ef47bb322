// The slope of a quantity over time, with an interval that respects that samples which follow each other are alike.
// Least squares, the standard error of Newey and West (1987), and the factors of Kiefer and Vogelsang (2005) for it: these
// are wider than those of independent samples, the more so the fewer samples there are for the memory that is assumed.

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

/**
 * The points in their order in time. `memory`: how many points later two may still be alike. Undefined if there are too few,
 * or if no two points of a group are apart.
 */
export function slopeOf(points: readonly Point[], memory: number): Slope | undefined {
  const groups = new Set(points.map(({ group }) => group)).size;
  const freedom = points.length - groups - 1;
  if (points.length < LEAST_POINTS || freedom < 1) return undefined;
  const xs = withoutGroups(points, ({ x }) => x);
  const ys = withoutGroups(points, ({ y }) => y);
  const spread = sum(xs.map((x) => x * x));
  if (spread === 0) return undefined;
  const slope = sum(xs.map((x, i) => x * (ys[i] ?? 0))) / spread;
  const scores = xs.map((x, i) => x * ((ys[i] ?? 0) - slope * x));
  let variance = 0;
  for (let lag = 0; lag <= memory; lag++) {
    const together = sum(scores.slice(lag).map((score, i) => score * (scores[i] ?? 0)));
    variance += (lag === 0 ? 1 : 2 * (1 - lag / (memory + 1))) * together;
  }
  const error = Math.sqrt((Math.max(0, variance) * points.length) / freedom) / spread;
  const reach = factor(Math.min(1, (memory + 1) / points.length)) * error;
  return { slope, error, low: slope - reach, high: slope + reach, points: points.length };
}

/** `bound`: growth up to this is none. */
export function verdictOf(slope: Slope | undefined, bound: number): Verdict {
  if (slope === undefined) return 'cannot be told';
  if (slope.low > bound) return 'grows';
  return slope.high < bound ? 'does not grow' : 'cannot be told';
}

/** For 95 % on both sides; `share`: the assumed memory as a share of all points. */
function factor(share: number): number {
  return 1.96 + 2.9694 * share + 0.416 * share ** 2 - 0.5324 * share ** 3;
}

/** The values without the means of their groups. */
function withoutGroups(points: readonly Point[], valueOf: (point: Point) => number): number[] {
  const sums = new Map<number, { total: number; count: number }>();
  for (const point of points) {
    const { total, count } = sums.get(point.group) ?? { total: 0, count: 0 };
    sums.set(point.group, { total: total + valueOf(point), count: count + 1 });
  }
  return points.map((point) => {
    const { total, count } = sums.get(point.group) ?? { total: 0, count: 1 };
    return valueOf(point) - total / count;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
