// Files that only this user may read and write: written atomically with mode 0600, read only if they are safe.
// Credentials, results and VPN profiles all go through here (PROTOCOL §2).
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, errorCode, messageOf, MORE_FILES_REMEDY } from '../errors.ts';
import { nameOfUser } from './users.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_SMALL_BYTES = 4_096;
// Windows has neither flag.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
/** Without it, opening a named pipe would wait for a writer. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;

/**
 * Replaces `path` by a file of mode 0600 that holds `text`: at every moment, also after a power cut, the old
 * file or the whole new one is there. A symbolic link at `path` is replaced, never followed. The directory
 * must exist. Throws a ConfigError that names the path. Root may give the file to an `owner`.
 */
export async function writeFileAtomic(path: string, text: string, owner?: FileOwner): Promise<void> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    await writeNewFile(temporary, text, owner);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new ConfigError(`${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, dirname(path)),
    });
  }
}

/** Whether `name` is a temporary file that an interrupted write of `target` has left in the directory. */
export function isLeftover(name: string, target: string): boolean {
  return name.startsWith(`.${target}.`) && name.endsWith('.tmp');
}

/**
 * Reads a file that only this user may read and write; undefined if there is none. A symbolic link, another owner, a
 * mode that lets others in, and too many bytes are each a ConfigError with the command that repairs it.
 */
export function readPrivateFile(path: string, maxBytes = MAX_BYTES): string | undefined {
  const descriptor = openPrivate(path);
  if (descriptor === undefined) return undefined;
  try {
    checkSafe(path, fstatSync(descriptor), maxBytes);
    return readFileSync(descriptor, 'utf8');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  } finally {
    closeSync(descriptor);
  }
}

/** Where `path` leads if it is this user's own link; else `path` itself. What is there is still to be checked. */
export function targetOfOwnLink(path: string): string {
  try {
    const stats = lstatSync(path);
    const isOwn = stats.uid === (process.geteuid?.() ?? stats.uid);
    return stats.isSymbolicLink() && isOwn ? realpathSync(path) : path;
  } catch {
    return path;
  }
}

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** A small file that only gives a hint, such as a PID file. What it says is believed of its owner's processes only. */
export interface Hint {
  readonly text: string;
  readonly owner: number;
}

/** The text of a hint. */
export function readHintFile(path: string): string | undefined {
  return readHint(path)?.text;
}

/**
 * A hint; undefined for anything else, such as a link, a pipe or another user's file. Root may read the files of any user,
 * since it may look after another user's node.
 */
export function readHint(path: string): Hint | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW | NO_WAIT);
    const stats = fstatSync(descriptor);
    const user = process.geteuid?.() ?? stats.uid;
    if (!stats.isFile() || (stats.uid !== user && user !== 0)) return undefined;
    const buffer = Buffer.alloc(MAX_SMALL_BYTES);
    const text = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, MAX_SMALL_BYTES, 0));
    return { text, owner: stats.uid };
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** What to do when a file or folder in `directory` cannot be written. */
export function writeRemedy(cause: unknown, directory: string): string {
  const code = errorCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return `The disk of ${directory} is full: free some space, or name another directory with CODA_STATE_DIR.`;
  }
  if (code === 'EROFS') {
    return `The disk of ${directory} is mounted read-only: see why (dmesg, mount), mount it for writing, or name another directory with CODA_STATE_DIR.`;
  }
  if (code === 'EIO') {
    return `The disk of ${directory} fails: look at dmesg, and name a directory on another disk with CODA_STATE_DIR.`;
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return MORE_FILES_REMEDY;
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return `This user must be able to write to ${directory}: run the node as its owner, or name another directory with CODA_STATE_DIR.`;
  }
  return `Check ${directory}, or name another directory with CODA_STATE_DIR.`;
}

/** What to do about a file of another user that is in the place of one of the node's. */
export const STRANGERS_REMEDY =
  'Run the node as that user, or name another directory with CODA_STATE_DIR. If nobody needs it, look at what it is, then ' +
  'remove it.';

/** `path` as a word of a shell command. */
export function shellQuoted(path: string): string {
  return /^[\w./@%+:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function temporaryName(name: string): string {
  return `.${name}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
}

async function writeNewFile(path: string, text: string, owner?: FileOwner): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | NO_FOLLOW, 0o600);
  try {
    // An unusual umask may have taken away even the owner's rights.
    await file.chmod(0o600);
    if (owner !== undefined) await file.chown(owner.uid, owner.gid);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename survive a power cut. Windows cannot open a directory, and does not need this. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function openPrivate(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | NO_FOLLOW | NO_WAIT);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') {
      throw new ConfigError(`${path} is a symbolic link; it must be a file`, {
        cause,
        remedy: `Look at where it points, then remove it: rm ${shellQuoted(path)}`,
      });
    }
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: `Run the node as the user that owns ${path}, or name another directory with CODA_STATE_DIR.`,
    });
  }
}

function checkSafe(path: string, stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) {
    throw new ConfigError(`${path} is not a regular file`, {
      remedy: `Remove it, or name another directory with CODA_STATE_DIR.`,
    });
  }
  if (stats.size > maxBytes) {
    throw new ConfigError(`${path} has ${stats.size} bytes; a file of this node has at most ${maxBytes}`);
  }
  const user = process.geteuid?.();
  if (user === undefined) return;
  if (stats.uid !== user) {
    throw new ConfigError(
      `${path} belongs to user ${nameOfUser(stats.uid)}, but the node runs as user ${nameOfUser(user)}`,
      { remedy: STRANGERS_REMEDY },
    );
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
    throw new ConfigError(`${path} has mode ${mode}: others may read or change it; it must be 0600`, {
      remedy: `Run: chmod 600 ${shellQuoted(path)}`,
    });
  }
}
