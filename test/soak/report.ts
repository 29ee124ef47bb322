// What a soak has shown, as a table for people and as JSON.
import { growthOf, WARM_UP_MINUTES, type Growth } from './growth/growth.ts';
import type { Plan, Played } from './play.ts';
import type { Slope } from './growth/slope.ts';
import { FASTER } from './stage.ts';

export interface Report extends Omit<Played, 'broken'> {
  readonly seed: number;
  readonly plan: Plan;
  readonly compressed: readonly string[];
  readonly growth: readonly Growth[];
  readonly broken: readonly string[];
}

export function reportOf(played: Played, plan: Plan, seed: number): Report {
  const growth = growthOf(played.hours);
  const grown = growth
    .filter(({ verdict }) => verdict === 'grows')
    .map(
      ({ name, bound, unit, anHour }) =>
        `${name} grows by ${interval(anHour)}${unit === '' ? '' : ` ${unit}`} an hour, more than ${bound}`,
    );
  return {
    seed,
    plan,
    compressed: compressed(plan),
    ...played,
    growth,
    broken: [...played.broken, ...grown],
  };
}

/** What is shorter or faster than in a real day, and what is not. */
export function compressed({ days, hourMs }: Plan): string[] {
  const hour = hourMs / 1_000;
  return [
    `each hour of ${days} days takes ${hour.toFixed(1)} s and the time until its jobs have ended; jobs come at real rates, so there are ${(3_600 / hour).toFixed(0)} times fewer`,
    ...Object.values(FASTER).map(({ says }) => says),
    'all else runs at its own pace: pings of Redis, the sign of life, tokens for five minutes, flushes; a night has fewer of them than a real one',
    'not played: what needs days, which is the removal of old history and logs for their age',
  ];
}

export function textOf(report: Report): string {
  const { seed, growth, jobs, repeats, cutOff, faults, noSmallDisk, hours, broken } = report;
  const rows = [
    ['', 'first → last day', 'an hour', 'a million jobs', 'bound', 'verdict'],
    ...growth.map(({ name, unit, first, last, anHour, aMillionJobs, bound, verdict }) => [
      `${name}${unitOf(unit)}`,
      `${shown(first)} → ${shown(last)}`,
      interval(anHour),
      interval(aMillionJobs),
      String(bound),
      verdict,
    ]),
  ];
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  const table = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    `${jobs.toLocaleString('en-US')} jobs in ${((hours.at(-1)?.hours ?? 0) * 60).toFixed(0)} minutes, seed ${seed}; ${repeats} outcomes came again, the same; ${cutOff} runs were cut off by kills`,
    `faults: ${Object.entries(faults)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
    ...(noSmallDisk === undefined ? [] : [`not played: disk full; ${noSmallDisk}`]),
    '',
    ...report.compressed.map((line) => `- ${line}`),
    '',
    `growth after a warm-up, the days that began in the first ${WARM_UP_MINUTES} minutes; ± half of the 95 % interval; the disk over all lives, all else in the first:`,
    ...table,
    ...livesOf(report),
    '',
    ...broken.map((breach) => `BROKEN: ${breach.replaceAll('\n', '\n  ')}`),
    broken.length === 0 ? 'every promise was kept' : `broken promises: ${broken.length}; seed ${seed}`,
    '',
  ].join('\n');
}

/** The lives after the first are too short for a slope. */
function livesOf({ hours }: Report): string[] {
  const lives = [...new Set(hours.map(({ life }) => life))].slice(1);
  const lines = lives.map((life) => {
    const own = hours.filter((hour) => hour.life === life);
    const [first, last] = [own[0], own.at(-1)];
    return `  ${life}: ${own.length} hours, resident memory ${shown(first?.rssMb)} → ${shown(last?.rssMb)} MiB, heap ${shown(first?.heapMb)} → ${shown(last?.heapMb)} MiB`;
  });
  return lives.length === 0 ? [] : ['', 'lives after kills, too short for slopes:', ...lines];
}

function interval(slope: Slope | undefined): string {
  if (slope === undefined) return 'too few hours';
  const sign = slope.slope < 0 ? '-' : '+';
  return `${sign}${shown(Math.abs(slope.slope))} ± ${shown(slope.high - slope.slope)}`;
}

function shown(value: number | undefined): string {
  if (value === undefined) return '?';
  return value.toFixed(Math.abs(value) < 1 ? 3 : Math.abs(value) < 100 ? 1 : 0);
}

function unitOf(unit: string): string {
  return unit === '' ? '' : `, ${unit}`;
}
