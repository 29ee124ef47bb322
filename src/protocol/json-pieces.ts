// JSON.parse in pieces, for a document that consists mostly of its list `gates`, so that other work can run in between.
// Value and errors are those of JSON.parse: a text that cannot be cut safely is parsed as a whole.
import { randomUUID } from 'node:crypto';
import { isRecord } from './text.ts';

/** Characters of a piece; parsing one takes about a millisecond. From 128 K on, the whole takes a tenth longer: V8
 *  stores texts of that size separately and collects garbage more often. */
const PIECE = 64 * 1024;

/** What `JSON.parse(text)` returns or throws, with a `yield` wherever it may pause. */
export function* parseJsonInPieces(text: string, piece = PIECE): Generator<undefined, unknown> {
  const value = yield* inPieces(text, piece);
  // JSON.parse gives the error message, if there is one.
  return value === undefined ? JSON.parse(text) : value;
}

/**
 * The document, or undefined if the text is not JSON or was cut at the wrong places.
 *
 * The result is always correct. The list is replaced by a random string; if the rest parses and has that string as its
 * `gates`, then the list is at a place where any value may be. Each piece parses as a list only if no string, list or
 * object is open at its end, and it has at least one item, since it ends with a brace: so the pieces, joined by the
 * commas between them, are a list of all their items.
 */
function* inPieces(text: string, piece: number): Generator<undefined, Record<string, unknown> | undefined> {
  const opening = /"gates"\s*:\s*\[/.exec(text);
  if (opening === null) return undefined;
  const start = opening.index + opening[0].length;
  const closing = /\}\s*\]/g;
  closing.lastIndex = start;
  if (!closing.test(text)) return undefined;
  const end = closing.lastIndex - 1;
  const placeholder = randomUUID();
  const document = parsed(`${text.slice(0, start - 1)}"${placeholder}"${text.slice(end + 1)}`);
  if (!isRecord(document) || document['gates'] !== placeholder) return undefined;
  const gates: unknown[] = [];
  for (let at = start; at < end;) {
    yield;
    const brace = text.indexOf('},', at + piece);
    const to = brace === -1 || brace > end ? end : brace + 1;
    const items = parsed(`[${text.slice(at, to)}]`);
    if (!Array.isArray(items)) return undefined;
    for (const item of items) gates.push(item);
    at = to + 1;
  }
  return { ...document, gates };
}

/** Undefined if `text` is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
