// The settings as the operator's commands need them: without credentials, and without running anybody's plugins.
import { loadNodeConfig } from '../../compose.ts';
import type { LoadedConfig } from '../../config/load.ts';

/** Throws a ConfigError for a wrong setting; what lies in the state directory is not looked at. */
export function operatorConfig(configPath: string | undefined): Promise<LoadedConfig> {
  const { env } = process;
  return loadNodeConfig({ env, cwd: process.cwd(), configPath, readState: false, loadPlugins: false });
}
