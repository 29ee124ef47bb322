// The daemon's log: a private file that is rotated when it is full. The last three are kept.
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { ConfigError, messageOf } from '../../errors.ts';
import { escaper } from '../terminal/output.ts';
import { rotatedLogPaths } from '../../state/layout.ts';

const LOOK_EVERY_MS = 1_000;

/** Opens the log for appending, 0600, never through a link. Throws a ConfigError that names it. */
export function openLog(path: string): number {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NONBLOCK } = constants;
  let descriptor: number | undefined;
  try {
    const safe = (constants.O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
    descriptor = openSync(path, O_WRONLY | O_CREAT | O_APPEND | safe, 0o600);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    const user = process.geteuid?.() ?? stats.uid;
    if (stats.uid !== user) throw new Error(`it belongs to user ${stats.uid}`);
    fchmodSync(descriptor, 0o600);
    return descriptor;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw new ConfigError(`the log ${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      remedy: 'Look at what it is, then remove it, or name another directory with CODA_STATE_DIR.',
    });
  }
}

/**
 * The log of this process, which has it open as its standard output and error, too. If the file is moved or removed, for
 * example by logrotate, a new one is made before the next line; for what other code prints, within a second or two.
 */
export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #hide: (text: string) => string;
  #descriptor: number;
  #opened: Pick<Stats, 'ino' | 'dev'>;
  #limit: number;
  /** Whether the process's own standard error is another file by now. */
  #isMoved = false;

  /** `hide`: takes the secrets out of what other code of this process prints. */
  constructor(path: string, descriptor: number, maxBytes: number, hide: (text: string) => string) {
    this.#path = path;
    this.#hide = hide;
    this.#descriptor = descriptor;
    this.#opened = fstatSync(descriptor);
    this.#maxBytes = this.#limit = maxBytes;
    setInterval(() => this.#follow(), LOOK_EVERY_MS).unref();
  }

  write(line: string): void {
    // Before each line: a program that moves the log may compress it at once, and would lose what comes later.
    this.#follow();
    try {
      writeSync(this.#descriptor, `${line}\n`);
      if (fstatSync(this.#descriptor).size < this.#limit) return;
    } catch {
      // The disk is full: the line is lost, the node continues.
      return;
    }
    try {
      rotate(this.#path, this.#descriptor);
      this.#limit = this.#maxBytes;
    } catch {
      this.#limit += this.#maxBytes;
    }
  }

  /** Opens the file again, whether it was moved or not. If that fails, the old one stays in use. */
  reopen(): void {
    let opened: number;
    try {
      opened = openLog(this.#path);
    } catch {
      return;
    }
    if (this.#isMoved) closeSync(this.#descriptor);
    this.#descriptor = opened;
    this.#opened = fstatSync(opened);
    this.#limit = this.#maxBytes;
    this.#takeOutput();
  }

  #follow(): void {
    try {
      const found = statSync(this.#path, { throwIfNoEntry: false });
      if (found?.ino !== this.#opened.ino || found.dev !== this.#opened.dev) this.reopen();
    } catch {
      // The directory cannot be read at the moment.
    }
  }

  /** What the executor prints goes to the new file, too: descriptors 1 and 2 stay with the old one. */
  #takeOutput(): void {
    if (this.#isMoved) return;
    this.#isMoved = true;
    const escape = escaper(this.#hide);
    const write = (chunk: string | Uint8Array, ...more: readonly unknown[]): boolean => {
      try {
        writeSync(this.#descriptor, escape(chunk));
      } catch {
        // The disk is full.
      }
      const done = more.at(-1);
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
    process.stdout.write = write;
    process.stderr.write = write;
  }
}

/** Copies and empties the file instead of renaming it: the process's own output and other programs have it open. */
function rotate(path: string, descriptor: number): void {
  const [first, second, third] = rotatedLogPaths(path);
  for (const [from, to] of [
    [second, third],
    [first, second],
  ] as const) {
    try {
      renameSync(from, to);
    } catch {
      // There is none yet.
    }
  }
  copyFileSync(path, first, constants.COPYFILE_EXCL);
  chmodSync(first, 0o600);
  ftruncateSync(descriptor, 0);
}
