// The operator's pause: a file in the node's folder is the whole truth, so that it outlives restarts and can be set
// while no node runs.
import { errorCode } from '../errors.ts';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from './private-file.ts';
import { makeStateDir } from './credentials.ts';
import { isRecord, printable } from '../protocol/text.ts';
import { spoolDirectory } from './lock.ts';

export interface Pause {
  /** In the operator's words; null where none were given. */
  readonly reason: string | null;
  /** ISO 8601, UTC; null where the file does not say. */
  readonly since: string | null;
}

const LONGEST_REASON = 200;

/** Undefined where the node is not paused. A file that cannot be understood pauses it all the same. */
export async function readPause(stateDir: string): Promise<Pause | undefined> {
  let text: string;
  try {
    text = await readFile(pausePath(stateDir), 'utf8');
  } catch (thrown) {
    const isThere = errorCode(thrown) !== 'ENOENT' && errorCode(thrown) !== 'ENOTDIR';
    return isThere ? { reason: null, since: null } : undefined;
  }
  try {
    const stored: unknown = JSON.parse(text);
    if (isRecord(stored)) return { reason: textOf(stored['reason']), since: textOf(stored['since']) };
  } catch {
    // As below.
  }
  return { reason: null, since: null };
}

/** Pauses the node of `stateDir`, from now on or from its next start. */
export async function writePause(stateDir: string, reason: string | null): Promise<void> {
  await makeStateDir(stateDir);
  await mkdir(spoolDirectory(stateDir), { recursive: true, mode: 0o700 });
  const pause: Pause = { reason, since: new Date().toISOString() };
  await writeFileAtomic(pausePath(stateDir), `${JSON.stringify(pause)}\n`);
}

export async function removePause(stateDir: string): Promise<void> {
  await rm(pausePath(stateDir), { force: true });
}

function pausePath(stateDir: string): string {
  return join(spoolDirectory(stateDir), 'paused.json');
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? printable(value, LONGEST_REASON) : null;
}
