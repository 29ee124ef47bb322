// Where the history is that a command reads, and what to say if it cannot.
import { existsSync } from 'node:fs';
import { ConfigError, messageOf } from '../../errors.ts';
import { historyDirectory, nodeFolder } from '../../state/layout.ts';
import { devNodeHint } from '../dev/rendezvous.ts';
import { checkOwner } from '../local-node/owner.ts';
import { CommandError } from '../terminal/failure.ts';

/** The folder of the history. Throws if there is none, or if it is another user's. */
export function historyOf(stateDir: string, command: string): string {
  checkOwner(stateDir, command);
  const folder = historyDirectory(nodeFolder(stateDir));
  if (existsSync(folder)) return folder;
  throw new CommandError(`there is no history of jobs in ${folder}`, {
    remedy:
      devNodeHint(stateDir) ??
      'A node that runs keeps one, unless historyMaxMb is 0. The state directory is set by CODA_STATE_DIR.',
  });
}

/** What `read` reads in that folder. */
export async function readHistory<T>(folder: string, read: (folder: string) => Promise<T>): Promise<T> {
  try {
    return await read(folder);
  } catch (cause) {
    throw new ConfigError(`the history of jobs in ${folder} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: "Run the command as the node's user.",
    });
  }
}
