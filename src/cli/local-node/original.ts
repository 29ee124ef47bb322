// The running daemon of the Python original, which uses the same state directory and the same PID file (PROTOCOL §2).
import { ConfigError } from '../../errors.ts';
import { daemonPidPath } from '../../state/layout.ts';
import { commandLineOf, identifyProcess, readPidFile, type ProcessIdentity } from '../../state/process.ts';

/** The original of this state directory, if it runs as a daemon: in a terminal it leaves no trace to find it by. */
export function findOriginal(stateDir: string): ProcessIdentity | undefined {
  const { pid } = readPidFile(daemonPidPath(stateDir)) ?? { pid: NaN };
  const found = identifyProcess(pid);
  return found !== undefined && isOriginal(commandLineOf(pid)) ? found : undefined;
}

/** Whether a command line is that of Python with the original's package, such as `python -m uvicorn coda_node.server.app:app`. */
export function isOriginal(commandLine: string): boolean {
  const [program = '', ...args] = commandLine.split(' ');
  const isPython = /(?:^|\/)(?:python|pypy|uvicorn)[\d.]*$/.test(program);
  return isPython && args.some((word) => /^coda_node(?:$|[.:])|\/(?:coda|coda-node|coda_node)$/.test(word));
}

/** The error for a start beside it: both would take the same jobs and use the same device. */
export function besideOriginal(pid: number, stateDir: string): ConfigError {
  return new ConfigError(`the Python coda-node (PID ${pid}) runs with the state directory ${stateDir}`, {
    remedy: 'Stop it with `coda stop`, then start again: its credentials are used, and no token is needed.',
  });
}
