// Puts a node together from a loaded configuration and the default plugins: with the CLI, the only place that knows them.
import { builtinPlugins } from '../plugins/index.ts';
import { loadConfig, type LoadedConfig, type LoadInput } from './config/load.ts';
import type { Logger } from './log.ts';
import { Node } from './node.ts';
import type { Plugin } from './plugin.ts';

/** Loads the configuration as the CLI does: with the built-in plugins' names known. */
export function loadNodeConfig(input: Omit<LoadInput, 'builtinPlugins'>): Promise<LoadedConfig> {
  return loadConfig({ ...input, builtinPlugins: [...builtinPlugins.keys()] });
}

export interface ComposeOptions {
  readonly config: LoadedConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Applied after the configured ones. */
  readonly plugins?: readonly Plugin[];
}

/** The built-ins that are not switched off, then the plugins of the config file, then `plugins`. */
export function composeNode({ config, env, log, plugins = [] }: ComposeOptions): Node {
  const builtins = [...builtinPlugins]
    .filter(([name]) => !config.plugins.disabled.has(name))
    .map(([, create]) => create());
  return new Node({ config, plugins: [...builtins, ...config.plugins.extra, ...plugins], env, log });
}
