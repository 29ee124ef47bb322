// A node's signs of life for those who cannot look up its process: a socket in its folder, and the age of its lock.
// The kernel closes the socket when the process ends, however it ends, and any container on the machine that sees the
// folder can ask it. Between machines that share a folder, only the lock's time shows it: its node renews it.
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../errors.ts';

export const RENEW_EVERY_MS = 1_000;
/** A lock that nobody renews for this long is a dead node's. */
export const LEASE_MS = 15_000;
const LOOK_EVERY_MS = 250;
/** The system's limit for a socket's path is 104 to 108 bytes. */
const LONGEST_PATH = 100;

/** Opens the socket `name` in `folder` and returns what closes it; undefined if the file system has no sockets. */
export async function openSocket(folder: string, name: string): Promise<(() => void) | undefined> {
  const way = wayTo(folder, name);
  if (way === undefined) return undefined;
  const server = createServer((connection) => connection.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(way.path, resolve);
    });
  } catch {
    return undefined;
  } finally {
    way.close();
  }
  // The node lives as long as it has work; a connection that cannot be accepted has been answered all the same.
  server.unref();
  server.on('error', () => {});
  return () => {
    server.close();
    rmSync(join(folder, name), { force: true });
  };
}

/** Whether a process has the socket open. `unknown` if the socket is gone, or on a file system without sockets. */
export async function askSocket(folder: string, name: string): Promise<'open' | 'closed' | 'unknown'> {
  const way = wayTo(folder, name);
  if (way === undefined) return 'unknown';
  try {
    return await new Promise((resolve) => {
      const connection = connect(way.path);
      connection.on('connect', () => {
        connection.destroy();
        resolve('open');
      });
      connection.on('error', (error) => {
        const code = errorCode(error);
        // EAGAIN: somebody listens, and too many ask.
        resolve(code === 'ECONNREFUSED' ? 'closed' : code === 'EAGAIN' ? 'open' : 'unknown');
      });
    });
  } finally {
    way.close();
  }
}

/**
 * Watches the file `path` until it changes, which shows that its node lives: within about a second. False if nothing
 * changes for `LEASE_MS`. Its time is not compared with this machine's clock, which may differ.
 */
export async function isRenewed(path: string): Promise<boolean> {
  const first = versionOf(path);
  for (const giveUpAt = performance.now() + LEASE_MS; performance.now() < giveUpAt;) {
    await sleep(LOOK_EVERY_MS);
    if (versionOf(path) !== first) return true;
  }
  return false;
}

/** Opens the file each time: only then does a network file system ask its server. */
function versionOf(path: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY);
    return `${fstatSync(descriptor).mtimeMs} ${readFileSync(descriptor, 'utf8')}`;
  } catch (thrown) {
    return String(errorCode(thrown));
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A path to `name` in `folder` that is short enough for a socket; undefined if there is none. */
function wayTo(folder: string, name: string): { readonly path: string; close(): void } | undefined {
  if (process.platform === 'win32') return undefined;
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return { path, close: () => {} };
  if (process.platform !== 'linux') return undefined;
  try {
    const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${descriptor}/${name}`, close: () => closeSync(descriptor) };
  } catch {
    return undefined;
  }
}
