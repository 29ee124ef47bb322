// Where a command writes to: the only place that writes to the terminal. What is written is escaped here, and not by the
// callers: a text from outside cannot look like a line of ours, or be a code that the terminal obeys.
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { LogOptions } from '../../log.ts';
import { asLines, asMessage, onOneLine } from '../../printable.ts';

export interface Output {
  /** One line of the result, without its newline; two spaces after a line break continue it. */
  write(line: string): void;
  /** One line about something that went wrong, in the same form. */
  error(line: string): void;
  /** A result for programs. */
  json(value: unknown, indent?: number): void;
  /** True on a terminal that shows colours. */
  readonly colour: boolean;
}

const CODES = { red: '31', green: '32', cyan: '36', dim: '2' } as const;
const { write } = Writable.prototype;
/** Colours are marked with what no text from outside can know, so that only ours reach the terminal. */
const MARK = `[${randomBytes(8).toString('hex')}`;
/** A colour in a text that is escaped. */
const COLOUR = new RegExp(`(\\\\u001b\\${MARK}\\d+m)`);

export function paint(out: Output, colour: keyof typeof CODES, text: string): string {
  return out.colour ? `\u001b${MARK}${CODES[colour]}m${text}\u001b${MARK}0m` : text;
}

/** Results go to standard output, errors to standard error; in colour only on a terminal. */
export function terminal(stream: NodeJS.WriteStream): Output {
  return {
    write: (line) => writeEscaped(process.stdout, coloured(asMessage(line))),
    error: (line) => writeEscaped(process.stderr, coloured(asMessage(line))),
    json: (value, indent) => writeEscaped(process.stdout, asLines(JSON.stringify(value, null, indent))),
    colour: stream.isTTY && !process.env['NO_COLOR'],
  };
}

/** The whole terminal, on a screen of its own: what was there before comes back. */
export interface Screen {
  open(): void;
  /** `lines` is told how many there may be. What does not fit is cut off. */
  draw(lines: (rows: number) => readonly string[]): void;
  close(): void;
}

export function screen(): Screen {
  const put = (codes: string): void => void write.call(process.stdout, codes, 'utf8');
  return {
    // Without line wrap, a character that is wider than it is counted makes no line of its own.
    open: () => put('\u001b[?1049h\u001b[?25l\u001b[?7l'),
    draw: (lines) => {
      // A terminal that does not know its size says 0.
      const columns = process.stdout.columns || 80;
      const rows = process.stdout.rows || 24;
      // In the last column, the code that clears the rest of a line takes the character there.
      const shown = lines(rows)
        .slice(0, rows)
        .map((line) => `${fitted(line, columns - 1)}\u001b[K`);
      put(`\u001b[H${shown.join('\r\n')}${shown.length < rows ? '\u001b[J' : ''}`);
    },
    close: () => put('\u001b[?7h\u001b[?25h\u001b[?1049l'),
  };
}

/** Shows the bytes of a file as the lines that they are, piece by piece. */
export function textOutput(): (piece: string | Uint8Array) => void {
  const escape = escaper();
  return (piece) => void write.call(process.stdout, escape(piece), 'utf8');
}

/** For a log that goes to the terminal: it escapes its lines itself. */
export function logOutput(): Pick<LogOptions, 'write' | 'colour'> {
  return {
    write: (line) => writeEscaped(process.stderr, line),
    colour: terminal(process.stderr).colour,
  };
}

/** Escapes what all other code of this process prints, such as an executor, and takes secrets out if it is given how; its
 *  child processes write past this. */
export function guardOutput(hide?: (text: string) => string): void {
  for (const stream of [process.stdout, process.stderr]) {
    const escape = escaper(hide);
    stream.write = (chunk: string | Uint8Array, ...more: readonly unknown[]): boolean =>
      write.call(stream, escape(chunk), 'utf8', more.findLast(isCallback));
  }
}

/** Resolves once all that was written to standard output has left this process, or cannot: the reader of a pipe, such as a
 *  pager, may take its time. */
export function outputFlushed(): Promise<void> {
  return new Promise((resolve) => void write.call(process.stdout, '', 'utf8', () => resolve()));
}

/** For the pieces of one stream, in their order. */
export function escaper(
  hide: (text: string) => string = (text) => text,
): (chunk: string | Uint8Array) => string {
  const decoder = new StringDecoder('utf8');
  return (chunk) => asLines(hide(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk))));
}

/** For a command whose output a program reads: what all other code prints goes to standard error. */
export function printElsewhere(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr);
}

function isCallback(value: unknown): value is () => void {
  return typeof value === 'function';
}

/** Once `coloured` has put the codes into the line, the guard must not see it. */
function writeEscaped(stream: NodeJS.WriteStream, line: string): void {
  write.call(stream, `${line}\n`, 'utf8');
}

/** Colours take no room. */
function fitted(line: string, width: number): string {
  let room = width;
  return onOneLine(line)
    .split(COLOUR)
    .map((part, index) => {
      if (index % 2 === 1) return coloured(part);
      const characters = Array.from(part).slice(0, room);
      room -= characters.length;
      return characters.join('');
    })
    .join('');
}

function coloured(escaped: string): string {
  return escaped.replaceAll(`\\u001b${MARK}`, '\u001b[');
}
