// The arguments of `npm run soak`, and its help. A mistake is shown in one line.
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { WrongWords } from '../chaos/command-line.ts';
import { DAY } from './day.ts';
import { FAULTS, KILL } from './faults.ts';
import { QUANTITIES, WARM_UP_MINUTES } from './growth/growth.ts';
import type { Plan } from './play.ts';
import { compressed } from './report.ts';

export interface Wanted {
  readonly plan: Plan;
  readonly seed: number;
  /** Where the samples and slopes are written. */
  readonly json?: string | undefined;
}

const DEFAULT_MINUTES = 60;
/** The warm-up, some days for the slope, and one of kills. */
const LEAST_DAYS = 6;
const DAY_MINUTES = 10;
/** A week: for longer, there may not be the memory to know each job again. */
const MOST_MINUTES = 7 * 24 * 60;
const FAULT_EVERY_MS = 60_000;
const MOST_AWAY_MS = 8_000;

export function wantedBy(args: readonly string[]): Wanted | 'help' {
  const { minutes, seed, json, help: isHelpWanted } = valuesOf(args);
  if (isHelpWanted === true) return 'help';
  const wantedMinutes = numberOf('minutes', minutes, String(DEFAULT_MINUTES));
  if (wantedMinutes === 0)
    throw new WrongWords('--minutes 0 plays nothing; 30 is the least that shows anything');
  if (wantedMinutes > MOST_MINUTES)
    throw new WrongWords(`--minutes takes ${MOST_MINUTES} at most, which is a week`);
  return {
    plan: planOf(wantedMinutes),
    seed: numberOf('seed', seed, String(Math.floor(Math.random() * 1e6))),
    json,
  };
}

export function planOf(minutes: number): Plan {
  const days = Math.max(LEAST_DAYS, Math.round(minutes / DAY_MINUTES));
  return {
    days,
    killDays: Math.ceil(days / 10),
    hourMs: (minutes * 60_000) / days / DAY.length,
    faultEveryMs: FAULT_EVERY_MS,
    mostAwayMs: MOST_AWAY_MS,
  };
}

function valuesOf(args: readonly string[]): {
  minutes?: string;
  seed?: string;
  json?: string;
  help?: boolean;
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (thrown) {
    const [first = ''] = messageOf(thrown).split(/\.\s/);
    throw new WrongWords(`${first}; see npm run soak -- --help`);
  }
}

function numberOf(name: string, text: string | undefined, other: string): number {
  const number = Number(text ?? other);
  if ((text ?? other).trim() !== '' && Number.isFinite(number) && number >= 0) return number;
  throw new WrongWords(`--${name} takes a number from 0 up, not '${text}', such as --${name} 30`);
}

export function help(): string {
  const plan = planOf(DEFAULT_MINUTES);
  const names = [...new Set(DAY.map(({ name }) => name))];
  const hours = names.map((name) => {
    const these = DAY.filter((hour) => hour.name === name);
    return `  ${String(these.length).padStart(2)} × ${name.padEnd(15)} ${these[0]?.what}`;
  });
  return `npm run soak [-- --minutes N] [--seed N] [--json FILE] [--help]

Plays days of a busy QPU against one node: a real process, a real Redis and the local cloud behind proxies, with a fault
each minute. It shows how memory, descriptors, disk and waits grow: as slopes, with their errors.

  --minutes N  how long it plays, ${DEFAULT_MINUTES} by default; 30 show little, some hours much
  --seed N     draws the same jobs and faults again; without it, new ones
  --json FILE  also writes all figures of each hour, and the slopes

The hours of a day:
${hours.join('\n')}

A fault a minute after the last one, of up to ${MOST_AWAY_MS / 1_000} s, from a shuffled deck:
${FAULTS.map(({ name }) => `  ${name}`).join('\n')}
In the last tenth of the days every second one is ${KILL.name}: before that, all is one life of the process.

What is compressed in ${DEFAULT_MINUTES} minutes:
${compressed(plan)
  .map((line) => `  - ${line}`)
  .join('\n')}

How growth is told: each quantity has one value an hour, which is compared with the same hour of the other days. A line
through them gives the slope. Its 95 % interval respects that an hour is like the hours before it: the error is that of
Newey and West, and how far the interval reaches is drawn from series that are as much alike and do not grow. Days
that begin in the first ${WARM_UP_MINUTES} minutes are warm-up. A quantity grows if the whole interval is above the bound, and does not grow if the whole interval is below
it; otherwise it cannot be told: play longer. The bounds, for an hour:
${QUANTITIES.map(({ name, bound, unit }) => `  ${name.padEnd(25)} ${bound} ${unit}`.trimEnd()).join('\n')}
Once in an hour of the day the node is made to collect its garbage, so that its heap can be compared.

  npm run soak -- --minutes 30 --seed 7
  npm run soak -- --minutes 480 --json soak.json

The exit code is 1 if a promise was broken (a job lost, run or delivered twice, growth), 2 if the words of the command are
wrong. That something cannot be told breaks no promise.
`;
}
