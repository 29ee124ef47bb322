// Options that several commands share, and how their values are read from the command line.
import { TARGETS, type Target } from '../../protocol/ir.ts';
import { UsageError } from './failure.ts';

export interface ConfigOption {
  readonly config?: string;
}

/** For cac's `option`. */
export const CONFIG_OPTION = [
  '-c, --config <file>',
  'Use this config file, not the one in this folder',
] as const;
export const JSON_OPTION = ['--json', 'Print JSON, for programs'] as const;

/** The whole number that an option was given, within limits; undefined if it was not given. Throws a UsageError. */
export function wholeNumberOption(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} is "${text}"; it must be a whole number from ${min} to ${max}`);
}

/** The native gate set that an option was given; undefined if it was not given. Throws a UsageError. */
export function targetOption(text: string | undefined): Target | undefined {
  if (text === undefined) return undefined;
  const target = TARGETS.find((known) => known === text);
  if (target !== undefined) return target;
  throw new UsageError(`--target is "${text}"; it must be one of ${TARGETS.join(', ')}`);
}
