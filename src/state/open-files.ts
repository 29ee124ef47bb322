// Whether a process uses a node's files: it has them open. A file that says so can be written by anybody; this can not.
import { readdirSync, readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';

/**
 * Whether a process has a file in `folder`, or one of `files`, open. `unknown` if this user may not know, or if the system
 * does not say: only Linux does.
 */
export function usesFiles(pid: number, folder: string, files: readonly string[]): 'yes' | 'no' | 'unknown' {
  if (process.platform !== 'linux') return 'unknown';
  const wanted = files.flatMap((path) => statOr(path) ?? []);
  const prefix = `${realpathOr(folder)}/`;
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch (thrown) {
    return errorCode(thrown) === 'ENOENT' ? 'no' : 'unknown';
  }
  const isOne = (name: string): boolean => {
    const link = join(`/proc/${pid}/fd`, name);
    // The name also where a file system gives the same file another number each time.
    if (readlinkOr(link).startsWith(prefix)) return true;
    const open = statOr(link);
    return open !== undefined && wanted.some(({ ino, dev }) => ino === open.ino && dev === open.dev);
  };
  return names.some(isOne) ? 'yes' : 'no';
}

function statOr(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function readlinkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
