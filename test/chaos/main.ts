// `npm run test:chaos`: every scenario in its long form, or those that are named, with the figures of each.
//   npm run test:chaos -- kill-9 --seed 7 --kills 20
import { parseArgs } from 'node:util';
import type { Report, Scenario, Size } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: options(), allowPositionals: true });
  const { seed: seedText, short, ...sizes } = values;
  const seed = seedText === undefined ? Math.floor(Math.random() * 1e6) : Number(seedText);
  const size = Object.fromEntries(Object.entries(sizes).map(([name, text]) => [name, Number(text)]));
  const wrong = Object.entries({ seed, ...size }).filter(([, value]) => !Number.isFinite(value));
  const chosen =
    positionals.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => positionals.includes(name));
  if (wrong.length > 0 || chosen.length < positionals.length) {
    say(
      `usage: test:chaos [${SCENARIOS.map(({ name }) => name).join('|')}] … [--seed n] [--short] [--jobs n] …`,
    );
    return 2;
  }
  say(`seed ${seed}`);
  let broken = 0;
  for (const scenario of chosen) {
    const form = short === true ? 'short' : 'long';
    const report = await scenario.run(seed, form, ownSize(scenario, size));
    say(row(scenario, report));
    for (const breach of report.broken) say(`    BROKEN: ${breach.replaceAll('\n', '\n      ')}`);
    if (report.broken.length > 0) broken += 1;
  }
  say(broken === 0 ? 'every promise was kept' : `${broken} scenarios with a broken promise; seed ${seed}`);
  return broken === 0 ? 0 : 1;
}

/** An option for every number that a scenario has. */
function options(): Record<string, { type: 'string' | 'boolean' }> {
  const names = SCENARIOS.flatMap(({ long }) => Object.keys(long));
  return {
    seed: { type: 'string' },
    short: { type: 'boolean' },
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  };
}

function ownSize({ long }: Scenario, size: Size): Size {
  return Object.fromEntries(Object.entries(size).filter(([name]) => Object.hasOwn(long, name)));
}

function row({ name, promise }: Scenario, { figures, broken, skipped, seconds }: Report): string {
  const verdict = broken.length > 0 ? '✗' : skipped === undefined ? '✓' : '-';
  const details =
    skipped === undefined
      ? Object.entries(figures).map(([what, value]) => `${what}: ${value}`)
      : [`SKIPPED: ${skipped}`];
  return `${verdict} ${name.padEnd(15)} ${promise} (${seconds.toFixed(0)} s)\n    ${details.join(' | ')}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
