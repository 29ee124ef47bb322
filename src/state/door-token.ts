// The token of the node's door: whoever can read the node's own files may have it do something. Another one each start.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { doorTokenPath, nodeFolder } from './layout.ts';
import { readPrivateFile, writeFileAtomic } from './private-file.ts';

const BYTES = 32;
const MOST_BYTES = 256;

export function freshDoorToken(): string {
  return randomBytes(BYTES).toString('base64url');
}

/** Rejects with a ConfigError. */
export function writeDoorToken(stateDir: string, token: string): Promise<void> {
  return writeFileAtomic(doorTokenPath(nodeFolder(stateDir)), `${token}\n`);
}

/** Undefined if there is none: no node runs, or its plugin `door` is off. Throws a ConfigError if it is not safe, or not
 *  this user's. */
export function readDoorToken(stateDir: string): string | undefined {
  return readPrivateFile(doorTokenPath(nodeFolder(stateDir)), MOST_BYTES)?.trim();
}

export async function removeDoorToken(stateDir: string): Promise<void> {
  await rm(doorTokenPath(nodeFolder(stateDir)), { force: true });
}
