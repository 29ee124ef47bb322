// Finds the node of a state directory: the daemon, or one that runs in a terminal. The lock and the PID file are only
// hints: the process that they name is checked, since it may have ended, and its id may be another program's by now.
import { existsSync } from 'node:fs';
import { daemonPidPath, nodeFolder, presencePath } from '../../state/layout.ts';
import { lockHolder, type LockHolder } from '../../state/lock.ts';
import { commandLineOf, identifyProcess, isProcessRunning, readPidFile } from '../../state/process.ts';
import { findOriginal } from './original.ts';
import { readPresence, type Presence } from './presence.ts';

export interface FoundNode extends LockHolder {
  /** Whether it is a `coda start`, which these commands may signal; otherwise a program with a node inside. */
  readonly isCoda: boolean;
  /** Whether it is a daemon of the Python original, which knows signals, and nothing else of these commands. */
  readonly isOriginal: boolean;
  /** Without an address if the node runs elsewhere: the same address may be another program's here. */
  readonly presence: Presence | undefined;
}

export interface Search {
  readonly node: FoundNode | undefined;
  /** Why the PID file is ignored, if there is one and no node. */
  readonly stale: string | undefined;
}

/** The title that the commands give their process; it replaces the command line. */
const TITLE = 'coda-node';

export async function findNode(stateDir: string): Promise<Search> {
  const holder = await lockHolder(nodeFolder(stateDir));
  if (holder !== undefined) return { node: describe(stateDir, holder), stale: undefined };
  const original = findOriginal(stateDir);
  if (original !== undefined) {
    const node = { ...original, elsewhere: undefined, isCoda: true, isOriginal: true, presence: undefined };
    return { node, stale: undefined };
  }
  const path = daemonPidPath(stateDir);
  const noted = readPidFile(path);
  if (noted === undefined) return { node: undefined, stale: undefined };
  const { pid } = noted;
  if (!(pid > 0)) return { node: undefined, stale: `${path} does not hold a process id` };
  const found = identifyProcess(pid);
  if (found === undefined) return { node: undefined, stale: `${path} names PID ${pid}, which has ended` };
  // Without the lock, the PID file alone decides: the process must be a node without any doubt.
  const node = describe(stateDir, { ...found, elsewhere: undefined });
  const isOther = node.presence === undefined && existsSync(presencePath(nodeFolder(stateDir)));
  if (!isProcessRunning(noted) || !isTitled(pid) || isOther) {
    return {
      node: undefined,
      stale: `${path} names PID ${pid}, which is another program by now; it is left alone`,
    };
  }
  return { node, stale: undefined };
}

function describe(stateDir: string, holder: LockHolder): FoundNode {
  const presence = readPresence(stateDir, holder);
  const isOriginal = false;
  if (holder.elsewhere === undefined)
    return { ...holder, isCoda: isTitled(holder.pid), isOriginal, presence };
  return { ...holder, isCoda: true, isOriginal, presence: presence && { ...presence, address: null } };
}

function isTitled(pid: number): boolean {
  return commandLineOf(pid).split(' ')[0] === TITLE;
}
