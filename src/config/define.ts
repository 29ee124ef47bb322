// The types of coda.config.ts, and `defineConfig`, which gives them to the editor. The options of the built-in plugins
// are derived from the settings table.
import type { Executor, ExecutorFactory, ExecutorOptions } from '../device/executor.ts';
import type { PythonChoice } from '../device/python.ts';
import type { Plugin } from '../plugin.ts';
import type { SETTINGS, SettingName, Settings } from './settings.ts';

type Table = typeof SETTINGS;

/** Built-in plugins that have options: `heartbeat`, `vpn`, … */
export type BuiltinName = {
  [K in SettingName]: Table[K] extends { config: `${infer Name}.${string}` } ? Name : never;
}[SettingName];

/** The options of each built-in plugin: `{ intervalSec, path }` for `heartbeat`. */
export type BuiltinOptions = {
  [Name in BuiltinName]: {
    [K in SettingName as Table[K] extends { config: `${Name}.${infer Option}` } ? Option : never]?:
      Settings[K] | undefined;
  };
};

/** Where a third-party plugin is: a path from the folder of the config file, or a package. To give options to a package
 *  whose name has neither scope nor dash, import it and call it. */
export type PluginModule =
  `./${string}` | `../${string}` | `/${string}` | `@${string}/${string}` | `${string}-${string}`;

/** One entry of `plugins`. */
export type PluginEntry =
  // A plugin itself, as definePlugin returns it.
  | Plugin
  // The name of a built-in, a path or a package.
  | string
  // A built-in with its options, or switched on or off.
  | { [Name in BuiltinName]: readonly [Name, BuiltinOptions[Name]] }[BuiltinName]
  | readonly [name: string, enabled: boolean]
  // A module whose default export (or `plugin`) takes options.
  | readonly [module: PluginModule, options: Readonly<Record<string, unknown>>]
  // So that `condition && plugin` can be written.
  | false
  | null
  | undefined;

type TopLevelSettings = {
  [
    K in SettingName as Table[K] extends { config: string } | { inConfigFile: false }
      ? never
      : K extends 'executorFactory'
        ? never
        : K
  ]?: Settings[K] | undefined;
};

type OwnFactory = ExecutorFactory<Executor | Promise<Executor>>;

/** The content of a config file. */
export interface CodaConfig extends TopLevelSettings {
  /** Runs the circuits: a built-in's name, a package, `./my-executor.ts:createExecutor`,
   *  `my_qpu.executor_factory:create_executor` in Python, a factory, or an executor. A list of a factory and its options
   *  gives it these: `['my-package', { … }]`. */
  executor?:
    | string
    | PythonChoice
    | Executor
    | OwnFactory
    | readonly [factory: string | OwnFactory, options: ExecutorOptions]
    | undefined;
  /** Options of the built-in plugins, and plugins of your own. */
  plugins?: readonly PluginEntry[] | undefined;
}

/** A config, a promise of one, or a function without arguments that returns either. */
export type ConfigExport = CodaConfig | Promise<CodaConfig> | (() => CodaConfig | Promise<CodaConfig>);

/** Gives a config its type; returns it unchanged. */
export function defineConfig(config: ConfigExport): ConfigExport {
  return config;
}
