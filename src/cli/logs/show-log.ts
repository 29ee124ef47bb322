// Reads the end of the log, from its rotated files if need be, and follows it across rotations.
import { open, stat, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { ConfigError, errorCode, messageOf } from '../../errors.ts';
import { LineFilter, type LogFilter } from './filter.ts';
import { Lines, LONGEST_LINE } from './lines.ts';
import { olderLogs, openOlder, READ } from './log-files.ts';

const LOOK_EVERY_MS = 200;
const CHUNK_BYTES = 64 * 1024;
/** So many lines too many are kept before the first of them are dropped. */
const SPARE_LINES = 10_000;

export interface ShowLog {
  /** The last so many; Infinity: all, which needs a filter. */
  readonly lines: number;
  /** Undefined: every line. */
  readonly filter: LogFilter | undefined;
  /** Follows the log until this is aborted; undefined: does not follow. */
  readonly follow: AbortSignal | undefined;
  readonly write: (bytes: string | Buffer) => void;
}

/** Throws a ConfigError if there is no log. */
export async function showLog(path: string, { lines, filter, follow, write }: ShowLog): Promise<void> {
  const file = await openLog(path);
  let last = file;
  try {
    const end = filter === undefined ? await tail(path, file, lines) : undefined;
    if (end === undefined) {
      const shown = new Shown(filter ?? {}, lines, write);
      const size = await shown.read(path, file);
      if (follow === undefined) shown.pieces.end();
      shown.flush();
      const add = (piece: Buffer): void => shown.pieces.add(piece);
      if (follow !== undefined) last = await followFrom(path, file, size, follow, add);
      return;
    }
    if (end.text !== '') write(end.text);
    if (follow !== undefined) last = await followFrom(path, file, end.size, follow, write);
  } finally {
    await last.close();
  }
}

/** The lines that a filter takes, from the oldest on. */
class Shown {
  readonly pieces: Lines;
  readonly #filter: LineFilter;
  readonly #since: number;
  readonly #most: number;
  readonly #write: ShowLog['write'];
  /** Until it is known which are the last. */
  #kept: string[] | undefined = [];

  constructor(filter: LogFilter, most: number, write: ShowLog['write']) {
    this.#filter = new LineFilter(filter);
    this.#since = filter.since ?? -Infinity;
    this.#most = most;
    this.#write = write;
    if (most === Infinity) this.#kept = undefined;
    this.pieces = new Lines((line) => this.#take(line));
  }

  /** Reads all that is there; returns the size of `file` when it was read. */
  async read(path: string, file: FileHandle): Promise<number> {
    const older = await olderLogs(path);
    for (const { path: one, isCompressed } of older
      .filter(({ writtenAt }) => writtenAt >= this.#since)
      .toReversed()) {
      const opened = await openOlder(one);
      if (opened === undefined) continue;
      await this.#readOlder(opened, isCompressed);
      this.pieces.end();
    }
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let position = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return position;
      position += bytesRead;
      this.pieces.add(buffer.subarray(0, bytesRead));
    }
  }

  /** From now on each line is shown as it comes. */
  flush(): void {
    const kept = this.#kept?.slice(-this.#most) ?? [];
    this.#kept = undefined;
    if (this.#most > 0 && kept.length > 0) this.#write(kept.join(''));
  }

  async #readOlder(file: FileHandle, isCompressed: boolean): Promise<void> {
    const bytes = file.createReadStream();
    const add = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
      for await (const piece of pieces) this.pieces.add(piece);
    };
    try {
      await (isCompressed ? pipeline(bytes, createGunzip(), add) : pipeline(bytes, add));
    } catch {
      // It is damaged, or not complete yet: what could be read is shown.
    }
  }

  #take(line: string): void {
    if (!this.#filter.takes(line)) return;
    if (this.#kept === undefined) this.#write(`${line}\n`);
    else if (this.#kept.push(`${line}\n`) >= 2 * this.#most + SPARE_LINES)
      this.#kept.splice(0, this.#kept.length - this.#most);
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, READ);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new Error('it is not a regular file');
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') {
      throw new ConfigError(`the log ${path} cannot be read: ${messageOf(cause)}`, {
        cause,
        ...(errorCode(cause) === 'EACCES' && {
          remedy: "Run it as the node's user: sudo -u <user> coda logs",
        }),
      });
    }
    // It was moved away, and the node has had nothing to say since then: it makes a new one with the next line.
    if ((await olderLogs(path)).length > 0) return open(devNull, READ);
    throw new ConfigError(`there is no log ${path}`, {
      cause,
      remedy:
        'Only a daemon (coda start --daemon) writes one; under systemd, see journalctl --user -u coda-node or ' +
        'journalctl -u coda-node. The state directory is set by CODA_STATE_DIR.',
    });
  }
}

/** The last `lines` lines, and the size of the file when it was read. Undefined if some of them are in a compressed file: it
 *  has to be read from its begin. */
async function tail(
  path: string,
  file: FileHandle,
  lines: number,
): Promise<{ text: string; size: number } | undefined> {
  const { size } = await file.stat();
  let { text, count } = await endOf(file, size, lines);
  for (const older of await olderLogs(path)) {
    if (count >= lines) break;
    if (older.isCompressed) return undefined;
    const rotated = await openOlder(older.path);
    if (rotated === undefined) continue;
    try {
      const more = await endOf(rotated, (await rotated.stat()).size, lines - count);
      text = more.text + text;
      count += more.count;
    } finally {
      await rotated.close();
    }
  }
  const kept = lines === 0 ? [] : text.split(/(?<=\n)/).slice(-lines);
  return { text: Buffer.from(kept.join(''), 'latin1').toString('utf8'), size };
}

/** At least the last `lines` lines of a file, if it has as many, and how many line breaks they have. */
async function endOf(
  file: FileHandle,
  size: number,
  lines: number,
): Promise<{ text: string; count: number }> {
  const pieces: string[] = [];
  let count = 0;
  let bytesOfLine = 0;
  for (let end = size; end > 0 && count <= lines && bytesOfLine < LONGEST_LINE;) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    // latin1 keeps every byte: a chunk may begin in the middle of a character.
    const piece = buffer.toString('latin1', 0, bytesRead);
    const breaks = piece.split('\n').length - 1;
    bytesOfLine = breaks === 0 ? bytesOfLine + piece.length : 0;
    count += breaks;
    pieces.unshift(piece);
    end = start;
  }
  return { text: pieces.join(''), count };
}

/** Returns the file that is open in the end: a log that was moved or removed is followed by the one in its place. */
async function followFrom(
  path: string,
  first: FileHandle,
  from: number,
  signal: AbortSignal,
  write: (bytes: Buffer) => void,
): Promise<FileHandle> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let file = first;
  let next: FileHandle | undefined;
  for (let position = from; !signal.aborted;) {
    const { size } = await file.stat();
    // The log was rotated: the file is emptied, not replaced.
    if (size < position) position = 0;
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead > 0) {
      position += bytesRead;
      write(Buffer.from(buffer.subarray(0, bytesRead)));
    } else if (next !== undefined) {
      // The old file is complete since there is a new one.
      await file.close();
      [file, next, position] = [next, undefined, 0];
    } else {
      next = await replacementOf(path, file);
      if (next === undefined) await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
  await next?.close();
  return file;
}

/** The file at `path` if it is another one than `file`; undefined also while there is none. */
async function replacementOf(path: string, file: FileHandle): Promise<FileHandle | undefined> {
  const found = await stat(path).catch(() => undefined);
  const { ino, dev } = await file.stat();
  if (found === undefined || (found.ino === ino && found.dev === dev)) return undefined;
  return open(path, READ).catch(() => undefined);
}
