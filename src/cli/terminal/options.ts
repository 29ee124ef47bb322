// Options that several commands share, and how their values are read from the command line.
import { ConfigError } from '../../errors.ts';
import type { Output } from './output.ts';

export interface ConfigOption {
  readonly config?: string;
}

/** For cac's `option`. */
export const CONFIG_OPTION = [
  '-c, --config <file>',
  'Use this config file, not the one in this folder',
] as const;
export const JSON_OPTION = ['--json', 'Print JSON, for programs'] as const;

/** An option's text as it was typed (cac turns `0123` into a number); the last one if it was given twice. */
export function textOption(...names: readonly string[]): string | undefined {
  let text: string | undefined;
  for (const [i, argument] of process.argv.entries()) {
    for (const name of names) {
      if (argument === name) text = process.argv[i + 1];
      else if (argument.startsWith(`${name}=`)) text = argument.slice(name.length + 1);
    }
  }
  return text;
}

/** An argument as it was typed: behind a flag, cac turns what looks like a number into one, as in `--json 0123`. */
export function textArgument(argument: string | number): string {
  if (typeof argument === 'string') return argument;
  return process.argv.find((typed) => typed !== '' && Number(typed) === argument) ?? String(argument);
}

/** The whole number that an option (or its short form) was given, within limits; undefined if it was not given. */
export function wholeNumberOption(
  names: string | readonly string[],
  min: number,
  max: number,
): number | undefined {
  const all = typeof names === 'string' ? [names] : names;
  const text = textOption(...all);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new ConfigError(`${all[0]} is "${text}"`, { remedy: `Give a whole number from ${min} to ${max}.` });
}

/** Results go to standard output, errors to standard error; in colour only on a terminal. */
export function terminal(stream: NodeJS.WriteStream): Output {
  return {
    write: (line) => void process.stdout.write(`${line}\n`),
    error: (line) => void process.stderr.write(`${line}\n`),
    colour: stream.isTTY && !process.env['NO_COLOR'],
  };
}
