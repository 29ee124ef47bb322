// The night shift alone: all its faults, or those that are named by a part of their name.
//   node dist/test/chaos/night-shift/main.js "missing right" frozen
//   node dist/test/chaos/night-shift/main.js --write docs/operating.md
import { parseArgs } from 'node:util';
import { FAULTS } from './faults/index.ts';
import { playAll } from './index.ts';
import { lines, writeInto } from './table.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { list: { type: 'boolean' }, write: { type: 'string' } },
  });
  const faults = FAULTS.filter(
    ({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
  );
  if (values.list === true || faults.length === 0) {
    say(`there are ${FAULTS.length} faults:\n${FAULTS.map(({ name }) => `  ${name}`).join('\n')}`);
    return values.list === true ? 0 : 2;
  }
  const all = await playAll(faults, 1, 30, (played) => say(lines(played)));
  if (values.write !== undefined && positionals.length === 0) writeInto(values.write, all);
  const broken = all.filter((played) => played.broken.length > 0);
  say(`${all.length - broken.length} of ${all.length} faults were borne as promised`);
  for (const { name } of broken) say(`  ✗ ${name}`);
  return broken.length === 0 ? 0 : 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
