// An append-only file of JSON records whose appends are durable together: many records, one fsync.
// Each line is `<crc32> <json>`, or empty; a tail torn by a crash is cut, a damaged line is set aside.
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { ConfigError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { DurableFile } from './durable-file.ts';

const HEADER = 'coda-outbox 1\n';
/** Below this size a file is never rewritten. */
const COMPACT_FROM_BYTES = 4 * 1024 * 1024;
const LONGEST_RETRY_MS = 5_000;
const CHUNK_CHARACTERS = 1024 * 1024;

export interface JournalOptions {
  readonly log: Logger;
  /** All records that must survive a rewrite, in the order in which they are to be read again. */
  readonly snapshot: () => Iterable<object>;
  /** Called with the reason when nothing can be written, and with undefined once it can again. */
  readonly onTrouble: (reason: string | undefined) => void;
}

interface Append {
  readonly line: string;
  readonly durable: boolean;
  readonly resolve: () => void;
}

export class Journal {
  readonly #path: string;
  readonly #options: JournalOptions;
  #file: DurableFile;
  #size: number;
  /** 0 until the first rewrite, since how much of an old file is dead is not known. */
  #sizeAfterRewrite = 0;
  #queue: Append[] = [];
  #writing: Promise<void> | undefined;
  #inTrouble = false;
  /** The file holds damaged lines; the next write replaces it. */
  #isDamaged: boolean;
  #closed = false;
  #endPause: (() => void) | undefined;

  private constructor(
    path: string,
    file: DurableFile,
    size: number,
    isDamaged: boolean,
    options: JournalOptions,
  ) {
    this.#isDamaged = isDamaged;
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#options = options;
  }

  /** Opens or creates the journal, and returns what it holds. Throws a ConfigError where it cannot be used. */
  static async open(
    path: string,
    options: JournalOptions,
  ): Promise<{ journal: Journal; records: unknown[] }> {
    let file: DurableFile | undefined;
    try {
      file = await DurableFile.open(path);
      const bytes = await file.read();
      const { records, goodBytes, damaged } = readRecords(bytes, path);
      if (damaged.length > 0) await setDamagedAside(path, damaged, options.log);
      if (goodBytes < bytes.length) {
        options.log.warn(`cut ${bytes.length - goodBytes} bytes that a crash left at the end of ${path}`);
        await file.truncate(goodBytes);
      }
      let size = goodBytes;
      if (size === 0) {
        await file.write(Buffer.from(HEADER), 0);
        size = HEADER.length;
      }
      await file.sync();
      await syncDirectory(dirname(path));
      return { journal: new Journal(path, file, size, damaged.length > 0, options), records };
    } catch (cause) {
      await file?.close().catch(() => {});
      if (cause instanceof ConfigError) throw cause;
      throw new ConfigError(`the outbox ${path} cannot be opened: ${messageOf(cause)}`, {
        cause,
        remedy: 'Make the state directory writable, or set another one (CODA_STATE_DIR).',
      });
    }
  }

  /** Appends a record; never rejects. With `durable` it resolves once the record is on disk, however long the disk
   *  takes nothing. Without, it resolves once the record is written, so that it survives the process though not
   *  the machine, or at once if the disk takes nothing: the record is then written later. After `close`, neither. */
  append(record: object, { durable }: { durable: boolean }): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return;
      this.#queue.push({ line: lineOf(record), durable, resolve });
      if (this.#inTrouble && !durable) resolve();
      this.#writing ??= this.#write();
    });
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#size;
  }

  /** Waits for what has been appended, unless the disk takes nothing, and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endPause?.();
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    // Appends of the same turn of the event loop share one write.
    await Promise.resolve();
    for (let retryMs = 50; this.#queue.length > 0;) {
      const batch = this.#queue.splice(0);
      try {
        await this.#writeBatch(batch);
        this.#setTrouble(undefined);
        retryMs = 50;
        for (const { resolve } of batch) resolve();
      } catch (thrown) {
        this.#queue = batch.concat(this.#queue);
        this.#setTrouble(`results cannot be saved to ${this.#path}: ${messageOf(thrown)}`);
        for (const { durable, resolve } of batch) if (!durable) resolve();
        if (this.#closed) break;
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
    // In the same turn in which the queue was found empty: an append that comes later starts a new writer.
    this.#writing = undefined;
  }

  async #writeBatch(batch: Append[]): Promise<void> {
    if (this.#inTrouble) {
      // First the way that needs the least room. Whatever the failed write has left is cut off, and what its failed
      // fsync may have lost is written again. If the file itself is what fails, a new one may do.
      try {
        await this.#file.truncate(this.#size);
        return await this.#appendBatch(batch);
      } catch {
        return await this.#rewrite(batch);
      }
    }
    if (this.#isDamaged || this.#isWasteful()) return await this.#rewrite(batch);
    await this.#appendBatch(batch);
  }

  async #appendBatch(batch: readonly Append[]): Promise<void> {
    const isDurable = batch.every(({ durable }) => durable);
    // What was written before without waiting for the disk may be lost with the machine, and these lines not with it.
    const start = isDurable ? '\n' : '';
    const bytes = Buffer.from(start + batch.map(({ line }) => line).join(''));
    if (isDurable) {
      await this.#file.writeDurably(bytes, this.#size);
    } else {
      await this.#file.write(bytes, this.#size);
      for (const { durable, resolve } of batch) if (!durable) resolve();
      if (batch.some(({ durable }) => durable)) await this.#file.sync();
    }
    this.#size += bytes.length;
  }

  /** Writes the live records to a new file and puts it in place of the old one. The records of the batch are live or
   *  dead already, and so are those that were appended since: all of them are done with then. */
  async #rewrite(batch: Append[]): Promise<void> {
    const temporary = `${this.#path}.new`;
    const file = await DurableFile.open(temporary, { empty: true });
    try {
      for (const append of this.#queue.splice(0)) batch.push(append);
      const chunks = snapshotChunks(this.#options.snapshot());
      let size = 0;
      for (const chunk of chunks) {
        await file.write(chunk, size);
        size += chunk.length;
      }
      await file.sync();
      await rename(temporary, this.#path);
      const old = this.#file;
      this.#file = file;
      this.#size = this.#sizeAfterRewrite = size;
      this.#isDamaged = false;
      await old.close().catch(() => {});
      await syncDirectory(dirname(this.#path));
    } catch (thrown) {
      if (this.#file !== file) {
        await file.close().catch(() => {});
        // On a full disk, half a file would be in the way of the next attempt.
        await rm(temporary, { force: true }).catch(() => {});
      }
      throw thrown;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #isWasteful(): boolean {
    return this.#size > COMPACT_FROM_BYTES && this.#size > 2 * this.#sizeAfterRewrite;
  }

  #setTrouble(reason: string | undefined): void {
    const inTrouble = reason !== undefined;
    if (inTrouble === this.#inTrouble) return;
    this.#inTrouble = inTrouble;
    this.#options.onTrouble(reason);
  }
}

function lineOf(record: object): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** The lines of a whole file, in pieces: all of them together may be longer than a string can be. */
function snapshotChunks(records: Iterable<object>): Buffer[] {
  const chunks: Buffer[] = [];
  let text = HEADER;
  for (const record of records) {
    text += lineOf(record);
    if (text.length < CHUNK_CHARACTERS) continue;
    chunks.push(Buffer.from(text));
    text = '';
  }
  if (text !== '') chunks.push(Buffer.from(text));
  return chunks;
}

/** What a journal's bytes hold. `goodBytes` ends before a torn tail; `damaged` are the whole lines that are unusable. */
export function readRecords(
  bytes: Buffer,
  path: string,
): { records: unknown[]; goodBytes: number; damaged: Buffer[] } {
  const records: unknown[] = [];
  const damaged: Buffer[] = [];
  if (bytes.length === 0) return { records, goodBytes: 0, damaged };
  const header = bytes.subarray(0, HEADER.length).toString('latin1');
  // A crash while the file was made can have left a part of the header and nothing else.
  if (header !== HEADER && HEADER.startsWith(bytes.toString('latin1')))
    return { records, goodBytes: 0, damaged };
  if (header !== HEADER) {
    throw new ConfigError(`${path} is not an outbox that this version of coda-node can read`, {
      remedy:
        'Start the version that wrote it and let it deliver, or move the file away: it holds undelivered results.',
    });
  }
  let goodBytes = HEADER.length;
  for (let start = HEADER.length; start < bytes.length;) {
    const newline = bytes.indexOf(10, start);
    if (newline === -1) break;
    const line = bytes.subarray(start, newline);
    const isEmpty = newline === start;
    const record = isEmpty ? undefined : recordOf(line);
    start = newline + 1;
    if (isEmpty) {
      goodBytes = start;
      continue;
    }
    if (record === undefined) {
      damaged.push(line);
      continue;
    }
    records.push(record);
    goodBytes = start;
  }
  return { records, goodBytes, damaged };
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

async function setDamagedAside(path: string, damaged: readonly Buffer[], log: Logger): Promise<void> {
  const aside = `${path}.damaged`;
  log.error(`${damaged.length} damaged records in ${path}; copied to ${aside}. Check the disk.`);
  const file = await open(aside, 'a', 0o600);
  try {
    for (const line of damaged) await file.write(Buffer.concat([line, Buffer.from('\n')]));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
