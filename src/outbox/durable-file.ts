// A file whose writes can be made durable: on Linux, in one trip to the disk.
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

// Other systems do not know the flag, or it promises less than an fsync there.
const SYNCED_WRITES = process.platform === 'linux' ? constants.O_DSYNC : undefined;

export class DurableFile {
  readonly #file: FileHandle;
  /** The same file; a write to it ends when the disk has it. */
  readonly #synced: FileHandle | undefined;

  private constructor(file: FileHandle, synced: FileHandle | undefined) {
    this.#file = file;
    this.#synced = synced;
  }

  /** Opens or creates a file for its owner alone; `empty` drops what is in it. */
  static async open(path: string, { empty = false } = {}): Promise<DurableFile> {
    const file = await open(
      path,
      constants.O_RDWR | constants.O_CREAT | (empty ? constants.O_TRUNC : 0),
      0o600,
    );
    try {
      const synced =
        SYNCED_WRITES === undefined ? undefined : await open(path, constants.O_RDWR | SYNCED_WRITES);
      return new DurableFile(file, synced);
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }

  /** Reads from a position; resolves with how many bytes, 0 at the end of the file. */
  async read(into: Buffer, position: number): Promise<number> {
    const { bytesRead } = await this.#file.read(into, 0, into.length, position);
    return bytesRead;
  }

  /** Resolves once the bytes survive this process. */
  write(bytes: Buffer, position: number): Promise<void> {
    return writeAll(this.#file, bytes, position);
  }

  /** Resolves once the bytes survive the machine. */
  async writeDurably(bytes: Buffer, position: number): Promise<void> {
    if (this.#synced !== undefined) return writeAll(this.#synced, bytes, position);
    await writeAll(this.#file, bytes, position);
    await this.#file.datasync();
  }

  /** Resolves once all that was written survives the machine. */
  sync(): Promise<void> {
    return this.#file.datasync();
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size);
  }

  async close(): Promise<void> {
    await Promise.all([this.#file.close(), this.#synced?.close()]);
  }
}

/** Replaces `path` by a new file of these pieces, without waiting for anything: for a process that ends. */
export function replaceNow(path: string, temporary: string, pieces: Iterable<Buffer>): void {
  const file = openSync(temporary, 'w', 0o600);
  try {
    for (const piece of pieces) writeFileSync(file, piece);
    fsyncSync(file);
    renameSync(temporary, path);
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw thrown;
  } finally {
    closeSync(file);
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
