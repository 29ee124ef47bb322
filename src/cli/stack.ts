// Where an error comes from, by its stack: code of the node, or of whoever wrote an executor or a plugin.
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';

export interface Place {
  readonly file: string;
  readonly isOurs: boolean;
  /** `/lab/calibrate.ts:12:5` */
  readonly text: string;
}

/** All code of the node is in the bundle, beside this. */
const OURS = dirname(fileURLToPath(import.meta.url)) + sep;

const READERS = /[\\/]node_modules[\\/](?:ajv|cosmiconfig|jiti|tapable|yaml)[\\/]/;

const CALL = /^\s+at .*? \((.+):(\d+):(\d+)\)$/;
const PLACE = /^\s+at (?:async )?(.+):(\d+):(\d+)$/;
/** What a listener of an EventTarget throws, such as one of an AbortSignal, Node.js throws again by itself. */
const THROWN_AGAIN = '(node:internal/event_target:';

/** The places of a stack, without those in Node.js, the innermost first; undefined if there is no stack. Only of code that
 *  was interrupted. */
export function placesOf(thrown: unknown): readonly Place[] | undefined {
  const lines = withoutMessage(thrown)?.split('\n');
  const end = lines?.findIndex((line) => line.includes(THROWN_AGAIN)) ?? -1;
  return lines?.slice(0, end === -1 ? undefined : end).flatMap((line) => {
    const at = (line.endsWith(')') ? CALL : PLACE).exec(line);
    if (at === null) return [];
    const [, from = '', row = '', column = ''] = at;
    if (from.startsWith('node:')) return [];
    const file = from.startsWith('file:') ? pathOf(from) : from;
    return [{ file, isOurs: file.startsWith(OURS), text: `${file}:${row}:${column}` }];
  });
}

/** Lines of a message may look like places: those of the error of another process, for one. */
function withoutMessage(thrown: unknown): string | undefined {
  const stack = stackOf(thrown);
  if (stack === undefined) return undefined;
  const message = messageOf(thrown);
  const at = stack.indexOf(message);
  return at === -1 ? stack : stack.slice(at + message.length);
}

/** Anybody can write anything into a stack, also a URL that is no file of this machine. */
function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

/** The innermost place that is not the node's own, nor in a library that reads or checks for it what others have written. */
export function foreignPlace(thrown: unknown): Place | undefined {
  return placesOf(thrown)?.find(({ isOurs, file }) => !isOurs && !READERS.test(file));
}

/** The stack as it is shown; undefined for what has none. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : undefined;
  } catch {
    return undefined;
  }
}
