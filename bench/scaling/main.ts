// `npm run bench:scaling`: takes the scaling figures, and writes them to bench/scaling/results.json and docs/scaling.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../lab/package.ts';
import { FULL, measureConcurrency, measureShards, QUICK } from './measurement.ts';
import { shardTable, tables, withTables, type Figure, type Results, type ShardFigure } from './table.ts';

const HELP = `npm run bench:scaling [-- concurrency | shards] [--quick] [--help]

Measures the jobs a second of several nodes on one stream:
  concurrency  1, 2 and 4 nodes with \`concurrency\` 1, 4 and 16, for an executor that waits and for one that computes:
               about five minutes
  shards       1, 2, 5 and 20 nodes on one server, on a cluster of one shard and of three, with the CPU time a job:
               about five minutes
Without a word it takes both. Prints the tables, and writes them to bench/scaling/results.json and docs/scaling.md once all
is measured.

  --quick      about a minute for each: shows that everything works, and writes nothing
`;
const WORDS = new Set(['concurrency', 'shards']);
const RESULTS = join(ROOT, 'bench', 'scaling', 'results.json');
const PAGE = join(ROOT, 'docs', 'scaling.md');
const begin = performance.now();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    strict: false,
    options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values['help'] === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const options = Object.keys(values).filter((name) => name !== 'quick');
  const unknown = [...options.map((name) => `--${name}`), ...positionals].find((word) => !WORDS.has(word));
  if (unknown !== undefined) {
    process.stdout.write(`'${unknown}' is not understood; see npm run bench:scaling -- --help\n`);
    return 2;
  }
  const duration = values['quick'] ? QUICK : FULL;
  const wants = (word: string): boolean => positionals.length === 0 || positionals.includes(word);
  const concurrency = wants('concurrency') ? await measureConcurrency(duration, say) : undefined;
  const shards = wants('shards') ? await measureShards(duration, say) : undefined;
  if (concurrency !== undefined) process.stdout.write(`${tables(concurrency.figures)}\n`);
  if (shards !== undefined) process.stdout.write(`${shardTable(shards.figures)}\n`);
  if (values['quick']) return 0;
  const before = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
  const results: Results = { ...before, ...(concurrency && { concurrency }), ...(shards && { shards }) };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), results));
  return 0;
}

function say(figure: Figure | ShardFigure): void {
  const { kind, nodes, concurrency, jobsPerSecond, ideal } = figure;
  const where = 'shards' in figure ? `${figure.shards} shards: ` : '';
  const after = `${((performance.now() - begin) / 1000).toFixed(0)} s: `;
  process.stderr.write(
    `${after}${where}${kind}: ${nodes} x ${concurrency}: ${jobsPerSecond} jobs/s of ${ideal}\n`,
  );
}
