// The node's own folder in the state directory: who this node is in the consumer group, and that nobody else is here.
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { isSameProcess, startTimeOf } from './process.ts';

export interface Spool {
  readonly directory: string;
  /** The node's name in the consumer group: the same after a restart, another for every other node. */
  readonly consumer: string;
  release(): void;
}

export function spoolDirectory(stateDir: string): string {
  return join(stateDir, 'coda-node-spool');
}

/** The process that holds the state directory, as its lock names it; it may have ended since. */
export function readLock(stateDir: string): { pid: number; startTime: string } | undefined {
  const text = readIfThere(join(spoolDirectory(stateDir), 'lock'));
  if (text === undefined) return undefined;
  const [pid = '', startTime = ''] = text.trim().split(' ');
  return { pid: /^\d+$/.test(pid) ? Number(pid) : NaN, startTime };
}

/** Takes the state directory for this process. Throws a ConfigError if another node has it, or if it cannot be used. */
export function openSpool(stateDir: string): Spool {
  const directory = spoolDirectory(stateDir);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    checkOwn(directory);
    const release = lock(directory, stateDir);
    return { directory, consumer: consumerName(directory), release };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`the state directory ${stateDir} cannot be used: ${messageOf(cause)}`, {
      cause,
      remedy: 'Make it writable for this user, or set another one (CODA_STATE_DIR).',
    });
  }
}

/** The process id of the node that has this spool; undefined if none runs. */
export function nodeOf(directory: string): number | undefined {
  const [pid = '', startTime = ''] = (readIfThere(join(directory, 'lock')) ?? '').trim().split(' ');
  return isSameProcess(Number(pid), startTime) ? Number(pid) : undefined;
}

/** The state directory may be a shared one such as /tmp, where anybody can have made this folder first. */
function checkOwn(directory: string): void {
  const found = lstatSync(directory);
  const user = process.geteuid?.();
  if (user === undefined) return;
  const isOwn = found.isDirectory() && found.uid === user && (found.mode & 0o022) === 0;
  if (isOwn) return;
  throw new ConfigError(`${directory} must be a folder of this user that nobody else can write to`, {
    remedy: `Look at what it is, and remove it or correct its owner and mode (0700).`,
  });
}

/** A copied state directory must not make two nodes one: the name also depends on the machine and on the place. */
function consumerName(directory: string): string {
  const path = join(directory, 'id');
  const macs = macAddresses();
  const [id = '', known = ''] = (readIfThere(path) ?? '').trim().split('\n');
  // Network cards come and go; a machine that has none of those it had is another one, a clone perhaps.
  const isSame = known === '' || macs.length === 0 || known.split(' ').some((mac) => macs.includes(mac));
  const kept = id !== '' && isSame ? id : randomUUID();
  const text = `${kept}\n${(isSame && known !== '' ? known.split(' ') : macs).join(' ')}\n`;
  if (text !== readIfThere(path)) writeFileSync(path, text, { mode: 0o600, flush: true });
  const machine = [hostname(), readIfThere('/etc/machine-id')?.trim() ?? ''];
  const digest = createHash('sha256')
    .update([kept, ...machine, realpathSync(directory)].join('\0'))
    .digest('hex');
  return `${hostname()}-${digest.slice(0, 12)}`;
}

function macAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const macs = addresses.filter(({ internal }) => !internal).map(({ mac }) => mac);
  return [...new Set(macs)].filter((mac) => mac !== '00:00:00:00:00:00').toSorted();
}

/** The lock is a file that names a process and when it started: a process id alone may belong to another by now. */
function lock(directory: string, stateDir: string): () => void {
  const path = join(directory, 'lock');
  const mine = `${process.pid} ${startTimeOf(process.pid) ?? ''}\n`;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, mine, { mode: 0o600 });
  try {
    while (!linkIfFree(temporary, path)) {
      const holder = lockText(path);
      if (holder === undefined) continue;
      if (isAlive(holder)) {
        const [pid] = holder.split(' ');
        throw new ConfigError(`another node (PID ${pid}) uses the state directory ${stateDir}`, {
          remedy:
            'Stop it with `coda stop`, or give this node a state directory of its own (CODA_STATE_DIR).',
        });
      }
      removeDead(path, holder, temporary);
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  return () => {
    if (readIfThere(path) === mine) rmSync(path, { force: true });
  };
}

/** Removes the lock that a dead node has left. One at a time: between a look at it and its removal, another node that
 *  starts might have put its own there. */
function removeDead(path: string, holder: string, temporary: string): void {
  const guard = `${path}.removing`;
  if (linkIfFree(temporary, guard)) {
    try {
      if (lockText(path) === holder) rmSync(path, { force: true });
    } finally {
      rmSync(guard, { force: true });
    }
    return;
  }
  const remover = lockText(guard);
  if (remover !== undefined && !isAlive(remover)) rmSync(guard, { force: true });
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** Whether the process that a lock names still runs. */
function isAlive(holder: string): boolean {
  const [pid = '', startTime = ''] = holder.trim().split(' ');
  // Where the system does not tell when a process started, one with our own number must be a dead one.
  if (Number(pid) === process.pid && startTime === '') return false;
  return isSameProcess(Number(pid), startTime);
}

function lockText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Whether `path` is now another name of `existing`; false if it was one of something else. */
function linkIfFree(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
