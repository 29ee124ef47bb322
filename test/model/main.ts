// `npm run model`: checks the models at a larger size than the tests do, and prints what it has explored, and for each
// limit of the promises, and each mistake that a program might make, the way to what happens then. With `--page` it only
// writes the page of these ways.
import { writeFileSync } from 'node:fs';
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
  say('| model | explored | states | seconds | memory | result |\n| --- | --- | --- | --- | --- | --- |\n');
  for (const check of LARGE) {
    const verdict = await verdictOn(check);
    const { states, seconds, megabytes, isComplete, broken } = verdict;
    isGood &&= isComplete && broken === undefined;
    const result = check.manner === 'endless' ? 'every job ends' : resultOf(verdict);
    const figures = [states.toLocaleString('en'), String(seconds), `${Math.round(megabytes)} MB`];
    say(
      `| ${[check.model, sizeOf(check), ...figures, broken === undefined ? result : resultOf(verdict)].join(' | ')} |\n`,
    );
    if (broken !== undefined) say(`\n${broken.steps.join('\n')}\n\n`);
  }
}

async function waysOf(all: readonly Breaks[]): Promise<string[]> {
  const sections: string[] = [];
  for (const each of all) {
    const verdict = await verdictOn(each.check);
    isGood &&= verdict.broken?.promise === each.promise;
    sections.push(sectionOf(each, verdict));
  }
  return sections;
}

async function verdictOn({ model, manner, settings, defines = [], hashBits }: Check): Promise<Verdict> {
  const key = [model, manner, ...defines].join(' ');
  const checker = checkers.get(key) ?? Checker.make(model, manner, defines);
  checkers.set(key, checker);
  return (await checker).check(settings, hashBits === undefined ? {} : { hashBits });
}

function say(text: string): void {
  process.stdout.write(text);
}
