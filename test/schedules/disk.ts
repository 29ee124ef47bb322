// The disk of a world: files in memory, of which each knows what would be left of it after a loss of power. What is read is
// there at once; what changes a file waits for the schedule.
import { constants } from 'node:fs';

export interface Content {
  /** As programs see it. */
  now: Buffer;
  /** As it would be after a loss of power. */
  safe: Buffer;
}

/** A change that the schedule has not let happen yet: `happen` makes it. */
export type Later = (what: string, happen: () => void) => Promise<void>;

export interface DiskWatch {
  /** These bytes are in a file now, and survive the process; if `isSafe`, the machine as well. */
  written(path: string, bytes: Buffer, isSafe: boolean): void;
  /** All of the file survives the machine. */
  synced(path: string, all: Buffer): void;
}

const NOTHING = Buffer.alloc(0);
/** In front of the numbers of real descriptors. */
const FIRST_DESCRIPTOR = 1_000_000;

export class Disk {
  readonly #files = new Map<string, Content>();
  readonly #descriptors = new Map<number, string>();
  readonly #watch: DiskWatch;
  #opened = FIRST_DESCRIPTOR;
  /** The code of the error with which every write fails, if so. */
  trouble: 'ENOSPC' | 'EIO' | undefined;
  /** Its process has died, and has not noticed yet: what that writes does not happen. */
  isFrozen = false;

  constructor(watch: DiskWatch) {
    this.#watch = watch;
  }

  static owns(file: unknown): boolean {
    return typeof file === 'number' && file >= FIRST_DESCRIPTOR;
  }

  find(path: string): Content | undefined {
    return this.#files.get(path);
  }

  /** As open(2) has it. */
  content(path: string, flags: number): Content {
    let content = this.#files.get(path);
    if (content === undefined) {
      if ((flags & constants.O_CREAT) === 0) throw fault('ENOENT', path);
      if (this.trouble !== undefined) throw fault(this.trouble, path);
      content = { now: NOTHING, safe: NOTHING };
      this.#files.set(path, content);
    }
    if ((flags & constants.O_TRUNC) !== 0) content.now = NOTHING;
    return content;
  }

  descriptor(path: string, flags: number): number {
    this.content(path, flags);
    this.#opened += 1;
    this.#descriptors.set(this.#opened, path);
    return this.#opened;
  }

  pathOf(descriptor: number): string {
    const path = this.#descriptors.get(descriptor);
    if (path === undefined) throw fault('EBADF', String(descriptor));
    return path;
  }

  /** Writes in one go. On a full disk a part of the bytes finds room before the error. */
  write(path: string, content: Content, bytes: Buffer, position: number, isSafe: boolean): void {
    const { trouble } = this;
    if (this.isFrozen) return;
    const written = trouble === undefined ? bytes : bytes.subarray(0, bytes.length >> 1);
    if (trouble !== 'EIO') {
      const { now, safe } = content;
      content.now = placed(now, written, position);
      if (isSafe && trouble === undefined)
        content.safe = safe === now ? content.now : placed(safe, written, position);
    }
    if (trouble !== undefined) throw fault(trouble, path);
    this.#watch.written(path, written, isSafe);
  }

  sync(path: string, content: Content): void {
    if (this.isFrozen) return;
    if (this.trouble === 'EIO') throw fault(this.trouble, path);
    content.safe = content.now;
    this.#watch.synced(path, content.now);
  }

  truncate(content: Content, size: number): void {
    if (this.isFrozen) return;
    content.now = content.now.subarray(0, size);
  }

  rename(from: string, to: string): void {
    const content = this.#files.get(from);
    if (content === undefined) throw fault('ENOENT', from);
    if (this.trouble !== undefined) throw fault(this.trouble, to);
    this.#files.delete(from);
    this.#files.set(to, content);
  }

  removeIfThere(path: string): void {
    this.#files.delete(path);
  }

  /** The names in a folder. Every folder is there. */
  names(folder: string): string[] {
    const names: string[] = [];
    for (const path of this.#files.keys())
      if (path.startsWith(`${folder}/`)) names.push(path.slice(folder.length + 1));
    return names;
  }

  /** Half of what was not safe is lost with the power. */
  losePower(): void {
    for (const content of this.#files.values()) {
      const { now, safe } = content;
      const torn = safe.length + ((now.length - safe.length) >> 1);
      content.now = now.length > safe.length ? Buffer.concat([safe, now.subarray(safe.length, torn)]) : safe;
      content.safe = content.now;
    }
  }
}

/** A file as `node:fs/promises` gives it. */
export class OpenFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #content: Content;
  readonly #isSafe: boolean;
  readonly #later: Later;

  constructor(disk: Disk, path: string, flags: number, later: Later) {
    this.#disk = disk;
    this.#path = path;
    this.#content = disk.content(path, flags);
    this.#isSafe = (flags & constants.O_DSYNC) !== 0;
    this.#later = later;
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    const bytesRead = this.#content.now.copy(into, offset, position, position + length);
    return Promise.resolve({ bytesRead });
  }

  /** Without a position at the end. */
  async write(
    bytes: Buffer,
    offset = 0,
    length = bytes.length - offset,
    position = this.#content.now.length,
  ): Promise<{ bytesWritten: number }> {
    const part = bytes.subarray(offset, offset + length);
    await this.#later(`writes ${this.#path}`, () =>
      this.#disk.write(this.#path, this.#content, part, position, this.#isSafe),
    );
    return { bytesWritten: length };
  }

  writeFile(text: string): Promise<void> {
    return this.#later(`writes ${this.#path}`, () =>
      this.#disk.write(this.#path, this.#content, Buffer.from(text), 0, false),
    );
  }

  sync(): Promise<void> {
    return this.#later(`syncs ${this.#path}`, () => this.#disk.sync(this.#path, this.#content));
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  async truncate(size: number): Promise<void> {
    await this.#later(`cuts ${this.#path}`, () => this.#disk.truncate(this.#content, size));
  }

  chmod(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A folder as `node:fs/promises` opens it, to sync it. */
export class OpenFolder {
  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** Where nothing was written there are zeros. */
function placed(before: Buffer, bytes: Buffer, position: number): Buffer {
  const after = Buffer.allocUnsafe(Math.max(before.length, position + bytes.length));
  before.copy(after);
  if (position > before.length) after.fill(0, before.length, position);
  bytes.copy(after, position);
  return after;
}
