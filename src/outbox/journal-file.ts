// The text of a journal: a header, then a line for each record, which is `<crc32> <json>`, or empty. Read and written in
// pieces: a whole file may be larger than a string, or a buffer, or the memory.
import { constants } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { ConfigError } from '../errors.ts';

export const HEADER = 'coda-outbox 1\n';
const PIECE = 1024 * 1024;
/** Most files are smaller than this. */
const FIRST_PIECE = 16 * 1024;
/** A longer line is no record: it could not have been written. */
const MAX_LINE_BYTES = constants.MAX_STRING_LENGTH;

/** A part of a file: from the byte `start` to before `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface JournalContent {
  /** Where the last usable line ends: behind it is a torn tail. */
  readonly goodBytes: number;
  readonly size: number;
  /** Whole lines that are unusable. */
  readonly damaged: readonly Range[];
}

/** Reads bytes of a file from a position into a buffer, and returns how many; 0 at its end. */
export type ReadAt = (into: Buffer, position: number) => Promise<number>;

/** A record as its line. */
export function lineOf(record: object): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** A whole file with these records, in pieces. */
export function* filePieces(records: Iterable<object>): Iterable<Buffer> {
  function* lines(): Iterable<string> {
    yield HEADER;
    for (const record of records) yield lineOf(record);
  }
  yield* piecesOf(lines());
}

/** These lines, joined as long as they are short. */
export function* piecesOf(lines: Iterable<string>): Iterable<Buffer> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < PIECE) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** Reads a journal, and calls `onRecord` with each record. Throws a ConfigError if it is no journal. */
export async function readJournal(
  read: ReadAt,
  path: string,
  onRecord: (record: object) => void,
  pieceBytes = PIECE,
): Promise<JournalContent> {
  let piece = Buffer.allocUnsafe(Math.min(pieceBytes, FIRST_PIECE));
  const lines = new Lines(path, onRecord);
  for (let size = 0; ;) {
    const bytes = await read(piece, size);
    if (bytes === 0) return { goodBytes: lines.end(), size, damaged: lines.damaged };
    lines.push(piece.subarray(0, bytes));
    size += bytes;
    if (bytes === piece.length && piece.length < pieceBytes) piece = Buffer.allocUnsafe(pieceBytes);
  }
}

/** Puts lines together from pieces of a file. */
class Lines {
  readonly damaged: Range[] = [];
  readonly #path: string;
  readonly #onRecord: (record: object) => void;
  /** The beginning of the line that is not whole yet; copies, since pieces are reused. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #lineStart = 0;
  #goodBytes = 0;

  constructor(path: string, onRecord: (record: object) => void) {
    this.#path = path;
    this.#onRecord = onRecord;
  }

  push(piece: Buffer): void {
    for (let at = 0; at < piece.length;) {
      const newline = piece.indexOf(10, at);
      const end = newline === -1 ? piece.length : newline;
      if (newline === -1) this.#keep(Buffer.from(piece.subarray(at)));
      else this.#line(piece.subarray(at, end));
      at = end + 1;
    }
  }

  /** Where the last usable line ends. */
  end(): number {
    // A crash while the file was made may have left a part of the header and nothing else.
    const isHeader = this.#lineStart > 0 || HEADER.startsWith(Buffer.concat(this.#parts).toString('latin1'));
    if (!isHeader) throw this.#noJournal();
    return this.#goodBytes;
  }

  #keep(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#lineStart === 0 && this.#partBytes > HEADER.length) throw this.#noJournal();
    if (this.#partBytes <= MAX_LINE_BYTES) this.#parts.push(part);
    else this.#parts = [];
  }

  #line(last: Buffer): void {
    const start = this.#lineStart;
    const length = this.#partBytes + last.length;
    const line =
      length > MAX_LINE_BYTES
        ? undefined
        : this.#parts.length === 0
          ? last
          : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#partBytes = 0;
    const end = (this.#lineStart = start + length + 1);
    if (start === 0) {
      if (line?.toString('latin1') !== HEADER.trimEnd()) throw this.#noJournal();
    } else if (line?.length !== 0) {
      const record = line && recordOf(line);
      if (record === undefined) {
        this.damaged.push({ start, end });
        return;
      }
      this.#onRecord(record);
    }
    this.#goodBytes = end;
  }

  #noJournal(): ConfigError {
    return new ConfigError(`${this.#path} is not an outbox that this version of coda-node can read`, {
      remedy:
        'Start the version that wrote it and let it deliver, or move the file away: it holds undelivered results.',
    });
  }
}

function recordOf(line: Buffer): object | undefined {
  const json = line.subarray(9);
  if (line[8] !== 32 || crc32(json) !== Number.parseInt(line.subarray(0, 8).toString('latin1'), 16))
    return undefined;
  try {
    const record: unknown = JSON.parse(json.toString('utf8'));
    return typeof record === 'object' && record !== null ? record : undefined;
  } catch {
    return undefined;
  }
}
