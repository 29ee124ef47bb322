// Options that several commands share, and how their values are read from the command line.
import { TARGETS, type Target } from '../../protocol/ir.ts';
import { UsageError } from './failure.ts';

const LONGEST_MS = 10 * 365 * 86_400_000;

export interface ConfigOption {
  readonly config?: string;
}

/** For cac's `option`. */
export const CONFIG_OPTION = [
  '-c, --config <file>',
  'Use this config file, not the one in this folder',
] as const;
export const JSON_OPTION = ['--json', 'Print JSON, for programs'] as const;

/** How a circuit in OpenQASM is read, by commands that translate it unless they are told not to. */
export interface QasmOptions {
  readonly target?: string;
  /** Undefined: true. */
  readonly compile?: boolean;
}

export const TARGET_OPTION = [
  '--target <gates>',
  `For OpenQASM, the native gates: ${TARGETS.join(', ')} (default: the device's)`,
] as const;
export const QASM_OPTIONS = [
  TARGET_OPTION,
  ['--compile', 'For OpenQASM: translate gates that the target does not have (the default)'],
  ['--no-compile', 'For OpenQASM: refuse such gates'],
] as const;

/** The target that an option was given; undefined if it was not given. Throws a UsageError. */
export function targetOption(text: string | undefined): Target | undefined {
  return text === undefined ? undefined : oneOf('--target', text, TARGETS);
}

/** `text`, which must be one of `choices`. Throws a UsageError. */
export function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${name} is "${text}"; it must be one of ${choices.join(', ')}`);
}

/** The time that an option was given, in milliseconds: `90s`, `10m`, `2h`, `1d`; undefined if it was not given. Throws a
 *  UsageError. */
export function durationOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  throw new UsageError(`${name} is "${text}"; it must be a time such as 90s, 10m, 2h or 1d`);
}

/** Undefined if it is none, or longer than ten years. */
export function durationOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})(s|m|h|d)$/.exec(text) ?? [];
  if (unit === undefined) return undefined;
  const ms =
    Number(count) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd'];
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

/** The moment that an option was given, in Unix milliseconds: a date and time, or how long ago it was (`2h`); undefined if
 *  it was not given. `zone`: that of a time which names none. Throws a UsageError. */
export function momentOption(
  name: string,
  text: string | undefined,
  zone: '' | 'Z' = '',
): number | undefined {
  if (text === undefined) return undefined;
  const ago = durationOf(text);
  if (ago !== undefined) return Date.now() - ago;
  const [, day, time = '00:00', own = zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ]([\d:.]+)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  // Never the day alone: that would be UTC in any case.
  const at = Date.parse(`${day}T${time}${own}`);
  if (!Number.isNaN(at)) return at;
  throw new UsageError(
    `${name} is "${text}"; it must be how long ago, such as 90s, 10m, 2h or 1d, or a time such as 2026-11-28T14:30`,
  );
}

/** What `--since` and `--until` say together. Throws a UsageError, also if there is no time between the two. */
export function periodOptions(options: { readonly since?: string; readonly until?: string }): {
  readonly since: number | undefined;
  readonly until: number | undefined;
} {
  const since = momentOption('--since', options.since);
  const until = momentOption('--until', options.until);
  if (since === undefined || since < (until ?? Date.now())) return { since, until };
  throw new UsageError(
    until === undefined
      ? `--since is ${options.since}, which is in the future`
      : `--since (${options.since}) is not before --until (${options.until})`,
  );
}

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
