// The operator's pause is a file in the node's folder and nothing else. So it survives a restart, and can be set while
// no node runs.
import { constants, existsSync, lstatSync, statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { isRecord, printable } from '../protocol/text.ts';
import { nodeFolder, pausePath } from './layout.ts';
import { makeNodeFolder } from './node-folder.ts';
import { writeFileAtomic, writeRemedy, type FileOwner } from './private-file.ts';
import { trustedOwners } from './trust.ts';

export interface Pause {
  /** In the operator's words; null if none were given. */
  readonly reason: string | null;
  /** ISO 8601, UTC; null if the file does not say. */
  readonly since: string | null;
}

const LONGEST_REASON = 200;

/** Errors of the machine, which say nothing of the file. */
const FAULTS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'EAGAIN', 'EINTR', 'ESTALE', 'ETIMEDOUT']);

/**
 * Undefined if the node is not paused. A file that this user may not read, or that cannot be understood, still pauses it.
 * Throws a ConfigError if the machine does not let it be seen: then nobody knows.
 */
export async function readPause(stateDir: string): Promise<Pause | undefined> {
  let text: string;
  try {
    // Opening a named pipe would wait for a writer.
    const flag = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    text = await readFile(pausePath(nodeFolder(stateDir)), { encoding: 'utf8', flag });
  } catch (thrown) {
    if (FAULTS.has(errorCode(thrown) ?? '')) {
      const path = pausePath(nodeFolder(stateDir));
      throw new ConfigError(
        `no file can be opened, and so a request to pause cannot be seen: ${messageOf(thrown)}`,
        { cause: thrown, remedy: writeRemedy(thrown, dirname(path)) },
      );
    }
    const isThere = errorCode(thrown) !== 'ENOENT' && errorCode(thrown) !== 'ENOTDIR';
    return isThere ? { reason: null, since: null } : undefined;
  }
  try {
    const stored: unknown = JSON.parse(text);
    if (isRecord(stored)) return { reason: textOf(stored['reason']), since: textOf(stored['since']) };
  } catch {
    // Not JSON: still paused.
  }
  return { reason: null, since: null };
}

/** Pauses the node of `stateDir`, from now on or from its next start. */
export async function writePause(stateDir: string, reason: string | null): Promise<void> {
  const owner = ownerForRoot(stateDir);
  if (owner === undefined) makeNodeFolder(stateDir, trustedOwners());
  const pause: Pause = { reason, since: new Date().toISOString() };
  await writeFileAtomic(pausePath(nodeFolder(stateDir)), `${JSON.stringify(pause)}\n`, owner);
}

export async function removePause(stateDir: string): Promise<void> {
  if (!existsSync(nodeFolder(stateDir))) return;
  if (ownerForRoot(stateDir) === undefined) makeNodeFolder(stateDir, trustedOwners());
  await rm(pausePath(nodeFolder(stateDir)), { force: true });
}

/** Root may pause the node of another user, such as a service's, if nobody but that user can write to its folder. */
function ownerForRoot(stateDir: string): FileOwner | undefined {
  const stats = lstatSync(nodeFolder(stateDir), { throwIfNoEntry: false });
  if (process.geteuid?.() !== 0 || stats === undefined || stats.uid === 0) return undefined;
  const isPrivate = stats.isDirectory() && (stats.mode & 0o022) === 0;
  return isPrivate && statSync(stateDir).uid === stats.uid ? stats : undefined;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? printable(value, LONGEST_REASON) : null;
}
