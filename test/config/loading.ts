// Loads configurations and config files, for the tests of this directory.
import assert from 'node:assert/strict';
import { createModuleLoader } from '../../src/compose.ts';
import { loadConfigFile, type ConfigFile } from '../../src/config/config-file.ts';
import type { Flags } from '../../src/config/environment.ts';
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/errors.ts';

export const modules = createModuleLoader();

/** May be in a config file, and in no message. */
export const SECRET = 'hunter2-secret';

export interface Given {
  readonly flags?: Flags;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly configPath?: string;
}

/** Loads with a state directory in `cwd`, unless the environment names another. */
export const load = ({ env = {}, ...given }: Given): Promise<LoadedConfig> =>
  loadConfig({ env: { CODA_STATE_DIR: 'state', ...env }, builtinPlugins: ['discovery'], modules, ...given });

export async function loadFile(cwd: string, configPath?: string): Promise<ConfigFile | undefined> {
  return (await loadConfigFile(modules, cwd, configPath)).file;
}

/** A key of the config. */
export function fieldOf(loaded: ConfigFile | undefined, key: string): unknown {
  return (loaded?.config as Record<string, unknown> | undefined)?.[key];
}

/** The message of the ConfigError with which it fails. */
export async function failure(loading: Promise<unknown>): Promise<string> {
  try {
    await loading;
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, String(thrown));
    assert.ok(!thrown.message.includes(SECRET), thrown.message);
    return thrown.message;
  }
  return assert.fail('it loads');
}
