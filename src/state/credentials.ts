// The persisted state (PROTOCOL §2): what the last connect taught the node, and its private key.
// Both files are as the Python original wrote them, so that a node can be moved over as it stands.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { isRecord, kindOf } from '../protocol/text.ts';
import { settingFromValue } from '../config/coerce.ts';
import { isLeftover, readPrivateFile, shellQuoted, writeFileAtomic, writeRemedy } from './private-file.ts';
import {
  SETTING_NAMES,
  settingOf,
  type SETTINGS,
  type SettingName,
  type Settings,
  type SettingValue,
} from '../config/settings.ts';

/** The settings that are kept in `coda.config`. */
export type PersistedName = {
  [K in SettingName]: (typeof SETTINGS)[K] extends { persisted: string } ? K : never;
}[SettingName];

type PersistedSettings = { readonly [K in PersistedName]?: Settings[K] };

/** Credentials of a finished provisioning; what an older version did not keep is absent. */
export interface PersistedState extends PersistedSettings {
  readonly qpuId: string;
  readonly jwtKeyId: string;
  /** PEM. */
  readonly jwtPrivateKey: string;
}

const CONFIG_FILE = 'coda.config';
const KEY_FILE = 'coda-private-key';
const KEY_PATH = 'jwt_private_key_path';

/** Where the settings of the state directory lie. */
export function stateConfigPath(stateDir: string): string {
  return join(stateDir, CONFIG_FILE);
}

/** Where the private key of the state directory lies. */
export function stateKeyPath(stateDir: string): string {
  return join(stateDir, KEY_FILE);
}

/**
 * Reads the persisted state; undefined if `stateDir` holds none. Throws a ConfigError that names the file, and
 * the key in it, for unsafe files (link, owner, mode), broken JSON, wrong types and a missing key (PROTOCOL §2).
 */
export function readState(stateDir: string): PersistedState | undefined {
  const path = stateConfigPath(stateDir);
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  const stored = parseStored(text, path);
  const problems: string[] = [];
  const settings = new Map<SettingName, SettingValue>();
  for (const name of SETTING_NAMES) {
    const value = storedSetting(name, stored, path, problems);
    if (value !== undefined) settings.set(name, value);
  }
  for (const name of ['qpuId', 'jwtKeyId'] as const) {
    const key = settingOf(name).persisted;
    if (!settings.has(name) && isBlank(stored[String(key)])) problems.push(`${key} in ${path} is missing`);
  }
  if (problems.length > 0) throw unusable(problems.join('\n  '));
  const jwtPrivateKey = readKey(stateDir, stored);
  return { ...(Object.fromEntries(settings) as unknown as PersistedState), jwtPrivateKey };
}

/**
 * Persists the credentials of a connect in `stateDir`, which is made (0700) if need be: the key first, so that
 * the settings never name a key that is not there. Throws a ConfigError that says how to make room or get access.
 */
export async function writeState(stateDir: string, state: PersistedState): Promise<void> {
  await makeStateDir(stateDir);
  const keyPath = resolve(stateKeyPath(stateDir));
  const stored: Record<string, SettingValue> = { [KEY_PATH]: keyPath };
  for (const name of SETTING_NAMES) {
    const key = settingOf(name).persisted;
    const value = key === undefined ? undefined : state[name as PersistedName];
    if (key !== undefined && value !== undefined) stored[key] = value;
  }
  await writeFileAtomic(keyPath, state.jwtPrivateKey);
  await writeFileAtomic(stateConfigPath(stateDir), `${JSON.stringify(stored, null, 2)}\n`);
}

/** Removes the persisted state, also an unsafe or broken one; returns the paths that were there. */
export async function removeState(stateDir: string): Promise<string[]> {
  const names = await readdir(stateDir).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return [];
    throw cannotRemove(stateDir, cause);
  });
  // The settings go first: without them, a key that is left over is never used.
  const doomed = [CONFIG_FILE, KEY_FILE].flatMap((file) =>
    names.filter((name) => name === file || isLeftover(name, file)),
  );
  for (const name of doomed) {
    await rm(join(stateDir, name)).catch((cause: unknown) => {
      throw cannotRemove(join(stateDir, name), cause);
    });
  }
  return doomed.map((name) => join(stateDir, name));
}

/** Makes the state directory, for this user only, if it is not there yet. */
export async function makeStateDir(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError(`the state directory ${stateDir} cannot be made: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, dirname(stateDir)),
    });
  }
}

function parseStored(text: string, path: string): Readonly<Record<string, unknown>> {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which holds the password of Redis.
    throw unusable(`${path} is not valid JSON`);
  }
  if (!isRecord(stored)) throw unusable(`${path} must hold a JSON object, but holds ${kindOf(stored)}`);
  return stored;
}

function storedSetting(
  name: SettingName,
  stored: Readonly<Record<string, unknown>>,
  path: string,
  problems: string[],
): SettingValue | undefined {
  const setting = settingOf(name);
  if (setting.persisted === undefined || !Object.hasOwn(stored, setting.persisted)) return undefined;
  const value = stored[setting.persisted];
  // The original writes null or an empty string for what it does not know.
  if (isBlank(value)) return undefined;
  try {
    const where = `${setting.persisted} in ${path}`;
    const checked = settingFromValue(setting, value, { where, baseDir: dirname(path) });
    return name === 'nodeVpnProfilePath' && typeof checked === 'string' && isGone(checked)
      ? undefined
      : checked;
  } catch (thrown) {
    problems.push(messageOf(thrown));
    return undefined;
  }
}

/** A state directory that was moved still names its old place. */
function isGone(path: string): boolean {
  return !existsSync(dirname(path));
}

function readKey(stateDir: string, stored: Readonly<Record<string, unknown>>): string {
  const own = stateKeyPath(stateDir);
  const named = stored[KEY_PATH];
  if (!isBlank(named) && (typeof named !== 'string' || named.includes('\0'))) {
    throw unusable(`${KEY_PATH} in ${stateConfigPath(stateDir)} must be a path, but is ${kindOf(named)}`);
  }
  const path = typeof named === 'string' && named !== '' ? resolve(stateDir, named) : own;
  const key = readPrivateFile(path) ?? readPrivateFile(own);
  if (key === undefined) throw unusable(`the private key ${path} of ${stateConfigPath(stateDir)} is missing`);
  if (key.trim() === '') throw unusable(`the private key ${basename(path)} in ${dirname(path)} is empty`);
  return key;
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function unusable(message: string): ConfigError {
  return new ConfigError(message, {
    remedy:
      'Restore it from a copy; or remove it with `coda reset`, then start with a new token (`coda start --token …`).',
  });
}

function cannotRemove(path: string, cause: unknown): ConfigError {
  return new ConfigError(`${path} cannot be removed: ${messageOf(cause)}`, {
    cause,
    remedy: `Remove it as the user that owns it: rm -f ${shellQuoted(path)}`,
  });
}
