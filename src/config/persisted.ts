// The persisted state: the credentials files of the state directory as settings (PROTOCOL §2).
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';
import {
  isBlank,
  readPrivateKey,
  readStoredSettings,
  unusableState,
  writeCredentials,
  type StoredSettings,
} from '../state/credentials.ts';
import { stateConfigPath } from '../state/layout.ts';
import { settingFromText, settingFromValue } from './coerce.ts';
import {
  SETTING_NAMES,
  settingOf,
  type SETTINGS,
  type SettingName,
  type Settings,
  type SettingValue,
} from './settings.ts';

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

/**
 * Reads the persisted state; undefined if `stateDir` holds none. Throws a ConfigError that names the file, and
 * the key in it, for unsafe files (link, owner, mode), broken JSON, wrong types and a missing key (PROTOCOL §2).
 */
export function readState(stateDir: string): PersistedState | undefined {
  const stored = readStoredSettings(stateDir);
  if (stored === undefined) return undefined;
  const { settings, problems } = readSettings(stored, stateConfigPath(stateDir));
  if (problems.length > 0) throw unusableState(problems.join('\n  '));
  return { ...settings, jwtPrivateKey: readPrivateKey(stateDir, stored) };
}

/** What the content of the file `path` means, and what is wrong with it. */
function readSettings(
  stored: StoredSettings,
  path: string,
): { settings: Omit<PersistedState, 'jwtPrivateKey'>; problems: readonly string[] } {
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
  return { settings: Object.fromEntries(settings) as unknown as PersistedState, problems };
}

/**
 * Saves the credentials of a connect in `stateDir`. Throws a ConfigError that says how to free space or get access.
 * What the next start could not read is not written: the error names it, and the files stay as they are.
 */
export async function writeState(stateDir: string, state: PersistedState): Promise<void> {
  const stored: Record<string, SettingValue> = {};
  for (const name of SETTING_NAMES) {
    const key = settingOf(name).persisted;
    const value = key === undefined ? undefined : state[name as PersistedName];
    if (key !== undefined && value !== undefined) stored[key] = value;
  }
  const written = JSON.parse(JSON.stringify(stored)) as StoredSettings;
  const { problems } = readSettings(written, stateConfigPath(stateDir));
  if (problems.length > 0) {
    throw new ConfigError(
      `the credentials are not saved, since no start could read them:\n  ${problems.join('\n  ')}`,
      {
        remedy:
          "Check the settings of the QPU in Coda, and this node's own (coda config); then get a new token.",
      },
    );
  }
  await writeCredentials(stateDir, stored, state.jwtPrivateKey);
}

function storedSetting(
  name: SettingName,
  stored: StoredSettings,
  path: string,
  problems: string[],
): SettingValue | undefined {
  const setting = settingOf(name);
  if (setting.persisted === undefined || !Object.hasOwn(stored, setting.persisted)) return undefined;
  const value = stored[setting.persisted];
  if (isBlank(value)) return undefined;
  try {
    const where = `${setting.persisted} in ${path}`;
    const origin = { where, baseDir: dirname(path) };
    // The original takes "5" for 5 and "true" for true.
    const isText = typeof value === 'string' && ['integer', 'number', 'boolean'].includes(setting.type);
    const checked = isText
      ? settingFromText(setting, value, origin)
      : settingFromValue(setting, value, origin);
    const isGone = name === 'nodeVpnProfilePath' && typeof checked === 'string' && namesOldPlace(checked);
    return isGone ? undefined : checked;
  } catch (thrown) {
    problems.push(messageOf(thrown));
    return undefined;
  }
}

/** A state directory that was moved still names its old place. */
function namesOldPlace(path: string): boolean {
  return !existsSync(dirname(path));
}
