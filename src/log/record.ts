// What of a line's fields gets into the log. They come from anybody: no value ends who logs it, and none is endless.
import type { Redaction } from './redaction.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** Longer texts are cut. */
export const LONGEST_TEXT = 64 * 1024;
/** A line that is longer has its values cut, too. */
export const LONGEST_LINE = 512 * 1024;
const UNSHOWN = '(cannot be shown)';
const DEEPEST_CAUSE = 8;
/** What each line has of its own; a field of such a name gets a `_` behind it. */
export const OWN_NAMES = new Set(['time', 'level', 'scope', 'message']);

/** The fields without those that are undefined, with errors as texts. */
export function recordOf(fields: LogFields | undefined, redaction: Redaction): Record<string, unknown> {
  if (fields === undefined) return {};
  try {
    const entries = Object.keys(fields).map((name) => {
      const value = redaction.hideField(name, plain(fields, name, redaction));
      return [OWN_NAMES.has(name) ? `${name}_` : name, value] as const;
    });
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  } catch {
    return { fields: UNSHOWN };
  }
}

/** Those fields that are functions; undefined if there are none. */
export function functionsOf(fields: LogFields): Readonly<Record<string, () => unknown>> | undefined {
  const found = Object.entries(fields).filter((entry): entry is [string, () => unknown] =>
    isFunction(entry[1]),
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** What they answer at this moment. */
export function answersOf(functions: Readonly<Record<string, () => unknown>>): LogFields {
  return Object.fromEntries(
    Object.entries(functions).map(([name, answer]) => {
      try {
        return [name, answer()];
      } catch {
        return [name, UNSHOWN];
      }
    }),
  );
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function';
}

/** A message that is no text after all: plugins may be in JavaScript. */
export function textFrom(message: unknown): string {
  if (typeof message === 'string') return message;
  try {
    return String(message);
  } catch {
    return UNSHOWN;
  }
}

/** A line that is too long, with its values cut. */
export function shortened(record: LogFields, redaction: Redaction): LogFields {
  const most = LONGEST_TEXT / 4;
  return Object.fromEntries(
    Object.entries(record)
      .slice(0, 32)
      .map(([name, value]) => [
        redaction.cut(name, 100),
        redaction.cut(typeof value === 'string' ? value : JSON.stringify(value), most),
      ]),
  );
}

function plain(fields: LogFields, name: string, redaction: Redaction): unknown {
  try {
    const value = fields[name];
    if (value instanceof Error) return redaction.cut(errorText(value, DEEPEST_CAUSE), LONGEST_TEXT);
    return typeof value === 'string' ? redaction.cut(value, LONGEST_TEXT) : value;
  } catch {
    return UNSHOWN;
  }
}

function errorText(error: Error, causes: number): string {
  const { cause } = error;
  const more = cause instanceof Error && causes > 0 ? `; cause: ${errorText(cause, causes - 1)}` : '';
  return `${error.name}: ${error.message}${more}`;
}
