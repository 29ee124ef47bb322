// JSON.parse for a document whose bulk is its list `gates`, piece by piece, so that others need not wait for all of it.
// The value and the errors are those of JSON.parse: what cannot be cut for certain is parsed as a whole.
import { randomUUID } from 'node:crypto';
import { isRecord } from './text.ts';

/** Characters of a piece, which take about a millisecond. From 128 K on, all of it takes a tenth longer: V8 keeps
 *  texts of that size apart, and collects garbage more often. */
const PIECE = 64 * 1024;

/** What `JSON.parse(text)` returns or throws, with a `yield` wherever it may pause. */
export function* parseJsonInPieces(text: string, piece = PIECE): Generator<undefined, unknown> {
  const value = yield* inPieces(text, piece);
  // What is wrong with a text, if anything is, JSON.parse says best.
  return value === undefined ? JSON.parse(text) : value;
}

/**
 * The document, or undefined where the text is no JSON or has been cut at the wrong places.
 *
 * It is never wrong. The list is replaced by a string that nobody can have foreseen; if the rest parses and has that
 * string as its `gates`, then it stood where a value may stand, and any value may stand there. Each piece parses as a
 * list only if no string, list or object of it is open at its end, and it has an item, since it ends with a brace:
 * so the pieces joined by the commas between them are a list, whose items are theirs.
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

/** Undefined, which no JSON is, for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
