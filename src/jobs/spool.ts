// The node's own folder in the state directory: who this node is in the consumer group, and that nobody else is here.
import { createHash, randomUUID } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { errorCode } from '../config/files.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { isSameProcess, startTimeOf } from '../process-identity.ts';

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
  const stale = `${temporary}.stale`;
  writeFileSync(temporary, mine, { mode: 0o600 });
  try {
    for (;;) {
      if (linkIfFree(temporary, path)) break;
      const holder = lockText(path);
      if (holder === undefined) continue;
      const [pid = '', startTime = ''] = holder.trim().split(' ');
      // Where the system does not tell when a process started, one with our own number must be a dead one.
      const isOther = Number(pid) !== process.pid || startTime !== '';
      if (isOther && isSameProcess(Number(pid), startTime)) {
        throw new ConfigError(`another node (PID ${pid}) uses the state directory ${stateDir}`, {
          remedy:
            'Stop it with `coda stop`, or give this node a state directory of its own (CODA_STATE_DIR).',
        });
      }
      // Left by a node that died. Another that starts now may have replaced it since it was read: look at what was
      // taken away, and put back what is not stale.
      try {
        renameSync(path, stale);
      } catch {
        continue;
      }
      if (readIfThere(stale) !== holder) linkIfFree(stale, path);
    }
  } finally {
    rmSync(temporary, { force: true });
    rmSync(stale, { force: true });
  }
  return () => {
    if (readIfThere(path) === mine) rmSync(path, { force: true });
  };
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
