// The operator's pause, which is there as long as its file is.
import { printable } from '../protocol/text.ts';
import { pausePath } from './layout.ts';
import { OperatorFile } from './operator-file.ts';

export interface Pause {
  /** In the operator's words; null if none were given. */
  readonly reason: string | null;
  /** ISO 8601, UTC; null if the file does not say. */
  readonly since: string | null;
}

const LONGEST_REASON = 200;
const FILE = new OperatorFile(pausePath, 'a request to pause');

/**
 * Undefined if the node is not paused. A file that this user may not read, or that cannot be understood, still pauses it.
 * Throws a ConfigError if the machine does not let it be seen: then nobody knows.
 */
export async function readPause(stateDir: string): Promise<Pause | undefined> {
  const stored = await FILE.read(stateDir);
  return stored === undefined
    ? undefined
    : { reason: textOf(stored?.['reason']), since: textOf(stored?.['since']) };
}

/** Pauses the node of `stateDir`, from now on or from its next start. */
export async function writePause(stateDir: string, reason: string | null): Promise<void> {
  const pause: Pause = { reason, since: new Date().toISOString() };
  await FILE.write(stateDir, pause);
}

export async function removePause(stateDir: string): Promise<void> {
  await FILE.remove(stateDir);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? printable(value, LONGEST_REASON) : null;
}
