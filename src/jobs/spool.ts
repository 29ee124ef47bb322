// The node's own folder in the state directory: who this node is in the consumer group, and that nobody else is here.
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
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

/** A copied state directory must not make two nodes one: the name also depends on the machine and on the place. */
function consumerName(directory: string): string {
  const path = join(directory, 'id');
  let id = readIfThere(path)?.trim();
  if (id === undefined || id === '') {
    id = randomUUID();
    writeFileSync(path, `${id}\n`, { mode: 0o600, flush: true });
  }
  const digest = createHash('sha256')
    .update([id, ...machineIdentity(), realpathSync(directory)].join('\0'))
    .digest('hex');
  return `${hostname()}-${digest.slice(0, 12)}`;
}

function machineIdentity(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const mac =
    addresses.find((address) => !address.internal && address.mac !== '00:00:00:00:00:00')?.mac ?? '';
  return [hostname(), readIfThere('/etc/machine-id')?.trim() ?? '', mac];
}

/** The lock is a file that names a process and when it started: a process id alone may belong to another by now. */
function lock(directory: string, stateDir: string): () => void {
  const path = join(directory, 'lock');
  const mine = `${process.pid} ${startTimeOf(process.pid) ?? ''}\n`;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, mine, { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(temporary, path);
        break;
      } catch (thrown) {
        if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown;
      }
      const holder = readIfThere(path);
      const [pid = '', startTime = ''] = (holder ?? '').trim().split(' ');
      if (holder !== undefined && holder !== mine && isSameProcess(Number(pid), startTime)) {
        throw new ConfigError(`another node (PID ${pid}) uses the state directory ${stateDir}`, {
          remedy:
            'Stop it with `coda stop`, or give this node a state directory of its own (CODA_STATE_DIR).',
        });
      }
      // Left by a node that died. Of several that start now, one wins the rename, and one wins the link.
      try {
        renameSync(path, `${temporary}.stale`);
      } catch {
        continue;
      }
    }
  } finally {
    rmSync(temporary, { force: true });
    rmSync(`${temporary}.stale`, { force: true });
  }
  return () => {
    if (readIfThere(path) === mine) rmSync(path, { force: true });
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
