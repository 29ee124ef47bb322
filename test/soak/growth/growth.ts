// What grows: the slope of each quantity over the hours of all days after the warm-up, and the verdict.
import { median } from '../../chaos/samples.ts';
import type { HourFigures } from '../play.ts';
import { slopeOf, verdictOf, type Slope, type Verdict } from './slope.ts';

interface Quantity {
  readonly name: string;
  readonly unit: string;
  readonly of: (hour: HourFigures) => number | undefined;
  /** Growth of so much in an hour is none. */
  readonly bound: number;
  /** It outlives the process: over all lives, not only over the first. */
  readonly survives?: true;
}

/** The days that begin in the first minutes are warm-up: code is compiled, files reach their sizes, and the node keeps ten
 *  minutes of what the device did for its page. */
export const WARM_UP_MINUTES = 10;

export const QUANTITIES: readonly Quantity[] = [
  { name: 'resident memory', unit: 'MiB', of: ({ rssMb }) => rssMb, bound: 4 },
  { name: 'heap after a collection', unit: 'MiB', of: ({ heapMb }) => heapMb, bound: 1 },
  { name: 'file descriptors', unit: '', of: ({ descriptors }) => descriptors, bound: 1 },
  { name: 'disk: history', unit: 'MiB', of: ({ historyMb }) => historyMb, bound: 1, survives: true },
  { name: 'disk: all else', unit: 'MiB', of: ({ otherDiskMb }) => otherDiskMb, bound: 1, survives: true },
  { name: 'wait for the run, p50', unit: 'ms', of: ({ toRun }) => toRun?.p50, bound: 2 },
  { name: 'wait for the run, p99', unit: 'ms', of: ({ toRun }) => toRun?.p99, bound: 20 },
  { name: 'until delivery, p50', unit: 'ms', of: ({ toDelivery }) => toDelivery?.p50, bound: 2 },
  { name: 'until delivery, p99', unit: 'ms', of: ({ toDelivery }) => toDelivery?.p99, bound: 20 },
  { name: 'event loop delay, p99', unit: 'ms', of: ({ loopDelayMs }) => loopDelayMs, bound: 2 },
];

export interface Growth {
  readonly name: string;
  readonly unit: string;
  /** Medians of the first day after the warm-up, and of the last whole one. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly anHour: Slope | undefined;
  readonly aMillionJobs: Slope | undefined;
  readonly bound: number;
  readonly verdict: Verdict;
}

export function growthOf(hours: readonly HourFigures[]): Growth[] {
  const firstLife = hours[0]?.life;
  const warmUp = new Set(hours.filter((hour) => hour.hours * 60 < WARM_UP_MINUTES).map(({ day }) => day));
  return QUANTITIES.map(({ name, unit, of, bound, survives }) => {
    const found = hours.flatMap((hour) => {
      const y = of(hour);
      const counts = !warmUp.has(hour.day) && (survives === true || hour.life === firstLife);
      return counts && y !== undefined ? [{ hour, y }] : [];
    });
    const days = new Set(found.map(({ hour }) => hour.day));
    // A day is taken to be alike throughout: a fault of the morning may still be seen in the evening.
    const memory = Math.ceil(found.length / Math.max(1, days.size));
    const over = (xOf: (hour: HourFigures) => number): Slope | undefined =>
      slopeOf(
        found.map(({ hour, y }) => ({ x: xOf(hour), y, group: hour.hour })),
        memory,
      );
    // A day in which the life has ended has not all hours.
    const ofDays = [...days]
      .map((day) => found.filter(({ hour }) => hour.day === day).map(({ y }) => y))
      .filter((values, _, [first = []]) => values.length >= first.length)
      .map(median);
    const anHour = over(({ hours: x }) => x);
    return {
      name,
      unit,
      first: ofDays[0],
      last: ofDays.at(-1),
      anHour,
      aMillionJobs: over(({ millionJobs }) => millionJobs),
      bound,
      verdict: verdictOf(anHour, bound),
    };
  });
}
