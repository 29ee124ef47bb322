// The lock of the node's own folder: one node at a time. A file that names a process and when it started; a lock that
// a killed node has left counts for nothing.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ConfigError, errorCode } from '../errors.ts';
import { lockPath } from './layout.ts';
import { isProcessRunning, startTimeOf, type ProcessIdentity } from './process.ts';

interface Lock {
  /** As it is in the file. */
  readonly text: string;
  readonly holder: ProcessIdentity;
}

/** The process that uses the node's folder; undefined if none does, or if this user may not know. */
export function lockHolder(folder: string): ProcessIdentity | undefined {
  try {
    const lock = readLock(lockPath(folder));
    return lock !== undefined && isProcessRunning(lock.holder) ? lock.holder : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the lock and returns what gives it back. Throws a ConfigError if another node has it. */
export function takeLock(folder: string, stateDir: string): () => void {
  const path = lockPath(folder);
  const mine = `${process.pid} ${startTimeOf(process.pid) ?? ''}\n`;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, mine, { mode: 0o600 });
  try {
    while (!linkIfFree(temporary, path)) {
      const found = readLock(path);
      if (found === undefined) continue;
      if (isHeld(found)) throw inUse(found.holder.pid, stateDir);
      removeDead(path, found, temporary);
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  return () => {
    if (readLock(path)?.text === mine) rmSync(path, { force: true });
  };
}

/** The error for a state directory that another node uses. */
export function inUse(pid: number, stateDir: string): ConfigError {
  return new ConfigError(`another node (PID ${pid}) uses the state directory ${stateDir}`, {
    remedy: 'Stop it with `coda stop`, or give this node a state directory of its own (CODA_STATE_DIR).',
  });
}

/** Removes the lock that a dead node has left. One process at a time: between the look at a dead lock and its removal,
 *  another node that starts might have put its own there. */
function removeDead(path: string, dead: Lock, temporary: string): void {
  const guard = `${path}.removing`;
  if (linkIfFree(temporary, guard)) {
    try {
      if (readLock(path)?.text === dead.text) rmSync(path, { force: true });
    } finally {
      rmSync(guard, { force: true });
    }
    return;
  }
  const remover = readLock(guard);
  if (remover !== undefined && !isHeld(remover)) rmSync(guard, { force: true });
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** Undefined if there is no lock. */
function readLock(path: string): Lock | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
  const [pid = '', startTime = ''] = text.trim().split(' ');
  return { text, holder: { pid: /^\d+$/.test(pid) ? Number(pid) : NaN, startTime } };
}

/** Whether the process that a lock names still runs. */
function isHeld({ holder }: Lock): boolean {
  // If the system does not say when a process started, a lock with our own process id is from a dead process.
  if (holder.pid === process.pid && holder.startTime === '') return false;
  return isProcessRunning(holder);
}

/** Makes `path` another name of `existing`; false if `path` exists already. */
function linkIfFree(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}
