// The settings as the operator's commands need them: without credentials, and without loading third-party plugins.
import { loadNodeConfig } from '../../compose.ts';
import type { LoadedConfig } from '../../config/load.ts';

/** Throws a ConfigError for a wrong setting. Does not read the state directory, so it works on a broken one. */
export function operatorConfig(configPath: string | undefined): Promise<LoadedConfig> {
  const { env } = process;
  return loadNodeConfig({ env, cwd: process.cwd(), configPath, readState: false, loadPlugins: false });
}
