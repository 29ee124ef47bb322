// `npm run bench`: takes the figures of this node beside a bare loop and the Python original, and shows them as a table.
//   npm run bench -- gap throughput --quick
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Row } from './figure.ts';
import { FIGURES } from './figures/index.ts';
import { Lab } from './lab/lab.ts';
import { ROOT } from './lab/package.ts';
import { findOriginal } from './lab/subject.ts';
import { machineLine, machineOf } from './machine.ts';
import { PAGES, tableOf, withTable, type Results } from './table.ts';

const HELP = `npm run bench [-- FIGURE …] [--quick] [--json FILE] [--readme] [--help]

Measures this node (the real process, with every default plugin), a bare reference loop (the same Redis commands and
POSTs, nothing else), and the Python original if it is found, in turns. Without a FIGURE it takes all of them, which
is about a quarter of an hour. bench/README.md says how each is taken, and what would make it wrong.

${FIGURES.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

  --quick      much shorter: shows that everything works, with rough figures
  --json FILE  writes the results there; a full run of all figures goes to bench/results.json by itself
  --readme     puts the tables of bench/results.json into README.md and bench/README.md; with 'none' as FIGURE,
               nothing is measured

The original is the Python interpreter that CODA_BENCH_ORIGINAL names, or that of \`coda-node\` on PATH.
The exit code is 1 only if a measurement is broken: a goal that is missed is shown, and is no error.
`;
const RESULTS = join(ROOT, 'bench', 'results.json');

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const words = wordsOf(args);
  if (words instanceof Error) {
    say(`${words.message.split('. ')[0]}; see npm run bench -- --help`);
    return 2;
  }
  const { values, positionals } = words;
  if (values.help) {
    say(HELP);
    return 0;
  }
  const names = FIGURES.map(({ name }) => name);
  const unknown = positionals.filter((name) => name !== 'none' && !names.includes(name));
  if (unknown.length > 0) {
    say(`there is no figure '${unknown.join("', '")}'; there are ${names.join(', ')}`);
    return 2;
  }
  let code = 0;
  if (!positionals.includes('none')) {
    const { results, broken } = await measure(positionals, values.quick ? 'quick' : 'full');
    say(`\n${tableOf(results)}`);
    for (const text of broken) say(`\nBROKEN ${text}`);
    const isWhole = positionals.length === 0 && !values.quick && broken.length === 0;
    for (const file of [...(isWhole ? [RESULTS] : []), ...(values.json === undefined ? [] : [values.json])]) {
      writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
      say(`\nwritten to ${file}`);
    }
    code = broken.length > 0 ? 1 : 0;
  }
  if (values.readme) {
    const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
    for (const { path, rows } of PAGES) {
      const page = join(ROOT, path);
      writeFileSync(page, withTable(readFileSync(page, 'utf8'), results, rows));
    }
  }
  return code;
}

function wordsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        readme: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

async function measure(
  names: readonly string[],
  form: 'quick' | 'full',
): Promise<{ results: Results; broken: string[] }> {
  const original = findOriginal(process.env);
  const lab = await Lab.open({ form, original, say });
  const rows: Row[] = [];
  const broken: string[] = [];
  try {
    const machine = await machineOf(lab);
    say(machineLine(machine));
    say(
      original === undefined ? 'the Python original is not here (see --help)' : `the original: ${original}`,
    );
    for (const figure of FIGURES.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const begin = performance.now();
      say(`${figure.name}: ${figure.title}`);
      try {
        rows.push(...(await figure.measure(lab)));
      } catch (thrown) {
        broken.push(
          `${figure.name}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
        );
      }
      say(`  ${((performance.now() - begin) / 1000).toFixed(0)} s`);
    }
    return { results: { form, takenAt: new Date().toISOString(), machine, rows }, broken };
  } finally {
    await lab.close();
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
