// A node of another user, whose state directory this user may not read.
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { errorCode } from '../../errors.ts';
import { nodeFolder } from '../../state/layout.ts';
import { isOriginal } from './original.ts';
import { findProcesses } from '../../state/process.ts';
import { nameOfUser } from '../../state/users.ts';

export interface HiddenNode {
  /** The user that the state directory belongs to: the name and the number. */
  readonly user: string;
  readonly id: number;
  /** Processes of that user that look like nodes. Which of them uses the directory cannot be seen. */
  readonly pids: readonly number[];
}

/** Undefined if this user may read the state directory, or if no node of its owner is seen. */
export function findHiddenNode(
  stateDir: string,
  isNode: (commandLine: string) => boolean,
): HiddenNode | undefined {
  const owner = ownerOfHidden(stateDir);
  if (owner === undefined || owner === process.geteuid?.()) return undefined;
  // Any command of that user looks like a node; the socket of the lock is a node's alone.
  const isSeen = hasSocket(stateDir);
  const pids = findProcesses(owner, (line) => isNode(line) && (isSeen || isOriginal(line))).map(
    ({ pid }) => pid,
  );
  return pids.length === 0 ? undefined : { user: nameOfUser(owner), id: owner, pids };
}

/** Linux shows the names of all sockets, also in folders that this user may not read. */
function hasSocket(stateDir: string): boolean {
  try {
    return readFileSync('/proc/net/unix', 'utf8').includes(` ${nodeFolder(realpathSync(stateDir))}/lock.`);
  } catch {
    return false;
  }
}

function ownerOfHidden(stateDir: string): number | undefined {
  for (const directory of [nodeFolder(stateDir), stateDir]) {
    try {
      accessSync(directory, constants.R_OK | constants.X_OK);
      return undefined;
    } catch (thrown) {
      if (errorCode(thrown) !== 'EACCES') return undefined;
    }
    try {
      return statSync(directory).uid;
    } catch {
      // The directory above it hides it.
    }
  }
  return undefined;
}
