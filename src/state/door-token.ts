// The token of the node's door: whoever can read the node's own files may have it do something. Another one each start.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { doorTokenPath, nodeFolder } from './layout.ts';
import { readPrivateFile, writeFileAtomic } from './private-file.ts';

const BYTES = 32;
const MOST_BYTES = 256;

/** Writes a fresh token, and returns it. Throws a ConfigError. */
export async function writeDoorToken(stateDir: string): Promise<string> {
  const token = randomBytes(BYTES).toString('base64url');
  await writeFileAtomic(doorTokenPath(nodeFolder(stateDir)), `${token}\n`);
  return token;
}

/** Undefined if there is none: no node runs, or its plugin `door` is off. Throws a ConfigError if it is not safe, or not
 *  this user's. */
export function readDoorToken(stateDir: string): string | undefined {
  return readPrivateFile(doorTokenPath(nodeFolder(stateDir)), MOST_BYTES)?.trim();
}

export async function removeDoorToken(stateDir: string): Promise<void> {
  await rm(doorTokenPath(nodeFolder(stateDir)), { force: true });
}
