// What plugins note on a job, beside its outcome: small JSON values by key, such as the id of a calibration.
import { isPlainObject, shown } from '../protocol/text.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Annotations = Readonly<Record<string, Json>>;

export const NO_ANNOTATIONS: Annotations = Object.freeze({});

const LONGEST_KEY = 64;
/** Of all annotations of a job, as JSON. */
const MOST_CHARACTERS = 4096;

/** `before` with one more, or another value of the same key; frozen. Throws a TypeError that says what is wrong with it. */
export function annotated(before: Annotations, key: unknown, value: unknown): Annotations {
  if (typeof key !== 'string' || key === '' || key.length > LONGEST_KEY) {
    throw new TypeError(
      `the key of an annotation is a text of 1 to ${LONGEST_KEY} characters, not ${shown(key)}`,
    );
  }
  const copy = jsonCopy(value, MOST_CHARACTERS);
  if (typeof copy === 'string') throw new TypeError(`the annotation ${shown(key)} ${copy}`);
  const next = Object.freeze({ ...before, [key]: copy.value });
  if (JSON.stringify(next).length <= MOST_CHARACTERS) return next;
  throw new TypeError(
    `the annotations of a job may take ${MOST_CHARACTERS} characters as JSON, with ${shown(key)} they take more`,
  );
}

/** A frozen copy of a JSON value; or what is wrong with it, to follow its name. */
export function jsonCopy(value: unknown, mostCharacters: number): { readonly value: Json } | string {
  let text: string | undefined;
  try {
    if (isJson(value)) text = JSON.stringify(value);
  } catch {
    // A circle, or too deep.
  }
  if (text === undefined)
    return 'is not JSON: only null, booleans, finite numbers, texts, lists and plain objects are';
  if (text.length > mostCharacters)
    return `takes ${text.length} characters as JSON, at most ${mostCharacters} are kept`;
  return { value: frozen(JSON.parse(text) as Json) };
}

function isJson(value: unknown): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return isPlainObject(value) && Object.values(value).every(isJson);
}

function frozen(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
