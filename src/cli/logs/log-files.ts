// The files of a log: the one that is written, and the older ones, which the node itself or a program such as logrotate has
// put beside it.
import { constants } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A log is no link, and opening a named pipe would wait for a writer. */
export const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** `.1`, `.2.gz`, `-20261128`, `-20261128-1764288000.gz`; `-2026112804.backup`, if both made the new file. */
const OLDER = /^(?:\.\d{1,6}|[.-]\d{8}(?:-?\d{1,12})?(?:\.backup)?)(\.gz)?$/;

export interface OlderLog {
  readonly path: string;
  /** Milliseconds since 1970: nothing in it is newer. */
  readonly writtenAt: number;
  readonly isCompressed: boolean;
}

/** The newest first. */
export async function olderLogs(log: string): Promise<OlderLog[]> {
  const folder = dirname(log);
  const name = basename(log);
  const names = await readdir(folder).catch(() => []);
  const found: OlderLog[] = [];
  for (const one of names.filter((other) => other.startsWith(name))) {
    const match = OLDER.exec(one.slice(name.length));
    if (match === null) continue;
    const path = join(folder, one);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isFile() !== true) continue;
    found.push({ path, writtenAt: stats.mtimeMs, isCompressed: match[1] !== undefined });
  }
  const numbers = new Intl.Collator('en', { numeric: true });
  return found.toSorted((a, b) => b.writtenAt - a.writtenAt || numbers.compare(a.path, b.path));
}

/** Undefined if it is not there any more, or cannot be read. */
export async function openOlder(path: string): Promise<FileHandle | undefined> {
  return open(path, READ).catch(() => undefined);
}
