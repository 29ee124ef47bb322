// Finds the node of a state directory: the daemon, or one that runs in a terminal. The lock and the PID file are only
// hints: the process that they name is checked, since it may have ended, and its id may be another program's by now.
import { existsSync } from 'node:fs';
import { daemonPidPath, logPath, nodeFolder, presencePath } from '../../state/layout.ts';
import { lockHolder, type LockHolder } from '../../state/lock.ts';
import { commandLineOf, identifyProcess, isProcessRunning, readPidFile } from '../../state/process.ts';
import { CommandError } from '../terminal/failure.ts';
import { findHiddenNode, type HiddenNode } from './hidden.ts';
import { findOriginal, isOriginal } from './original.ts';
import { readPresence, type Presence } from './presence.ts';
import { checkWay, trustedOwners } from '../../state/trust.ts';
import { usesFiles } from '../../state/open-files.ts';

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
  /** A node of another user, of which this user may see no more. */
  readonly hidden?: HiddenNode | undefined;
}

/** The title that the commands give their process; it replaces the command line. */
const TITLE = 'coda-node';

export async function findNode(stateDir: string): Promise<Search> {
  checkWay(stateDir, `the state directory ${stateDir}`, trustedOwners());
  const holder = await lockHolder(nodeFolder(stateDir));
  if (holder !== undefined) return { node: describe(stateDir, holder), stale: undefined };
  const original = findOriginal(stateDir);
  if (original !== undefined) {
    const node = { ...original, elsewhere: undefined, isCoda: true, isOriginal: true, presence: undefined };
    return { node, stale: undefined };
  }
  const path = daemonPidPath(stateDir);
  const noted = readPidFile(path);
  if (noted === undefined) {
    return { node: undefined, stale: undefined, hidden: findHiddenNode(stateDir, isNode) };
  }
  const { pid } = noted;
  if (!(pid > 0))
    return { node: undefined, stale: `${path} holds no process id, or that of another user's process` };
  const found = identifyProcess(pid);
  if (found === undefined) return { node: undefined, stale: `${path} names PID ${pid}, which has ended` };
  // Without the lock, the PID file alone decides: the process must be a node without any doubt.
  const node = describe(stateDir, { ...found, elsewhere: undefined });
  const isOther = node.presence === undefined && existsSync(presencePath(nodeFolder(stateDir)));
  const uses = usesFiles(pid, nodeFolder(stateDir), [logPath(stateDir)]);
  if (!isProcessRunning(noted) || !isTitled(pid) || isOther || uses === 'no') {
    return {
      node: undefined,
      stale: `${path} names PID ${pid}, which is another program by now; it is left alone`,
    };
  }
  return { node, stale: undefined };
}

/** The same for a command that only the user of the node can give. Throws a CommandError if that is another one. */
export async function findOwnNode(stateDir: string, command: string): Promise<Search> {
  const search = await findNode(stateDir);
  const { hidden } = search;
  if (hidden === undefined) return search;
  throw new CommandError(`the node is that of user ${hidden.user}`, {
    remedy: `sudo -u ${hidden.user} coda ${command}`,
  });
}

function describe(stateDir: string, holder: LockHolder): FoundNode {
  const presence = readPresence(stateDir, holder);
  if (holder.elsewhere === undefined)
    return { ...holder, isCoda: isTitled(holder.pid), isOriginal: false, presence };
  return { ...holder, isCoda: true, isOriginal: false, presence: presence && { ...presence, address: null } };
}

function isTitled(pid: number): boolean {
  return hasTitle(commandLineOf(pid));
}

function hasTitle(commandLine: string): boolean {
  return commandLine.split(' ')[0] === TITLE;
}

function isNode(commandLine: string): boolean {
  return hasTitle(commandLine) || isOriginal(commandLine);
}
