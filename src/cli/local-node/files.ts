// What the operator's commands keep in the state directory, and how they read what may be anybody's.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { spoolDirectory } from '../../state/lock.ts';

/** Names the daemon's process: its id, and on a second line when it started. */
export function pidPath(stateDir: string): string {
  return join(stateDir, 'coda-node.pid');
}

export function logPath(stateDir: string): string {
  return join(stateDir, 'coda-node.log');
}

/** Says where a running node listens, and since when it runs. */
export function presencePath(stateDir: string): string {
  return join(spoolDirectory(stateDir), 'running.json');
}

const MOST_BYTES = 4_096;

/** The text of a small file of this user's own; undefined for anything else, such as a link or a pipe. */
export function readOwnFile(path: string): string | undefined {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    descriptor = openSync(path, flags);
    const stats = fstatSync(descriptor);
    const user = process.geteuid?.() ?? stats.uid;
    // Root looks after the node of another user, too.
    if (!stats.isFile() || (stats.uid !== user && user !== 0)) return undefined;
    const buffer = Buffer.alloc(MOST_BYTES);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, MOST_BYTES, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
