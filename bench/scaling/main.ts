// `npm run bench:scaling`: takes the scaling figures, prints the tables of docs/scaling.md, and writes
// bench/scaling/results.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lab/package.ts';
import { measureConcurrency, measureShards, type Results } from './measurement.ts';
import { shardTable, tables, type Figure, type ShardFigure } from './table.ts';

const HELP = `npm run bench:scaling [-- concurrency | shards] [--help]

Measures the jobs a second of several nodes on one stream:
  concurrency  1, 2 and 4 nodes with \`concurrency\` 1, 4 and 16, for an executor that waits and for one that computes:
               about two minutes
  shards       1, 2, 5 and 20 nodes on one server, on a cluster of one shard and of three, with the CPU time a job:
               about three minutes
Without a word it takes both. Prints the tables of docs/scaling.md, and writes bench/scaling/results.json; a test compares
the two.
`;
const RESULTS = join(ROOT, 'bench', 'scaling', 'results.json');

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [word] = args;
  if (word === '--help' || word === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  if (word !== undefined && word !== 'concurrency' && word !== 'shards') {
    process.stdout.write(`'${word}' is not an option; see npm run bench:scaling -- --help\n`);
    return 2;
  }
  const before = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
  const concurrency = word === 'shards' ? before.concurrency : await measureConcurrency(say);
  const shards = word === 'concurrency' ? before.shards : await measureShards(say);
  const results: Results = { concurrency, ...(shards === undefined ? {} : { shards }) };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  if (word !== 'shards') process.stdout.write(`${tables(concurrency.figures)}\n`);
  if (word !== 'concurrency' && shards !== undefined) process.stdout.write(shardTable(shards.figures));
  return 0;
}

function say(figure: Figure | ShardFigure): void {
  const { kind, nodes, concurrency, jobsPerSecond, ideal } = figure;
  const where = 'shards' in figure ? `${figure.shards} shards: ` : '';
  process.stderr.write(`${where}${kind}: ${nodes} x ${concurrency}: ${jobsPerSecond} jobs/s of ${ideal}\n`);
}
