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
  writeSync,
} from 'node:fs';
import { ConfigError, messageOf } from '../../errors.ts';
import { rotatedLogPaths } from '../../state/layout.ts';

/** Opens the log for appending, 0600, never through a link. Throws a ConfigError that names it. */
export function openLog(path: string): number {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NONBLOCK } = constants;
  let descriptor: number | undefined;
  try {
    const safe = (constants.O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
    descriptor = openSync(path, O_WRONLY | O_CREAT | O_APPEND | safe, 0o600);
    if (!fstatSync(descriptor).isFile()) throw new Error('it is not a regular file');
    fchmodSync(descriptor, 0o600);
    return descriptor;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw new ConfigError(`the log ${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      remedy: 'Remove it, or name another directory with CODA_STATE_DIR.',
    });
  }
}

/** Writes lines to the log that is open as `descriptor`. */
export function logWriter(path: string, descriptor: number, maxBytes: number): (line: string) => void {
  let limit = maxBytes;
  return (line) => {
    try {
      writeSync(descriptor, `${line}\n`);
      if (fstatSync(descriptor).size < limit) return;
    } catch {
      // The disk is full: the line is lost, the node continues.
      return;
    }
    try {
      rotate(path, descriptor);
      limit = maxBytes;
    } catch {
      limit += maxBytes;
    }
  };
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
