// `npm run model`: checks the models at a larger size than the tests do, and prints what it has explored, and for each
// limit of the promises, and each mistake that a program might make, the way to what happens then. With `--page` it only
// writes the page of these ways.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LARGE, LIMITS, MUTANTS, resultOf, sectionOf, sizeOf, type Breaks, type Check } from './checks.ts';
import { Checker, MODELS, whyNotHere, type Verdict } from './spin.ts';

const why = whyNotHere();
if (why !== false) {
  process.stderr.write(`The models cannot be checked: ${why}\n`);
  process.exit(1);
}
const checkers = new Map<string, Promise<Checker>>();
let isGood = true;

if (process.argv.includes('--page')) {
  const title = '# What happens without the limits\n\n';
  const about =
    'For each limit of [the model](README.md#the-limits), the shortest way to a broken promise if the limit is taken away. ' +
    '`npm run model -- --page` writes this page.\n\n';
  writeFileSync(join(MODELS, 'counterexamples.md'), title + about + (await waysOf(LIMITS)).join('\n'));
} else {
  await explore();
  say(`\n# Without a limit\n\n${(await waysOf(LIMITS)).join('\n')}`);
  say(`\n# With a mistake\n\n${(await waysOf(MUTANTS)).join('\n')}`);
}
for (const checker of checkers.values()) (await checker).close();
process.exitCode = isGood ? 0 : 1;

async function explore(): Promise<void> {
  const startedAt = performance.now();
  const minutes = (): string => `${((performance.now() - startedAt) / 60_000).toFixed(1)} min`;
  const rows = await together(LARGE, async (check) => {
    const what = `${check.model}: ${sizeOf(check)}`;
    process.stderr.write(`${minutes()}  ${what} …\n`);
    let said = 0;
    const verdict = await verdictOn(check, (states) => {
      if (states < said + 5e6) return;
      said = states;
      process.stderr.write(`${minutes()}  ${what}: ${Math.floor(states / 1e6)} million states\n`);
    });
    const { states, seconds, megabytes, isComplete, broken } = verdict;
    isGood &&= isComplete && broken === undefined;
    const isLive = check.manner === 'endless' && resultOf(verdict) === 'all promises hold';
    const result = isLive ? 'every job ends' : resultOf(verdict);
    const figures = [states.toLocaleString('en'), String(Math.ceil(seconds)), `${Math.round(megabytes)} MB`];
    process.stderr.write(`${minutes()}  ${what}: ${result}\n`);
    const row = `| ${[`\`${check.model}\``, sizeOf(check), ...figures, result].join(' | ')} |\n`;
    return broken === undefined ? row : `${row}\n${broken.steps.join('\n')}\n\n`;
  });
  say('| model | explored | states | seconds | memory | result |\n| --- | --- | --- | --- | --- | --- |\n');
  say(rows.join(''));
}

/** On some cores at once: each may take a gigabyte. The results are in the order of `all`. */
async function together<T, R>(all: readonly T[], work: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = all.entries();
  const lane = async (): Promise<void> => {
    for (const [i, each] of left) results[i] = await work(each);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, lane));
  return results;
}

async function waysOf(all: readonly Breaks[]): Promise<string[]> {
  return together(all, async (each) => {
    const verdict = await verdictOn(each.check);
    isGood &&= verdict.broken?.promise === each.promise;
    return sectionOf(each, verdict);
  });
}

async function verdictOn(
  { model, manner, settings, defines = [], hashBits }: Check,
  onStates?: (states: number) => void,
): Promise<Verdict> {
  const key = [model, manner, ...defines].join(' ');
  const checker = checkers.get(key) ?? Checker.make(model, manner, defines);
  checkers.set(key, checker);
  return (await checker).check(settings, { hashBits, onStates });
}

function say(text: string): void {
  process.stdout.write(text);
}
