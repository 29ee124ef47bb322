// The functions and constants of the language.
import type { ValueType } from './expression.ts';

interface LanguageFunction {
  readonly count: 1 | 2;
  /** `same`: an integer of integers. */
  readonly type: ValueType | 'same';
  readonly operate: (a: number, b: number) => number;
}

function ofReal(operate: (a: number) => number): LanguageFunction {
  return { count: 1, type: 'float', operate };
}

const SHARED = {
  sin: ofReal(Math.sin),
  cos: ofReal(Math.cos),
  tan: ofReal(Math.tan),
  exp: ofReal(Math.exp),
  sqrt: ofReal(Math.sqrt),
};

const FUNCTIONS: Readonly<Record<2 | 3, ReadonlyMap<string, LanguageFunction>>> = {
  2: new Map(
    Object.entries({
      ...SHARED,
      ln: ofReal(Math.log),
      asin: ofReal(Math.asin),
      acos: ofReal(Math.acos),
      atan: ofReal(Math.atan),
    }),
  ),
  3: new Map<string, LanguageFunction>(
    Object.entries<LanguageFunction>({
      ...SHARED,
      arcsin: ofReal(Math.asin),
      arccos: ofReal(Math.acos),
      arctan: ofReal(Math.atan),
      log: ofReal(Math.log),
      ceiling: ofReal(Math.ceil),
      floor: ofReal(Math.floor),
      mod: { count: 2, type: 'same', operate: (a, b) => (b === 0 ? NaN : a - b * Math.floor(a / b)) },
      pow: { count: 2, type: 'same', operate: (a, b) => a ** b },
      popcount: {
        count: 1,
        type: 'int',
        operate: (a) => (Number.isSafeInteger(a) && a >= 0 ? a.toString(2).replaceAll('0', '').length : NaN),
      },
    }),
  ),
};

/** The name in the other version, or in other languages. */
const ALSO_CALLED: ReadonlyMap<string, string> = new Map([
  ['asin', 'arcsin'],
  ['acos', 'arccos'],
  ['atan', 'arctan'],
  ['ln', 'log'],
  ['log', 'ln'],
  ['arcsin', 'asin'],
  ['arccos', 'acos'],
  ['arctan', 'atan'],
  ['ceil', 'ceiling'],
]);

/** A function of the language; a hint if it has none of that name. */
export function functionOf(word: string, version: 2 | 3): LanguageFunction | string {
  const functions = FUNCTIONS[version];
  const found = functions.get(word);
  if (found !== undefined) return found;
  const other = ALSO_CALLED.get(word) ?? '';
  if (functions.has(other)) return `OpenQASM ${version} calls it ${other}.`;
  return `There are: ${[...functions.keys()].toSorted().join(', ')}.`;
}

interface Constant {
  readonly type: ValueType;
  readonly value: number;
}

const PI: Constant = { type: 'float', value: Math.PI };
const TAU: Constant = { type: 'float', value: 2 * Math.PI };
const EULER: Constant = { type: 'float', value: Math.E };

const CONSTANTS: ReadonlyMap<string, Constant> = new Map([
  ['pi', PI],
  ['π', PI],
  ['tau', TAU],
  ['τ', TAU],
  ['euler', EULER],
  ['ℇ', EULER],
  ['true', { type: 'bool', value: 1 }],
  ['false', { type: 'bool', value: 0 }],
]);

export function constantOf(word: string, version: 2 | 3): Constant | undefined {
  return version === 3 || word === 'pi' ? CONSTANTS.get(word) : undefined;
}
