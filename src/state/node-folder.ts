// The state directory and, in it, the folder that belongs to one node alone: made for this user only, checked to be
// this user's, and locked while the node runs.
import { lstatSync, mkdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';
import { consumerName } from './consumer.ts';
import { nodeFolder } from './layout.ts';
import { takeLock, type LockWatch } from './lock.ts';
import { writeRemedy } from './private-file.ts';

export interface NodeFolder {
  readonly directory: string;
  /** The node's name in the consumer group: the same after a restart, different for every other node. */
  readonly consumer: string;
  release(): void;
}

/** Takes the state directory for this process. Throws a ConfigError if another node has it, or if it cannot be used. */
export async function openNodeFolder(stateDir: string, watch?: LockWatch): Promise<NodeFolder> {
  const directory = nodeFolder(stateDir);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    checkOwn(directory);
    const release = await takeLock(directory, stateDir, watch);
    return { directory, consumer: consumerName(directory), release };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`the state directory ${stateDir} cannot be used: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, stateDir),
    });
  }
}

/** Makes the state directory, for this user only, if it does not exist yet. */
export async function makeStateDir(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError(`the state directory ${stateDir} cannot be made: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, dirname(stateDir)),
    });
  }
}

/** The state directory may be a shared one such as /tmp, in which anybody can have made this folder first. */
function checkOwn(directory: string): void {
  const found = lstatSync(directory);
  const user = process.geteuid?.();
  if (user === undefined) return;
  const isOwn = found.isDirectory() && found.uid === user && (found.mode & 0o022) === 0;
  if (isOwn) return;
  throw new ConfigError(
    `${directory} must be a folder that belongs to this user and that only this user can write to`,
    {
      remedy: 'Look at what it is; then remove it, or correct its owner and its mode (0700).',
    },
  );
}
