// The lock of the node's own folder: one node at a time, also if the folder is shared by containers or machines. A file
// that names a process, when it started and where it runs, and that this process has open; a lock that a killed node has
// left counts for nothing, and so does one that names a process which does not hold it.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { readFile, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, errorCode } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { journalPath, lockPath } from './layout.ts';
import { askSocket, isRenewed, LEASE_MS, openSocket, RENEW_EVERY_MS } from './life-sign.ts';
import { usesFiles } from './open-files.ts';
import { isSameMachine, isSamePlace, thisPlace, type Place } from './place.ts';
import { isOf, isProcessRunning, startTimeOf, type ProcessIdentity } from './process.ts';

/** A lock is one line; another user's file may be anything. */
const MOST_BYTES = 4_096;

export interface LockHolder extends ProcessIdentity {
  /** Where the process runs, if its id means nothing here, e.g. "on the machine qpu-2". */
  readonly elsewhere: string | undefined;
}

export interface LockWatch {
  /** Called before a wait of up to 15 s that shows whether the node of a found lock still runs. */
  readonly onWait?: (message: string) => void;
  /** Called if another node has taken the lock, e.g. while this machine was suspended: it must not be used any more. */
  readonly onLost?: (error: ConfigError) => void;
}

interface Lock {
  /** As it is in the file. */
  readonly text: string;
  readonly holder: LockHolder;
  /** The user whose file it is: it is believed of this user's processes only. */
  readonly owner: number;
  /** Undefined in the lock of an older version: it is believed to be from here. */
  readonly place: Place | undefined;
  /** The name of the holder's socket. */
  readonly socket: string | undefined;
}

/** The process that uses the node's folder; undefined if none does, or if this user may not know. What others than the
 *  folder's owner can have written is not believed. */
export async function lockHolder(folder: string): Promise<LockHolder | undefined> {
  try {
    const lock = readLock(lockPath(folder));
    const stats = lstatSync(folder);
    const isPrivate = process.platform === 'win32' || (stats.mode & 0o022) === 0;
    if (!stats.isDirectory() || !isPrivate || lock?.owner !== stats.uid) return undefined;
    return lock !== undefined && (await isHeld(lock, folder, lockPath(folder))) ? lock.holder : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the lock and returns what gives it back. Throws a ConfigError if another node has it. */
export async function takeLock(folder: string, stateDir: string, watch: LockWatch = {}): Promise<() => void> {
  const path = lockPath(folder);
  // Two containers may have the same process ids, so the names of these files are random.
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  const socket = `${temporary.slice(folder.length + 1)}.sock`;
  const closeSocket = await openSocket(folder, socket);
  const { pidNamespace, boot, host } = thisPlace();
  const place = `${pidNamespace} ${boot} ${host} ${closeSocket === undefined ? '-' : socket}`;
  // Older versions read the first two words and ignore the others.
  const mine = `${process.pid} ${startTimeOf(process.pid) ?? ''} ${place}\n`;
  let descriptor: number | undefined;
  const letGo = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  try {
    // It stays open: that is how others see that this process has the lock.
    descriptor = openSync(temporary, 'wx', 0o600);
    writeSync(descriptor, mine);
    while (!linkIfFree(temporary, path)) {
      const found = readLock(path);
      if (found === undefined) continue;
      if (await isHeld(found, folder, path, watch.onWait)) throw inUse(found.holder, stateDir);
      await removeDead(folder, found, temporary);
    }
  } catch (thrown) {
    letGo();
    closeSocket?.();
    throw thrown;
  } finally {
    rmSync(temporary, { force: true });
  }
  const stopRenewing = renew(path, mine, () => watch.onLost?.(lost(path, stateDir)));
  return () => {
    stopRenewing();
    closeSocket?.();
    if (readLock(path)?.text === mine) rmSync(path, { force: true });
    letGo();
  };
}

/** The error for a state directory that another node uses. */
export function inUse(holder: LockHolder, stateDir: string): ConfigError {
  const { elsewhere } = holder;
  const stop = elsewhere === undefined ? 'Stop it with `coda stop`' : STOP_THERE;
  return new ConfigError(`another node (${processText(holder)}) uses the state directory ${stateDir}`, {
    remedy: `${stop}, or give this node a state directory of its own (CODA_STATE_DIR).`,
  });
}

/** What to do with a node that cannot be signalled from here; a sentence without its full stop. */
export const STOP_THERE = 'Stop it where it runs (`coda stop` there, or stop its container)';

/** For people: which process it is. */
export function processText({ pid, elsewhere }: LockHolder): string {
  return elsewhere === undefined ? `PID ${pid}` : `PID ${pid} ${elsewhere}`;
}

function lost(path: string, stateDir: string): ConfigError {
  const other = readLock(path)?.holder;
  const who = other === undefined ? '' : ` (${processText(other)})`;
  return new ConfigError(`another node${who} has taken the state directory ${stateDir}; this one ends`, {
    remedy:
      'Give each node a state directory of its own (CODA_STATE_DIR). If this machine was suspended, nothing else is to do.',
  });
}

/** Shows once a second that this node lives. `onLost` is called once, if the lock is another node's by now. */
function renew(path: string, mine: string, onLost: () => void): () => void {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void touch().finally(() => (isBusy = false));
  }, RENEW_EVERY_MS).unref();
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clearInterval(timer);
  };
  const touch = async (): Promise<void> => {
    try {
      const text = await readFile(path, 'utf8');
      const now = new Date();
      if (text === mine) return await utimes(path, now, now);
      if (isOver) return;
      stop();
      onLost();
    } catch {
      // The disk does not answer, or somebody has removed the lock: the next look shows more.
    }
  };
  return stop;
}

/** Removes the lock that a dead node has left. One process at a time: between the look at a dead lock and its removal,
 *  another node that starts might have put its own there. */
async function removeDead(folder: string, dead: Lock, temporary: string): Promise<void> {
  const path = lockPath(folder);
  const guard = `${path}.removing`;
  if (linkIfFree(temporary, guard)) {
    try {
      if (readLock(path)?.text !== dead.text) return;
      rmSync(path, { force: true });
      if (dead.socket !== undefined) rmSync(`${folder}/${dead.socket}`, { force: true });
    } finally {
      rmSync(guard, { force: true });
    }
    return;
  }
  const remover = readLock(guard);
  if (remover !== undefined && !(await isHeld(remover, folder, guard))) rmSync(guard, { force: true });
  else await sleep(1);
}

/** Undefined if there is no lock. Throws if it is no file, such as a link or a pipe. */
function readLock(path: string): Lock | undefined {
  let text: string;
  let owner: number;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new ConfigError(`${path} is not a regular file`, { remedy: 'Remove it.' });
    owner = stats.uid;
    const buffer = Buffer.alloc(MOST_BYTES);
    text = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, MOST_BYTES, 0));
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  const [pid = '', startTime = '', pidNamespace = '', boot = '', host = '', socket = ''] = text
    .trim()
    .split(' ');
  const place = boot === '' ? undefined : { pidNamespace, boot, host };
  return {
    text,
    owner,
    holder: {
      pid: /^\d+$/.test(pid) ? Number(pid) : NaN,
      startTime,
      elsewhere: place && elsewhereText(place, thisPlace()),
    },
    place,
    // The lock may be another user's: no path is taken from it.
    socket: /^lock\.[\da-f]{16}\.sock$/.test(socket) ? socket : undefined,
  };
}

function elsewhereText(place: Place, here: Place): string | undefined {
  if (isSamePlace(place, here)) return undefined;
  const host = printable(place.host, 64);
  return isSameMachine(place, here)
    ? `in another container or PID namespace, host name ${host}`
    : `on the machine ${host}`;
}

/** Whether the process that a lock names still runs. `path` is the lock's. */
async function isHeld(
  { holder, owner, place, socket }: Lock,
  folder: string,
  path: string,
  onWait?: LockWatch['onWait'],
): Promise<boolean> {
  if (holder.elsewhere === undefined || place === undefined) {
    // If the system does not say when a process started, a lock with our own process id is from a dead process.
    if (holder.pid === process.pid && holder.startTime === '') return false;
    if (!isProcessRunning(holder) || !isOf(owner, holder.pid)) return false;
    // Older versions do not keep the lock open, but the journal.
    const uses =
      holder.pid === process.pid ? 'yes' : usesFiles(holder.pid, folder, [path, journalPath(folder)]);
    return uses !== 'no';
  }
  const answer = socket === undefined ? 'unknown' : await askSocket(folder, socket);
  if (answer === 'open') return true;
  // Another machine's sockets cannot be asked: that they do not answer here means nothing.
  if (answer === 'closed' && isSameMachine(place, thisPlace())) return false;
  onWait?.(
    `the state directory was last used by ${processText(holder)}: ` +
      `waiting up to ${LEASE_MS / 1000} s to see whether that node still runs`,
  );
  return isRenewed(path);
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
