// Reads the arguments of the command line as every command line does: `-tTOKEN`, `-n5`, `-df`, `--port=9000`, and `--`
// before operands. Every value stays the text that was typed. Which commands and options there are is declared with cac.
import { parseArgs } from 'node:util';
import type { CAC } from 'cac';
import { UsageError } from './failure.ts';

type Command = CAC['commands'][number];
type Option = Command['options'][number];

export interface Arguments {
  /** Without the command's name. */
  readonly operands: readonly string[];
  /** By the long name in camel case: a text, empty for an optional value that is left out, or true for an option that takes no value. `--no-name` makes `name` false. */
  readonly options: Readonly<Record<string, string | boolean>>;
}

/** The command that the first operand names. */
export function commandOf(cli: CAC, args: readonly string[]): Command | undefined {
  // Which words are operands depends on the options, and these on the command: each reads the arguments its own way.
  return cli.commands.find(
    (command) => operandsOf(tokensOf(args, optionsOf(cli, command)))[0] === command.name,
  );
}

/** Throws a UsageError for an option that does not exist, lacks its value or is given twice. */
export function readArguments(cli: CAC, command: Command | undefined, args: readonly string[]): Arguments {
  const options = optionsOf(cli, command);
  const tokens = tokensOf(args, options);
  const operands = operandsOf(tokens);
  const isNamed = command !== undefined && operands[0] === command.name;
  const values: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = options.find((one) => longName(one) === `--${token.name}`);
    if (option === undefined) throw unknown(token.rawName, options, command);
    const { name, rawName } = option;
    const isRepeated = Object.hasOwn(values, name) && option.isBoolean !== true;
    if (isRepeated) throw new UsageError(`the option ${rawName} is given twice`);
    values[name] = option.isBoolean === true ? flagOf(token, option) : valueOf(token, rawName);
  }
  return { operands: isNamed ? operands.slice(1) : operands, options: values };
}

type Token = ReturnType<typeof tokensOf>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

function optionsOf(cli: CAC, command: Command | undefined): Option[] {
  return [...cli.globalCommand.options, ...(command?.options ?? [])];
}

function tokensOf(args: readonly string[], options: readonly Option[]) {
  const entries = options.map((option) => {
    const { names, isBoolean, rawName } = option;
    // The next word is not the value of an option that may stand alone: only `--name=value` gives it one.
    const type = isBoolean === true || isOptional(rawName) ? ('boolean' as const) : ('string' as const);
    const short = names.find((one) => one.length === 1);
    return [longName(option).slice(2), { type, ...(short === undefined ? {} : { short }) }] as const;
  });
  return parseArgs({
    args: [...args],
    options: Object.fromEntries(entries),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

function operandsOf(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
}

function flagOf({ rawName, value }: OptionToken, { negated }: Option): boolean {
  if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
  return !negated;
}

function valueOf({ rawName: typed, value, inlineValue }: OptionToken, rawName: string): string {
  if (isOptional(rawName) && value === undefined) return '';
  if (inlineValue === true) return typed.startsWith('--') ? value : value.replace(/^=/, '');
  // What looks like an option is one: a value was forgotten. A number below zero is a value.
  if (value !== undefined && !/^-[^\d]/.test(value)) return value;
  const hint =
    value === undefined
      ? ''
      : `; a value that begins with a dash is written ${rawName.replace(/^-\w, /, '').replace(' ', '=')}`;
  throw new UsageError(`option \`${rawName}\` value is missing${hint}`);
}

function unknown(given: string, options: readonly Option[], command: Command | undefined): UsageError {
  const takesOperands = (command?.args.length ?? 0) > 0;
  return new UsageError(`Unknown option \`${given}\``, {
    given,
    known: options.map(longName),
    hint: takesOperands ? '; write -- before operands that begin with a dash' : '',
  });
}

/** Whether the option's value may be left out: then it is an empty text. */
function isOptional(rawName: string): boolean {
  return rawName.includes('[');
}

/** A long name as it is typed. */
export function longName({ name, negated }: Option): string {
  return `--${negated ? 'no-' : ''}${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
