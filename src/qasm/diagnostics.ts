// What is wrong in a program, where, and what to do: up to ten at once, each with its line and carets under the place.
import { CodaError, type ErrorDetails } from '../errors.ts';
import { onOneLine } from '../printable.ts';
import { printable } from '../protocol/text.ts';

/** Of errors, and of warnings; more would mostly be consequences of the first ones. */
const MOST_DIAGNOSTICS = 10;
/** Of statements that are wrong because of a noted error. */
const MOST_CONSEQUENCES = 10_000;
/** Of a source line that are shown, in characters. */
const SHOWN_COLUMNS = 100;

export interface Diagnostic {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** In characters, at least 1. */
  readonly length: number;
  readonly message: string;
  /** What could stand there: `';'`. */
  readonly expected?: string;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  /** The line of the program, or the part around the place if it is long, and carets under the place; printable. */
  readonly excerpt: { readonly line: string; readonly carets: string };
}

/** A program that cannot be read, or a circuit that cannot be written. The message shows all of `diagnostics`. */
export class QasmError extends CodaError {
  readonly code = 'CODA_QASM';
  readonly diagnostics: readonly Diagnostic[];

  constructor(message: string, details: ErrorDetails & { diagnostics?: readonly Diagnostic[] } = {}) {
    super(message, details);
    this.diagnostics = details.diagnostics ?? [];
  }
}

/**
 * One diagnostic for the terminal, each line indented: where and what, the line with carets, what was expected, a hint.
 * All characters are printable.
 */
export function rendered(diagnostic: Diagnostic): string {
  const { file, line, column, message, expected, hint, excerpt } = diagnostic;
  const number = String(line);
  const gutter = ' '.repeat(number.length);
  return [
    `  ${onOneLine(file)}:${line}:${column}: ${onOneLine(message)}`,
    `    ${number} | ${excerpt.line}`,
    `    ${gutter} | ${excerpt.carets}`,
    ...(expected === undefined ? [] : [`    ${gutter} = expected ${onOneLine(expected)}`]),
    ...(hint === undefined ? [] : [`    ${gutter} = ${onOneLine(hint)}`]),
  ].join('\n');
}

/** More about a fault than where it is and what it is. */
export interface FaultDetails {
  readonly expected?: string;
  readonly hint?: string;
}

/** A fault at the characters `at` to `end` of the program; the statement that has it is left out. */
export class Fault extends Error {
  readonly at: number;
  readonly end: number;
  readonly details: FaultDetails;

  constructor(at: number, end: number, message: string, details: FaultDetails = {}) {
    super(message);
    this.at = at;
    this.end = end;
    this.details = details;
  }
}

class KnownFault extends Error {}

/**
 * What follows from a fault that is noted already, such as the use of a name whose declaration is wrong. One for all: there
 * may be a hundred thousand of them, and making an error takes long.
 */
export const KNOWN_FAULT = new KnownFault();

/** There are ten errors: nobody wants more. */
class EnoughFaults extends Error {}

/** A foreign word in a message: quoted, on one line and not long. */
export function quoted(word: string): string {
  return `'${printable(word, 40)}'`;
}

/** The errors and warnings of one program. */
export class Problems {
  readonly warnings: Diagnostic[] = [];
  readonly #errors: Diagnostic[] = [];
  readonly #known = new Set<string>();
  readonly #text: string;
  readonly #file: string;
  #areMore = false;
  #consequences = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /** How many errors there are so far. */
  get count(): number {
    return this.#errors.length;
  }

  /** Notes a fault, or what follows from one. Any other error, a mistake of this reader, is thrown. */
  note(thrown: unknown): void {
    if (thrown instanceof KnownFault) {
      this.#consequences += 1;
      if (this.#consequences > MOST_CONSEQUENCES) throw new EnoughFaults();
      return;
    }
    if (!(thrown instanceof Fault)) throw thrown;
    this.error(thrown.at, thrown.end, thrown.message, thrown.details);
  }

  /** `key` is what is noted only once; by default each place. */
  error(at: number, end: number, message: string, details: FaultDetails = {}, key = String(at)): void {
    if (this.#isKnown(`error ${key}`)) return;
    if (this.#errors.length === MOST_DIAGNOSTICS) {
      this.#areMore = true;
      throw new EnoughFaults();
    }
    this.#errors.push(this.#diagnostic(at, end, message, details));
  }

  warn(at: number, end: number, message: string, details: FaultDetails = {}, key = String(at)): void {
    if (this.warnings.length === MOST_DIAGNOSTICS || this.#isKnown(`warning ${key}`)) return;
    this.warnings.push(this.#diagnostic(at, end, message, details));
  }

  /** Runs `work`, which may end early once there are ten errors; then throws a QasmError if there is one. */
  during(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof EnoughFaults)) this.note(thrown);
    }
    const { count } = this;
    if (count === 0) return;
    const words = this.#areMore
      ? `more than ${count} errors; the first are`
      : count === 1
        ? 'an error'
        : `${count} errors`;
    const lines = [`${onOneLine(this.#file)} has ${words}:`, ...this.#errors.map(rendered)];
    throw new QasmError(lines.join('\n'), { diagnostics: this.#errors });
  }

  #isKnown(key: string): boolean {
    if (this.#known.has(key)) return true;
    this.#known.add(key);
    return false;
  }

  #diagnostic(at: number, end: number, message: string, details: FaultDetails): Diagnostic {
    const text = this.#text;
    const begin = text.lastIndexOf('\n', at - 1) + 1;
    const newline = text.indexOf('\n', at);
    const lineEnd = newline === -1 ? text.length : newline;
    let line = 1;
    for (let i = text.indexOf('\n'); i !== -1 && i < at; i = text.indexOf('\n', i + 1)) line += 1;
    const stop = Math.max(at, Math.min(end, lineEnd));
    return {
      file: this.#file,
      line,
      column: lengthOf(text.slice(begin, at)) + 1,
      length: Math.max(1, lengthOf(text.slice(at, stop))),
      message,
      ...details,
      excerpt: excerptOf(text, begin, at, stop, lineEnd),
    };
  }
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

function excerptOf(
  text: string,
  begin: number,
  at: number,
  stop: number,
  lineEnd: number,
): Diagnostic['excerpt'] {
  const from = Math.max(begin, at - SHOWN_COLUMNS / 2);
  const to = Math.min(lineEnd, from + SHOWN_COLUMNS);
  const left = (from > begin ? '…' : '') + oneWide(text.slice(from, at));
  const marked = oneWide(text.slice(at, Math.min(stop, to)));
  const right = oneWide(text.slice(Math.min(stop, to), to)) + (to < lineEnd ? '…' : '');
  return {
    line: (left + marked + right).trimEnd(),
    carets: ' '.repeat(lengthOf(left)) + '^'.repeat(Math.max(1, lengthOf(marked))),
  };
}

/** Each character printable and in one column, so that the carets stand under their place. */
function oneWide(text: string): string {
  return Array.from(text, (character) =>
    character === '\t' || character === '\r' ? ' ' : onOneLine(character) === character ? character : '?',
  ).join('');
}
