// The arguments of `npm run test:chaos`: which scenarios, in which form and size. A mistake is shown in one line.
import { parseArgs } from 'node:util';
import { didYouMean } from '../../src/config/suggest.ts';
import { SIZES } from './help.ts';
import type { Scenario, Size } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

export interface Wanted {
  readonly scenarios: readonly Scenario[];
  readonly form: 'long' | 'short';
  readonly seed: number;
  /** Single numbers that are not those of the form. */
  readonly size: Size;
  /** The parts of a scenario that are played; none for all. */
  readonly only: readonly string[];
}

/** A wrong argument: the message names it, and says what to write instead. */
export class WrongWords extends Error {}

export async function wantedBy(args: readonly string[]): Promise<Wanted | 'help'> {
  const options = {
    help: { type: 'boolean', short: 'h' },
    short: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    ...Object.fromEntries(['seed', ...SIZES].map((name) => [name, { type: 'string' } as const])),
  } as const;
  // Not strict: its errors would not say which options there are.
  const { values, positionals } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
  });
  const { help, short, only = [], ...numbers } = values;
  if (help === true) return 'help';
  if (short !== undefined && short !== true) throw new WrongWords('--short takes no value');
  const size: Record<string, number> = {};
  for (const [name, text] of Object.entries(numbers)) {
    if (!Object.hasOwn(options, name)) {
      const hint = await didYouMean(name, Object.keys(options));
      throw new WrongWords(`there is no option '--${name}'${hint || seeHelp()}`);
    }
    size[name] = numberOf(name, text);
  }
  const { seed = Math.floor(Math.random() * 1e6), ...sizes } = size;
  const scenarios = await scenariosOf(positionals);
  for (const name of Object.keys(sizes)) {
    if (scenarios.some(({ long }) => Object.hasOwn(long, name))) continue;
    const has = SCENARIOS.filter(({ long }) => Object.hasOwn(long, name));
    throw new WrongWords(
      `--${name} is for ${listed(has)} only, not for ${listed(scenarios)}: leave it out, or name one of those`,
    );
  }
  const parts = partsOf(scenarios, Array.isArray(only) ? only : [only]);
  return { scenarios, only: parts, form: short === true ? 'short' : 'long', seed, size: sizes };
}

async function scenariosOf(words: readonly string[]): Promise<readonly Scenario[]> {
  const known: readonly string[] = SCENARIOS.map(({ name }) => name);
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    const hint = await didYouMean(unknown, known);
    throw new WrongWords(`there is no scenario '${unknown}'${hint || `; there are ${known.join(', ')}`}`);
  }
  return words.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => words.includes(name));
}

/** The parts whose names contain one of the words. */
function partsOf(scenarios: readonly Scenario[], words: readonly (string | boolean)[]): readonly string[] {
  if (words.length === 0) return [];
  const [scenario, ...more] = scenarios;
  const known = scenario?.parts ?? [];
  if (more.length > 0 || known.length === 0) {
    const has = SCENARIOS.filter(({ parts }) => parts !== undefined);
    throw new WrongWords(`--only is for one scenario with parts: ${listed(has)}`);
  }
  return words.flatMap((word) => {
    const found = known.filter((name) => typeof word === 'string' && name.includes(word));
    if (found.length > 0) return found;
    throw new WrongWords(`--only ${String(word)}: ${scenario?.name} has ${known.join('; ')}`);
  });
}

function numberOf(name: string, text: unknown): number {
  const number = typeof text === 'string' && text.trim() !== '' ? Number(text) : NaN;
  if (Number.isFinite(number) && number >= 0) return number;
  const got = typeof text === 'string' ? `, not '${text}'` : '';
  throw new WrongWords(`--${name} takes a number from 0 up${got}, such as --${name} 7`);
}

function listed(scenarios: readonly Scenario[]): string {
  return scenarios.map(({ name }) => name).join(', ');
}

function seeHelp(): string {
  return '; see npm run test:chaos -- --help';
}
