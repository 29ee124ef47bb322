// `npm run test:chaos`: every scenario in its long form, or those that are named, with the figures of each.
//   npm run test:chaos -- kill-9 --seed 7 --kills 20
import { wantedBy, WrongWords, type Wanted } from './command-line.ts';
import { help } from './help.ts';
import type { Report, Scenario, Size } from './scenario.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const wanted = await wantedBy(args);
    if (wanted !== 'help') return await play(wanted);
    say(help());
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof WrongWords)) throw thrown;
    say(thrown.message);
    return 2;
  }
}

async function play({ scenarios, form, seed, size, only }: Wanted): Promise<number> {
  say(`seed ${seed}`);
  let broken = 0;
  for (const scenario of scenarios) {
    const report = await scenario.run(seed, form, ownSize(scenario, size), only);
    say(row(scenario, report));
    for (const breach of report.broken) say(`    BROKEN: ${breach.replaceAll('\n', '\n      ')}`);
    if (report.broken.length > 0) broken += 1;
  }
  say(broken === 0 ? 'every promise was kept' : `${broken} scenarios with a broken promise; seed ${seed}`);
  return broken === 0 ? 0 : 1;
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
