// A file that lines are appended to, in order. Once it is full it is renamed to `<file>.1`, that one to `<file>.2`, and so
// on; the oldest is removed.
// Not a stream: one that has failed, on a full disk, takes no further line. This opens the file for each.
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export class RotatingFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #keep: number;
  /** Unknown until the first line is written. */
  #bytes: number | undefined;
  /** Ends with the last line; never rejects. */
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, maxBytes: number, keep: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#keep = keep;
  }

  /** Resolves once the line is in the file; rejects if it cannot be written, and the next line is tried all the same. */
  append(line: string): Promise<void> {
    const written = this.#last.then(() => this.#write(`${line}\n`));
    this.#last = written.catch(() => {});
    return written;
  }

  /** Resolves once nothing is left to write. */
  flushed(): Promise<void> {
    return this.#last;
  }

  async #write(text: string): Promise<void> {
    const bytes = Buffer.byteLength(text);
    let size = this.#bytes ?? (await this.#open());
    if (size > 0 && size + bytes > this.#maxBytes) {
      await this.#rotate();
      size = 0;
    }
    // Until the line is there, nobody knows how long the file is.
    this.#bytes = undefined;
    await appendFile(this.#path, text);
    this.#bytes = size + bytes;
  }

  async #open(): Promise<number> {
    await mkdir(dirname(this.#path), { recursive: true });
    return sizeOf(this.#path);
  }

  async #rotate(): Promise<void> {
    await rm(`${this.#path}.${this.#keep}`, { force: true });
    for (let number = this.#keep - 1; number >= 1; number -= 1) {
      await renameIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
    }
    await rename(this.#path, `${this.#path}.1`);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if (isMissing(thrown)) return 0;
    throw thrown;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
