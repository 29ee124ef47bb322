// The two files that hold a node's credentials (PROTOCOL §2): what the last connect taught it, and its private key.
// Both are as the Python original wrote them. What the settings in them mean is the configuration's business.
import { basename, dirname, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { isRecord, kindOf } from '../protocol/text.ts';
import { stateConfigPath, stateKeyPath } from './layout.ts';
import { makeStateDir } from './node-folder.ts';
import { readPrivateFile, targetOfOwnLink, writeFileAtomic } from './private-file.ts';

const KEY_PATH = 'jwt_private_key_path';
/** Keys of `coda.config` that name other files. */
export const NAMED_FILES = [KEY_PATH, 'node_vpn_profile_path'] as const;

export type StoredSettings = Readonly<Record<string, unknown>>;

/**
 * Reads `coda.config` as it is; undefined if there is none. Throws a ConfigError that names the file if it is not safe
 * (owner, mode, another user's link) or not a JSON object.
 */
export function readStoredSettings(stateDir: string): StoredSettings | undefined {
  const path = stateConfigPath(stateDir);
  const text = readPrivateFile(targetOfOwnLink(path));
  if (text === undefined) return undefined;
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which holds the password of Redis.
    throw unusableState(`${path} is not valid JSON`);
  }
  if (!isRecord(stored)) throw unusableState(`${path} must hold a JSON object, but holds ${kindOf(stored)}`);
  return stored;
}

/** Reads the private key (PEM) that belongs to `stored`. Throws a ConfigError if it is missing, empty or not safe. */
export function readPrivateKey(stateDir: string, stored: StoredSettings): string {
  const own = stateKeyPath(stateDir);
  const named = stored[KEY_PATH];
  if (!isBlank(named) && (typeof named !== 'string' || named.includes('\0'))) {
    throw unusableState(
      `${KEY_PATH} in ${stateConfigPath(stateDir)} must be a path, but is ${kindOf(named)}`,
    );
  }
  const path = typeof named === 'string' && named !== '' ? resolve(stateDir, named) : own;
  // A state directory that was moved still names its old place.
  const key = readPrivateFile(targetOfOwnLink(path)) ?? readPrivateFile(targetOfOwnLink(own));
  if (key === undefined) {
    throw unusableState(`the private key ${path} of ${stateConfigPath(stateDir)} is missing`);
  }
  if (key.trim() === '')
    throw unusableState(`the private key ${basename(path)} in ${dirname(path)} is empty`);
  return key;
}

/**
 * Writes both files, and makes `stateDir` (0700) if need be. The key comes first, so that the settings never name a key
 * that does not exist. Throws a ConfigError that says how to free space or get access.
 */
export async function writeCredentials(
  stateDir: string,
  settings: StoredSettings,
  key: string,
): Promise<void> {
  await makeStateDir(stateDir);
  const keyPath = resolve(stateKeyPath(stateDir));
  await writeFileAtomic(keyPath, key);
  const stored = { [KEY_PATH]: keyPath, ...settings };
  await writeFileAtomic(stateConfigPath(stateDir), `${JSON.stringify(stored, null, 2)}\n`);
}

/** The original writes null or an empty string for what it does not know. */
export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** The error for credentials that cannot be used, with the ways out. */
export function unusableState(message: string): ConfigError {
  return new ConfigError(message, {
    remedy:
      'Correct it, or restore it from a copy: its credentials stay valid. Only if you can do neither, remove it with ' +
      '`coda reset`, then start with a new token (`coda start --token -`).',
  });
}
