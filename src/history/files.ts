// The files of the history: pieces with growing numbers, of which the oldest are removed. Written by the node alone, read
// by anybody who may, also while they are written and removed. They are read from their end, so that what is new comes first.
import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';

/** `jobs`: a line for each job, and for what happens to it later. `minutes`: a line for each minute of the node. */
export type Series = 'jobs' | 'minutes';

const CHUNK_BYTES = 256 * 1024;
/** What is longer was not written by the node. */
const LONGEST_LINE = 4 * 1024 * 1024;
/** How many pieces the space is divided into. */
const PIECES = 16;
const SMALLEST_PIECE = 16 * 1024;
const LINE_BREAK = 10;
/** Never through a link; opening a named pipe would wait for its other end. */
const SAFE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

interface Piece {
  readonly number: number;
  readonly path: string;
}

/** What is done with each line, from the newest to the oldest. Both may answer 'stop'. */
export interface Visitor {
  line(text: string, place: Place): 'stop' | undefined;
  /** A file has been read to its begin. */
  fileEnds?(): 'stop' | undefined;
}

/** Where a line begins. */
export interface Place {
  readonly piece: number;
  readonly offset: number;
}

/** Reads all lines of a series backwards. No folder, no lines. */
export async function readBackwards(folder: string, series: Series, visitor: Visitor): Promise<void> {
  for (const piece of (await piecesOf(folder, series)).toReversed()) {
    const file = await openToRead(piece.path);
    if (file === undefined) continue;
    try {
      if ((await readFileBackwards(file, piece.number, visitor)) === 'stop') return;
    } finally {
      await file.close();
    }
    if (visitor.fileEnds?.() === 'stop') return;
  }
}

async function readFileBackwards(
  file: FileHandle,
  piece: number,
  visitor: Visitor,
): Promise<'stop' | undefined> {
  let end = (await file.stat()).size;
  /** The end of a line whose begin is not read yet. */
  let rest = Buffer.alloc(0);
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const buffer = Buffer.allocUnsafe(end - start + rest.length);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    // The file has become shorter: it is rewritten at its end.
    if (bytesRead < end - start) rest = Buffer.alloc(0);
    rest.copy(buffer, bytesRead);
    const data = buffer.subarray(0, bytesRead + rest.length);
    // What follows the last line break is a line that is not written to its end.
    let lineEnd = data.lastIndexOf(LINE_BREAK);
    const wholeEnd = lineEnd;
    while (lineEnd >= 0) {
      const before = lineEnd === 0 ? -1 : data.lastIndexOf(LINE_BREAK, lineEnd - 1);
      if (before < 0 && start > 0) break;
      const text = data.toString('utf8', before + 1, lineEnd);
      if (visitor.line(text, { piece, offset: start + before + 1 }) === 'stop') return 'stop';
      lineEnd = before;
    }
    const isTooLong = lineEnd > LONGEST_LINE;
    rest = wholeEnd < 0 || isTooLong ? Buffer.alloc(0) : Buffer.from(data.subarray(0, lineEnd + 1));
    end = start;
  }
  return undefined;
}

async function openToRead(path: string): Promise<FileHandle | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | SAFE);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (thrown) {
    // Removed meanwhile, or not a file of ours.
    if (errorCode(thrown) !== 'ENOENT' && errorCode(thrown) !== 'ELOOP') throw thrown;
  }
  return undefined;
}

/** The oldest first. */
async function piecesOf(folder: string, series: Series): Promise<Piece[]> {
  const names = await readdir(folder).catch((thrown: unknown): string[] => {
    if (errorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  });
  const form = new RegExp(`^${series}-(\\d{8,15})\\.jsonl$`);
  return names
    .flatMap((name) => {
      const [, digits] = form.exec(name) ?? [];
      return digits === undefined ? [] : [{ number: Number(digits), path: join(folder, name) }];
    })
    .toSorted((a, b) => a.number - b.number);
}

export interface WriteOptions {
  readonly folder: string;
  readonly series: Series;
  /** Of all its files together. */
  readonly maxBytes: number;
  /** Files that were last written before that are removed; Infinity: none are. */
  readonly maxAgeMs: number;
}

/** Writes one series. Only one write at a time. After a failure the next write begins where the failed one did. */
export class SeriesWriter {
  readonly #options: WriteOptions;
  readonly #pieceBytes: number;
  #file: FileHandle | undefined;
  #number = 0;
  /** Where the next write begins. */
  #end = 0;

  constructor(options: WriteOptions) {
    this.#options = options;
    this.#pieceBytes = Math.max(SMALLEST_PIECE, Math.floor(options.maxBytes / PIECES));
  }

  /** Writes lines at the end. If they are not `final`, the next write replaces them. */
  async write(bytes: Buffer, final = true): Promise<void> {
    if (this.#file !== undefined && this.#end >= this.#pieceBytes) await this.#closePiece();
    if (this.#file !== undefined && !(await this.#isThere(this.#file))) await this.close();
    const file = (this.#file ??= await this.#openPiece());
    try {
      for (let written = 0; written < bytes.length;) {
        const { bytesWritten } = await file.write(
          bytes,
          written,
          bytes.length - written,
          this.#end + written,
        );
        if (bytesWritten === 0) throw new Error('the disk takes no more bytes');
        written += bytesWritten;
      }
    } catch (thrown) {
      // A part of it may be there.
      await file.truncate(this.#end).catch(() => {});
      throw thrown;
    }
    if (final) this.#end += bytes.length;
    else await file.truncate(this.#end + bytes.length);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Removes what is too old by the clock. */
  async removeOld(): Promise<void> {
    const { folder, series, maxAgeMs } = this.#options;
    if (maxAgeMs === Infinity) return;
    for (const { number, path } of await piecesOf(folder, series)) {
      if (number === this.#number) return;
      const { mtimeMs } = await stat(path);
      if (mtimeMs > Date.now() - maxAgeMs) return;
      await rm(path, { force: true });
    }
  }

  async #closePiece(): Promise<void> {
    await this.close();
    this.#number += 1;
    this.#end = 0;
  }

  /** False if somebody has removed, moved or emptied the file, as one does on a full disk. */
  async #isThere(file: FileHandle): Promise<boolean> {
    const [{ ino, size }, found] = await Promise.all([
      file.stat(),
      stat(this.#path()).catch(() => undefined),
    ]);
    return found?.ino === ino && size >= this.#end;
  }

  #path(): string {
    const { folder, series } = this.#options;
    return join(folder, `${series}-${String(this.#number).padStart(8, '0')}.jsonl`);
  }

  async #openPiece(): Promise<FileHandle> {
    const { folder, series } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const pieces = await piecesOf(folder, series);
    const last = pieces.at(-1);
    if (this.#number === 0) this.#number = last?.number ?? 1;
    const { O_RDWR, O_CREAT } = constants;
    let file = await open(this.#path(), O_RDWR | O_CREAT | SAFE, 0o600);
    try {
      const { size } = await file.stat();
      if (size >= this.#pieceBytes) {
        await file.close();
        this.#number += 1;
        file = await open(this.#path(), O_RDWR | O_CREAT | SAFE, 0o600);
      }
      this.#end = await wholeLines(file);
      await this.#removeOldest(pieces);
      return file;
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  /** Leaves room for one more piece. */
  async #removeOldest(pieces: readonly Piece[]): Promise<void> {
    let left = this.#options.maxBytes - this.#pieceBytes;
    for (const { number, path } of pieces.toReversed()) {
      if (number === this.#number) continue;
      left -= (await stat(path)).size;
      if (left < 0) await rm(path, { force: true });
    }
  }
}

/** Where the last whole line ends: what follows was being written when its process was killed. */
async function wholeLines(file: FileHandle): Promise<number> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error('it is not a regular file');
  const start = Math.max(0, stats.size - CHUNK_BYTES);
  const buffer = Buffer.alloc(stats.size - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  const lineBreak = buffer.subarray(0, bytesRead).lastIndexOf(LINE_BREAK);
  if (lineBreak < 0) return start;
  const end = start + lineBreak + 1;
  if (end < stats.size) await file.truncate(end);
  return end;
}
