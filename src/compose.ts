// Puts a node together from a loaded configuration and the built-in plugins: the only place that knows them, and the
// only one that knows all entry points of the package.
import { builtinPlugins } from '../plugins/index.ts';
import type { OnePlugin } from './config/define.ts';
import { loadConfig, type LoadedConfig, type LoadInput } from './config/load.ts';
import type { CheckReport } from './conformance/check.ts';
import { ModuleLoader } from './config/modules.ts';
import * as main from './index.ts';
import * as kit from './kit.ts';
import type { Logger } from './log.ts';
import { Node } from './node.ts';
import type { Plugin } from './plugin.ts';
import { trustedOwners } from './state/trust.ts';
import { runTestNode, type TestNode, type TestNodeOptions } from './testing/node.ts';
import {
  registerChecks,
  runChecks,
  type CheckExecutorOptions,
  type TestExecutorOptions,
} from './testing/test-executor.ts';
import type { PlayedPlugin, TestPluginOptions } from './testing/test-plugin.ts';

/** Loads the configuration as the CLI does: with the built-in plugins' names known. */
export function loadNodeConfig(input: Omit<LoadInput, 'builtinPlugins' | 'modules'>): Promise<LoadedConfig> {
  return loadConfig({ ...input, builtinPlugins: [...builtinPlugins.keys()], modules: createModuleLoader() });
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
  return new Node({
    config,
    plugins: [...builtins, ...config.plugins.extra, ...plugins],
    modules: createModuleLoader().trusting(trustedOwners(config.settings.trustedOwners, env)),
    env,
    log,
  });
}

/** Starts a node in this process, against a local cloud. Throws what its start throws. */
export function startTestNode(options: TestNodeOptions): Promise<TestNode> {
  return runTestNode({ loadNodeConfig, composeNode }, options);
}

/** Plays jobs through the hooks of a node that has `plugin`, in memory. Throws what its start throws. */
export async function testPlugin<P extends OnePlugin>(
  plugin: P,
  options: TestPluginOptions<P> = {},
): Promise<PlayedPlugin> {
  const { playPlugin } = await import('./testing/test-plugin.ts');
  const surroundings = { builtins: builtinPlugins, modules: createModuleLoader() };
  return playPlugin(surroundings, plugin, options as Parameters<typeof playPlugin>[2]);
}

/**
 * Registers a test for each check of an executor, with node:test or with the functions of another runner that are given.
 * `executor`: a factory, an executor, or what else `executor` in a configuration may be.
 */
export function testExecutor(executor: unknown, options: TestExecutorOptions = {}): void {
  registerChecks({ loadNodeConfig, composeNode }, executor, options);
}

/** Makes the same checks without a test runner, and resolves with what they have found. */
export function checkExecutor(executor: unknown, options: CheckExecutorOptions = {}): Promise<CheckReport> {
  return runChecks({ loadNodeConfig, composeNode }, executor, options);
}

/** A loader of users' modules, in which the package's entry points are those of this running package. */
export function createModuleLoader(): ModuleLoader {
  return new ModuleLoader({
    'coda-node': () => main,
    'coda-node/kit': () => kit,
    'coda-node/testing': async () => ({
      ...(await import('./testing/tools.ts')),
      startTestNode,
      testPlugin,
      testExecutor,
      checkExecutor,
    }),
  });
}
