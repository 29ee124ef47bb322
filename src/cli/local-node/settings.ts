// The settings as the operator's commands need them: without credentials and third-party plugins, and also if the config
// file is broken, since a running node must not lose its tools to a typing mistake.
import { loadNodeConfig } from '../../compose.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Settings } from '../../config/settings.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { withDeadline } from '../../net/timing.ts';
import { terminal } from '../terminal/output.ts';
import { isConfigFile, statedDirectory } from './stated-directory.ts';

/** A config file in code may wait for ever. */
const LOAD_WITHIN_MS = 5_000;

/** The state directory. If a variable names it, the config file is not read. */
export async function operatorStateDir(configPath: string | undefined): Promise<string> {
  const { sources, settings } = await load({ readConfigFile: false });
  if (sources.stateDir.source === 'environment') return settings.stateDir;
  return (await operatorSettings(configPath)).stateDir;
}

/**
 * The settings; a config file that cannot be used is left out with a warning. Throws a ConfigError for a wrong variable,
 * and if the file sets a state directory that it does not say in plain text. Does not read the state directory.
 */
export async function operatorSettings(configPath: string | undefined): Promise<Settings> {
  // Outside the `try`: a wrong variable is not the file's fault.
  const { sources, settings } = await load({ readConfigFile: false });
  try {
    const message = `the config file has not loaded within ${LOAD_WITHIN_MS / 1000} s`;
    return (await withDeadline(load({ configPath }), LOAD_WITHIN_MS, message)).settings;
  } catch (cause) {
    if (configPath !== undefined && !isConfigFile(configPath)) throw cause;
    const isNamed = sources.stateDir.source === 'environment';
    const stated = isNamed ? settings.stateDir : statedDirectory(process.cwd(), configPath);
    const [reason = ''] = messageOf(cause).split('\n');
    if (stated === 'unknown') {
      throw new ConfigError(`${reason}; and it sets the state directory in a way that cannot be read`, {
        cause,
        remedy: 'Correct the config file, or name the directory: CODA_STATE_DIR=<directory> coda …',
      });
    }
    const { settings: found } = await load({
      readConfigFile: false,
      flags: stated === undefined ? {} : { stateDir: stated },
    });
    terminal(process.stderr).error(
      `warning: ${reason}; going on without it, state directory ${found.stateDir}`,
    );
    return found;
  }
}

function load(how: Partial<Parameters<typeof loadNodeConfig>[0]>): Promise<LoadedConfig> {
  const { env } = process;
  return loadNodeConfig({ env, cwd: process.cwd(), readState: false, loadPlugins: false, ...how });
}
