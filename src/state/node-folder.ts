// The state directory and, in it, the folder that belongs to one node alone: made for this user only, checked to be
// this user's, and locked while the node runs.
import { lstatSync, mkdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';
import { consumerName } from './consumer.ts';
import { nodeFolder } from './layout.ts';
import { takeLock, type LockWatch } from './lock.ts';
import { shellQuoted, STRANGERS_REMEDY, writeRemedy } from './private-file.ts';
import { checkStateFiles } from './state-files.ts';
import { checkTrustedDirectory, trustedOwners, type Owners } from './trust.ts';
import { nameOfUser } from './users.ts';

export interface NodeFolder {
  readonly directory: string;
  /** The node's name in the consumer group: the same after a restart, different for every other node. */
  readonly consumer: string;
  release(): void;
}

export interface OpenFolder extends LockWatch {
  /** Whose state directories are used. Default: this user's, root's, and that of whoever called sudo. */
  readonly owners?: Owners;
}

/**
 * Takes the state directory for this process. Throws a ConfigError if another node has it, or if it cannot be used: also
 * if it, or something in it, is another user's.
 */
export async function openNodeFolder(
  stateDir: string,
  { owners = trustedOwners(), ...watch }: OpenFolder = {},
): Promise<NodeFolder> {
  const directory = makeNodeFolder(stateDir, owners);
  checkStateFiles(stateDir);
  try {
    const release = await takeLock(directory, stateDir, watch);
    return { directory, consumer: consumerName(directory), release };
  } catch (cause) {
    throw unusable(cause, stateDir);
  }
}

/** Makes the node's own folder if need be, and returns it. Throws a ConfigError if somebody else may change what is in it. */
export function makeNodeFolder(stateDir: string, owners: Owners): string {
  const directory = nodeFolder(stateDir);
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    checkTrustedDirectory(stateDir, owners);
    if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) mkdirSync(directory, { mode: 0o700 });
    checkOwn(directory);
    return directory;
  } catch (cause) {
    throw unusable(cause, stateDir);
  }
}

function unusable(cause: unknown, stateDir: string): ConfigError {
  if (cause instanceof ConfigError) return cause;
  return new ConfigError(`the state directory ${stateDir} cannot be used: ${messageOf(cause)}`, {
    cause,
    remedy: writeRemedy(cause, stateDir),
  });
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
  if (found.uid !== user) {
    throw new ConfigError(
      `${directory} belongs to user ${nameOfUser(found.uid)}; it must belong to this user, and only this user may write to it`,
      { remedy: STRANGERS_REMEDY },
    );
  }
  if (!found.isDirectory()) {
    throw new ConfigError(`${directory} must be a folder, and no link`, {
      remedy: 'Look at what it is, then move it away, or name another directory with CODA_STATE_DIR.',
    });
  }
  if ((found.mode & 0o022) === 0) return;
  throw new ConfigError(`others may write to ${directory}; only this user may`, {
    remedy: `See that nobody has changed what is in it, then run: chmod go-w ${shellQuoted(directory)}`,
  });
}
