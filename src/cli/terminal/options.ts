// What several commands read from the command line, or write to the terminal, in the same way.
import { ConfigError } from '../../errors.ts';
import type { Output } from './output.ts';

export interface ConfigOption {
  readonly config?: string;
}

/** An option's text as it was typed, the last one where it was given twice: cac turns `0123` into a number. */
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

/** An argument as it was typed: cac makes a number of what looks like one behind a flag, as in `--json 0123`. */
export function textArgument(argument: string | number): string {
  if (typeof argument === 'string') return argument;
  return process.argv.find((typed) => typed !== '' && Number(typed) === argument) ?? String(argument);
}

/** A whole number of an option (or of its short form), within limits; undefined where it was not given. */
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

/** Results go to standard output, complaints to standard error; colours only where a terminal shows them. */
export function terminal(stream: NodeJS.WriteStream): Output {
  return {
    write: (line) => void process.stdout.write(`${line}\n`),
    error: (line) => void process.stderr.write(`${line}\n`),
    colour: stream.isTTY && !process.env['NO_COLOR'],
  };
}
