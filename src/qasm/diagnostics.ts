// What is wrong in a program, where, and what to do: up to ten at once, each with its line and a caret under the place.
import { CodaError, type ErrorDetails } from '../errors.ts';
import { onOneLine } from '../printable.ts';

/** Of the errors; more would only be consequences of the first ones. */
export const MOST_DIAGNOSTICS = 10;
/** Of a source line that is shown. */
const MOST_COLUMNS = 100;

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
  /** The line of the program. */
  readonly source: string;
}

/** A program in OpenQASM that cannot be read, or a circuit that cannot be written in it. Its message shows all of `diagnostics`. */
export class QasmError extends CodaError {
  readonly code = 'CODA_QASM';
  readonly diagnostics: readonly Diagnostic[];

  constructor(message: string, details: ErrorDetails & { diagnostics?: readonly Diagnostic[] } = {}) {
    super(message, details);
    this.diagnostics = details.diagnostics ?? [];
  }
}

/** The error of a program with these faults. */
export function qasmError(
  file: string,
  diagnostics: readonly Diagnostic[],
  areMore: boolean,
): QasmError {
  const count = diagnostics.length === 1 && !areMore ? 'an error' : `${diagnostics.length}${areMore ? ' or more' : ''} errors`;
  return new QasmError([`${onOneLine(file)} has ${count}`, ...diagnostics.map(rendered)].join('\n'), { diagnostics });
}

/**
 * One diagnostic for the terminal, each line of it indented by two: where and what, the line with a caret, what was
 * expected, a hint. All characters are printable.
 */
export function rendered(diagnostic: Diagnostic): string {
  const { file, line, column, length, message, expected, hint, source } = diagnostic;
  const begin = Math.max(0, column - 1 - MOST_COLUMNS / 2);
  const end = begin + MOST_COLUMNS;
  const before = begin > 0 ? '…' : '';
  const after = source.length > end ? '…' : '';
  const left = before + shownSource(source.slice(begin, column - 1));
  const marked = shownSource(source.slice(column - 1, Math.min(end, column - 1 + length)));
  const right = shownSource(source.slice(column - 1 + marked.length, end)) + after;
  const gutter = String(line);
  const pad = ' '.repeat(gutter.length);
  return [
    `  ${onOneLine(file)}:${line}:${column}: ${onOneLine(message)}`,
    `    ${gutter} | ${left}${marked}${right}`,
    `    ${pad} | ${' '.repeat(left.length)}${'^'.repeat(Math.max(1, marked.length))}`,
    ...(expected === undefined ? [] : [`    expected: ${onOneLine(expected)}`]),
    ...(hint === undefined ? [] : [`    → ${onOneLine(hint)}`]),
  ].join('\n');
}

/** On one line, and each character as wide as it was: the caret has to stay under its place. */
function shownSource(text: string): string {
  return onOneLine(text.replaceAll('\t', ' ')).length === text.length
    ? text.replaceAll('\t', ' ')
    : Array.from(text.replaceAll('\t', ' '), (character) => (onOneLine(character) === character ? character : '?')).join('');
}
