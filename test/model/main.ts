// `npm run model`: checks the models at a larger size than the tests do, and prints what it has explored, and for each
// limit of the promises the way to what happens without it.
import { LARGE, LIMITS, MUTANTS, resultOf, sizeOf, type Breaks, type Check } from './checks.ts';
import { Checker, whyNotHere, type Verdict } from './spin.ts';

const why = whyNotHere();
if (why !== false) {
  process.stderr.write(`The models cannot be checked: ${why}\n`);
  process.exit(1);
}
const checkers = new Map<string, Promise<Checker>>();
let isGood = true;

say('| model | explored | states | seconds | memory | result |\n| --- | --- | --- | --- | --- | --- |\n');
for (const check of LARGE) {
  const verdict = await verdictOn(check);
  const { states, seconds, megabytes, isComplete, broken } = verdict;
  isGood &&= isComplete && broken === undefined;
  const manner = check.manner === 'endless' ? 'every-job-ends: ' : '';
  say(
    `| ${check.model} | ${sizeOf(check)} | ${states.toLocaleString('en')} | ${seconds} | ${Math.round(megabytes)} MB | ${manner}${resultOf(verdict)} |\n`,
  );
  if (broken !== undefined) say(`\n${listOf(broken.steps)}\n`);
}
await showAll('Without this limit', LIMITS);
await showAll('With this mistake', MUTANTS);
for (const checker of checkers.values()) (await checker).close();
process.exitCode = isGood ? 0 : 1;

async function showAll(title: string, all: readonly Breaks[]): Promise<void> {
  for (const { name, check, promise } of all) {
    const verdict = await verdictOn(check);
    isGood &&= verdict.broken?.promise === promise;
    say(
      `\n${title}: ${name} (${sizeOf(check)}): ${resultOf(verdict)}\n\n${listOf(verdict.broken?.steps ?? [])}`,
    );
  }
}

async function verdictOn({ model, manner, settings, defines = [], hashBits }: Check): Promise<Verdict> {
  const key = [model, manner, ...defines].join(' ');
  const checker = checkers.get(key) ?? Checker.make(model, manner, defines);
  checkers.set(key, checker);
  return (await checker).check(settings, hashBits === undefined ? {} : { hashBits });
}

function listOf(steps: readonly string[]): string {
  return steps.map((step, i) => `${i + 1}. ${step}\n`).join('');
}

function say(text: string): void {
  process.stdout.write(text);
}
