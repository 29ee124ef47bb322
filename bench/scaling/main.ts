// `npm run bench:scaling`: takes the scaling figures, prints the tables of docs/scaling.md, and writes
// bench/scaling/results.json.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lab/package.ts';
import { measure } from './measurement.ts';
import { tables } from './table.ts';

const HELP = `npm run bench:scaling [-- --help]

Measures the jobs a second of 1, 2 and 4 nodes with \`concurrency\` 1, 4 and 16, for an executor that waits and for one
that computes, which is about two minutes. Prints the tables of docs/scaling.md, and writes bench/scaling/results.json;
a test compares the two.
`;
const RESULTS = join(ROOT, 'bench', 'scaling', 'results.json');

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [word] = args;
  if (word === '--help' || word === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  if (word !== undefined) {
    process.stdout.write(`'${word}' is not an option; see npm run bench:scaling -- --help\n`);
    return 2;
  }
  const measurement = await measure(({ kind, nodes, concurrency, jobsPerSecond, ideal }) => {
    process.stderr.write(`${kind}: ${nodes} x ${concurrency}: ${jobsPerSecond} jobs/s of ${ideal}\n`);
  });
  writeFileSync(RESULTS, `${JSON.stringify(measurement, null, 2)}\n`);
  process.stdout.write(tables(measurement.figures));
  return 0;
}
