// The settings as the operator's commands need them. They come from the environment, from the state directory, and of a
// config file only the state directory that it states: no code is loaded, and nothing that is wrong in a config file or
// in another variable takes these commands away from a running node.
import { resolve } from 'node:path';
import { loadNodeConfig } from '../../compose.ts';
import { checkNamedConfig } from '../../config/config-file.ts';
import { readEnvironment } from '../../config/environment.ts';
import { SETTINGS, type Settings } from '../../config/settings.ts';
import { statedDirectory } from '../../config/stated-directory.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { terminal } from '../terminal/output.ts';

/** The state directory of the node that the operator means. Throws a ConfigError if that cannot be told. */
export async function operatorStateDir(configPath: string | undefined): Promise<string> {
  if (configPath !== undefined) checkNamedConfig(resolve(configPath));
  const cwd = process.cwd();
  const named = (await readEnvironment(await usableEnvironment(), cwd)).layer.get('stateDir')?.value;
  if (typeof named === 'string') return named;
  const stated = await statedDirectory(cwd, configPath);
  if (stated !== 'unknown') return stated ?? SETTINGS.stateDir.default;
  throw new ConfigError(
    'the state directory is not there in plain text: the config file computes it, or there are several',
    {
      remedy:
        'This command runs no config file. Name the directory: CODA_STATE_DIR=<directory> coda … (coda config shows it).',
    },
  );
}

/** The settings of that node, as far as they are known without its config file. */
export async function operatorSettings(configPath: string | undefined): Promise<Settings> {
  const stateDir = await operatorStateDir(configPath);
  const env = await usableEnvironment(() => {});
  const load = async (readState: boolean): Promise<Settings> => {
    const how = { readState, readConfigFile: false, loadPlugins: false, flags: { stateDir } };
    return (await loadNodeConfig({ env, cwd: process.cwd(), ...how })).settings;
  };
  // Credentials that are broken, or another user's, say nothing.
  return load(true).catch(() => load(false));
}

/** The environment without variables that are wrong, of which only the one for the state directory matters here. */
async function usableEnvironment(
  warn = (text: string): void => terminal(process.stderr).error(`warning: ${text}; continuing without it`),
): Promise<NodeJS.ProcessEnv> {
  const usable: NodeJS.ProcessEnv = {};
  const cwd = process.cwd();
  const names = new Set(Object.keys(process.env).map((name) => name.toUpperCase()));
  for (const upper of names) {
    // With a token, what is saved would count for nothing.
    if (upper === SETTINGS.nodeToken.env) continue;
    const spellings = Object.entries(process.env).filter(([name]) => name.toUpperCase() === upper);
    const variables = Object.fromEntries(spellings);
    try {
      if (upper.startsWith('CODA_')) await readEnvironment(variables, cwd);
      Object.assign(usable, variables);
    } catch (thrown) {
      if (upper === SETTINGS.stateDir.env) throw thrown;
      warn(messageOf(thrown).split('\n')[0] ?? '');
    }
  }
  return usable;
}
