// An append-only file of JSON records whose appends become durable together: many records, one fsync.
// A tail torn by a crash is cut, and a damaged line is set aside. A file that is mostly dead records is rewritten.
import { rmSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, messageOf, type Trouble } from '../errors.ts';
import type { Logger } from '../log.ts';
import { Pause } from '../net/timing.ts';
import { syncDirectory, writeRemedy } from '../state/private-file.ts';
import { DurableFile, replaceNow } from './durable-file.ts';
import { filePieces, HEADER, lineOf, piecesOf, readJournal, type Range } from './journal-file.ts';

/** Below this size a file is never rewritten. */
const COMPACT_FROM_BYTES = 4 * 1024 * 1024;
const LONGEST_RETRY_MS = 5_000;
const COPY_BYTES = 1024 * 1024;

export interface JournalOptions {
  readonly log: Logger;
  /** Called with each record that the file holds, in order, before it can be written. */
  readonly onRecord: (record: object) => void;
  /** All records that must survive a rewrite, in the order in which they are to be read again. It is
   *  read while others are appended: what is appended meanwhile is written behind it. */
  readonly snapshot: () => Iterable<object>;
  /** Called with the reason when nothing can be written, and with undefined once it can again. */
  readonly onTrouble: (trouble: Trouble | undefined) => void;
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
  /** 0 until the first rewrite: how much of an old file is dead is not known. */
  #sizeAfterRewrite = 0;
  #queue: Append[] = [];
  #writing: Promise<void> | undefined;
  #inTrouble = false;
  /** The file holds damaged lines; the next write replaces it. */
  #isDamaged: boolean;
  #closed = false;
  readonly #pause = new Pause();

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

  /** Opens or creates the journal, and reads what it holds. Throws a ConfigError if it cannot be used. */
  static async open(path: string, options: JournalOptions): Promise<Journal> {
    let opened: DurableFile | undefined;
    try {
      const file = (opened = await DurableFile.open(path));
      const read = (into: Buffer, position: number): Promise<number> => file.read(into, position);
      const { goodBytes, size: found, damaged } = await readJournal(read, path, options.onRecord);
      if (damaged.length > 0) await setDamagedAside(path, file, damaged, options.log);
      if (goodBytes < found) {
        options.log.warn(`cut ${found - goodBytes} bytes that a crash left at the end of ${path}`);
        await file.truncate(goodBytes);
      }
      let size = goodBytes;
      if (size === 0) {
        await file.write(Buffer.from(HEADER), 0);
        size = HEADER.length;
      }
      await file.sync();
      await syncDirectory(dirname(path));
      return new Journal(path, file, size, damaged.length > 0, options);
    } catch (cause) {
      await opened?.close().catch(() => {});
      if (cause instanceof ConfigError) throw cause;
      throw new ConfigError(`the outbox ${path} cannot be opened: ${messageOf(cause)}`, {
        cause,
        remedy: writeRemedy(cause, dirname(path)),
      });
    }
  }

  /** Appends a record; never rejects. With `durable` it resolves once the record is on disk, however long writes fail.
   *  Without, it resolves once the record is written, so that it survives the process though not the machine, or at once
   *  if writes fail: the record is then written later. After `close()` the promise never settles. */
  append(record: object, { durable }: { durable: boolean }): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return;
      this.#queue.push({ line: lineOf(record), durable, resolve });
      if (this.#inTrouble && !durable) resolve();
      this.#writing ??= this.#write();
    });
  }

  /** The process ends: writes down what is not on the disk yet, and waits for nothing. */
  saveNow(): void {
    if (this.#writing === undefined) return;
    try {
      // A rename that is under way must not come after this one. Whatever else is under way goes to the old file.
      rmSync(this.#newPath, { force: true });
      replaceNow(this.#path, `${this.#path}.last`, filePieces(this.#options.snapshot()));
    } catch (thrown) {
      const text = `the last results cannot be saved to ${this.#path}: ${messageOf(thrown)}; their jobs run again`;
      this.#options.log.error(`${text} → ${writeRemedy(thrown, dirname(this.#path))}`);
    }
  }

  /** Appends a record that may be missing: it is dropped if writes fail. */
  note(record: object): void {
    if (!this.#inTrouble) void this.append(record, { durable: false });
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#size;
  }

  /** Waits until the appended records are written, unless writes fail, and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pause.wake();
    await this.#writing;
    await this.#file.close();
  }

  get #newPath(): string {
    return `${this.#path}.new`;
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
        this.#setTrouble({
          text: `results cannot be saved to ${this.#path}: ${messageOf(thrown)}`,
          remedy: writeRemedy(thrown, dirname(this.#path)),
        });
        for (const { durable, resolve } of batch) if (!durable) resolve();
        if (this.#closed) break;
        await this.#pause.wait(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
    // In the same turn in which the queue was found empty: an append that comes later starts a new writer.
    this.#writing = undefined;
  }

  async #writeBatch(batch: Append[]): Promise<void> {
    if (this.#inTrouble) {
      // First the way that needs the least room: cut off what the failed write has left, and write it again, since a
      // failed fsync may have lost it. If the file itself fails, a new one may work.
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
    // If the machine fails, earlier lines that were not synced may be lost or torn: an empty line keeps these apart.
    const lines = batch.map(({ line }) => line);
    if (isDurable) lines.unshift('\n');
    let size = this.#size;
    for (const piece of piecesOf(lines)) {
      if (isDurable) await this.#file.writeDurably(piece, size);
      else await this.#file.write(piece, size);
      size += piece.length;
    }
    if (!isDurable) {
      for (const { durable, resolve } of batch) if (!durable) resolve();
      if (batch.some(({ durable }) => durable)) await this.#file.sync();
    }
    this.#size = size;
  }

  /** Writes the live records to a new file and puts it in place of the old one. The snapshot holds every live record, so
   *  nothing queued so far needs an append of its own. */
  async #rewrite(batch: Append[]): Promise<void> {
    const temporary = this.#newPath;
    const file = await DurableFile.open(temporary, { empty: true });
    try {
      for (const append of this.#queue.splice(0)) batch.push(append);
      let size = 0;
      for (const piece of filePieces(this.#options.snapshot())) {
        await file.write(piece, size);
        size += piece.length;
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
        // On a full disk, half a file would leave less room for the next attempt.
        await rm(temporary, { force: true }).catch(() => {});
      }
      throw thrown;
    }
  }

  #isWasteful(): boolean {
    return this.#size > COMPACT_FROM_BYTES && this.#size > 2 * this.#sizeAfterRewrite;
  }

  #setTrouble(trouble: Trouble | undefined): void {
    const inTrouble = trouble !== undefined;
    if (inTrouble === this.#inTrouble) return;
    this.#inTrouble = inTrouble;
    this.#options.onTrouble(trouble);
  }
}

async function setDamagedAside(
  path: string,
  file: DurableFile,
  damaged: readonly Range[],
  log: Logger,
): Promise<void> {
  const aside = `${path}.damaged`;
  log.error(`${damaged.length} damaged records in ${path}; copied to ${aside}. Check the disk.`);
  const copy = await open(aside, 'a', 0o600);
  try {
    for (const range of damaged) await copyRange(file, range, copy);
    await copy.sync();
  } finally {
    await copy.close();
  }
}

async function copyRange(from: DurableFile, { start, end }: Range, to: FileHandle): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(end - start, COPY_BYTES));
  for (let at = start; at < end;) {
    const bytes = await from.read(piece.subarray(0, Math.min(piece.length, end - at)), at);
    if (bytes === 0) return;
    await to.write(piece.subarray(0, bytes));
    at += bytes;
  }
}
