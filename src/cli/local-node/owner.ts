// Whether the node's own folder belongs to the user who runs a command that changes what is in it.
import { statSync } from 'node:fs';
import { ConfigError, messageOf } from '../../errors.ts';
import { nodeFolder } from '../../state/layout.ts';

/** As another user we could not read the node's files, or the node could not read ours. Throws a ConfigError. */
export function checkOwner(stateDir: string, command: string): void {
  const folder = nodeFolder(stateDir);
  const owner = ownerOf(folder);
  const user = process.geteuid?.();
  if (owner === undefined || user === undefined || owner === user) return;
  throw new ConfigError(`${folder} belongs to user ${owner}, but this is user ${user}`, {
    remedy: `Run it as the node's user: sudo -u '#${owner}' coda ${command}`,
  });
}

function ownerOf(folder: string): number | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.uid;
  } catch (cause) {
    throw new ConfigError(`${folder} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: "Run it as the node's user, or name another directory with CODA_STATE_DIR.",
    });
  }
}
