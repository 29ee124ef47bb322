// Finds the node of a state directory: the daemon, or one that runs in a terminal. Nothing is believed without a look
// at the process itself: a PID file outlives its process, and the id may be another program's by now.
import { readLock } from '../../state/lock.ts';
import { commandLineOf, isSameProcess } from '../../state/process.ts';
import { pidPath, readOwnFile } from './files.ts';
import { readPresence, type Presence } from './presence.ts';

export interface FoundNode {
  readonly pid: number;
  readonly startTime: string;
  /** Whether it is a `coda start`, which these commands may signal; otherwise a program with a node inside. */
  readonly isCoda: boolean;
  readonly presence: Presence | undefined;
}

export interface Search {
  readonly node: FoundNode | undefined;
  /** Why the PID file does not count, where there is one and no node. */
  readonly stale: string | undefined;
}

/** The title that the commands give their process; it replaces the command line. */
const TITLE = 'coda-node';

export function findNode(stateDir: string): Search {
  const lock = readLock(stateDir);
  if (lock !== undefined && isSameProcess(lock.pid, lock.startTime)) {
    return { node: describe(stateDir, lock.pid, lock.startTime), stale: undefined };
  }
  const path = pidPath(stateDir);
  const text = readOwnFile(path);
  if (text === undefined) return { node: undefined, stale: undefined };
  const [first = '', startTime = ''] = text.split('\n').map((line) => line.trim());
  const pid = /^\d{1,10}$/.test(first) ? Number(first) : NaN;
  if (!(pid > 0)) return { node: undefined, stale: `${path} does not hold a process id` };
  if (!isSameProcess(pid, '')) return { node: undefined, stale: `${path} names PID ${pid}, which has ended` };
  // Without the lock, the file alone must be beyond doubt.
  if (!isSameProcess(pid, startTime) || !isTitled(pid)) {
    return {
      node: undefined,
      stale: `${path} names PID ${pid}, which is another program by now; it is left alone`,
    };
  }
  return { node: describe(stateDir, pid, startTime), stale: undefined };
}

/** Whether it still runs. */
export function isRunning(node: FoundNode): boolean {
  return isSameProcess(node.pid, node.startTime);
}

/** Signals the node, if it is still the process that was found. */
export function signalNode(node: FoundNode, signal: NodeJS.Signals): void {
  if (!isRunning(node) || !isTitled(node.pid)) return;
  try {
    process.kill(node.pid, signal);
  } catch (thrown) {
    const hasEnded = thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH';
    if (!hasEnded) throw thrown;
  }
}

function describe(stateDir: string, pid: number, startTime: string): FoundNode {
  return { pid, startTime, isCoda: isTitled(pid), presence: readPresence(stateDir, pid, startTime) };
}

function isTitled(pid: number): boolean {
  return commandLineOf(pid)[0] === TITLE;
}
