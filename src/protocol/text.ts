// Shows foreign values in error messages: shortened, on one line. A value from a job or an executor may be megabytes
// long, or contain control characters that garble a terminal.
import { onOneLine } from '../printable.ts';

/** `text` with unprintable characters escaped; cut off with `…` after `max` characters. */
export function printable(text: string, max: number): string {
  let result = '';
  for (const character of text) {
    const piece = onOneLine(character);
    if (result.length + piece.length > max) return `${result}…`;
    result += piece;
  }
  return result;
}

/** A value for an error message: scalars themselves (strings quoted and shortened), other values by their kind. */
export function shown(value: unknown, max = 40): string {
  if (typeof value === 'string') return `'${printable(value, max)}'`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return kindOf(value);
}

/** The kind of a value in words, without its content: also for secrets. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'bigint') return 'a BigInt';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (name === 'Object') return isPlainObject(value) ? 'an object' : 'an instance of a class';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${printable(name, 40)}`;
}

/** Whether `value` is an object, but not null or a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object that a text has as JSON; undefined for any other text. */
export function recordIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `value` is an object without a class; also one from another realm, such as `node:vm`. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
