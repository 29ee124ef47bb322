// The text of `npm run test:chaos -- --help`. Everything about the scenarios comes from the scenarios themselves.
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

/** The meaning of each size, the same in all scenarios. */
export const MEANINGS: Readonly<Record<string, string>> = {
  jobs: 'jobs that are submitted',
  kills: 'times that the node is killed',
  each: 'jobs of each kind of trouble',
  gates: 'gates of a large circuit',
  seconds: 'seconds in which the cloud takes no results',
  rounds: 'troubles, one after the other',
  mostAwayMs: 'milliseconds that a trouble takes at most',
  leaseSec: 'seconds for which a dead node keeps its jobs',
  recoverSec: 'seconds after which all must be well again',
};

/** The names of all sizes, each once. */
export const SIZES: readonly string[] = [...new Set(SCENARIOS.flatMap(({ long }) => Object.keys(long)))];

export function help(): string {
  return `npm run test:chaos [-- SCENARIO …] [--seed N] [--short] [--SIZE N …] [--only PART …] [--help]

Plays every kind of trouble against real node processes, a real Redis and the local cloud, and counts what was lost or
run twice. Without a SCENARIO it plays all of them in their long form, which takes about half an hour. It prints
the seed and the figures of each; docs/reliability.md shows the last ones.

scenarios, what each promises, and its sizes in the long and the short form:
${SCENARIOS.map(scenarioLines).join('\n')}

  --seed N     draws the same jobs and moments again; without it, new ones
  --short      the short form, small enough for every run of npm test
  --SIZE N     another size, for each of the scenarios that have it:
${SIZES.map((name) => `    --${name.padEnd(14)} ${MEANINGS[name] ?? ''}`).join('\n')}

  --only PART  of night-shift, the faults whose names contain this; without a match it lists them

  npm run test:chaos -- kill-9 --seed 7 --kills 20
  npm run test:chaos -- night-shift --only frozen --only "kill -9"

The exit code is 1 if a promise was broken, 2 if the words of the command are wrong.
`;
}

function scenarioLines({ name, promise, long, short }: Scenario): string {
  const sizes = Object.entries(long).map(
    ([size, number]) => `--${size} ${shown(number)} (${shown(short[size] ?? number)})`,
  );
  return `  ${name.padEnd(14)} ${promise}\n${' '.repeat(17)}${sizes.join(', ')}`;
}

function shown(number: number): string {
  return number.toLocaleString('en-US');
}
