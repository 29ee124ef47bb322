// The types of coda.config.ts, and `defineConfig`, which gives them to the editor.
import type { Executor, ExecutorFactory, ExecutorOptions } from '../device/executor.ts';
import type { PythonChoice } from '../device/python.ts';
import type { GivenOptionsOf, Plugin, PluginTakingOptions } from '../plugin.ts';
import type {
  BuiltinName,
  BuiltinOptions,
  PluginOptions,
  ThisPluginTakesNoOptions,
} from './plugins/known.ts';
import type { SETTINGS, SettingName, Settings } from './settings.ts';

type Table = typeof SETTINGS;

/** Where a third-party plugin is: a path from the folder of the config file, or a package. A package whose name has neither
 *  scope nor dash is imported, and listed itself. */
export type PluginModule =
  `./${string}` | `../${string}` | `/${string}` | `@${string}/${string}` | `${string}-${string}`;

/** A class or a function, without its signature: that would give an `apply(node)` written in the list a second type, so that
 *  `node` had none. */
interface AnyMaker {
  readonly bind: object;
  readonly length: number;
}

/** A plugin, or what makes one. */
export type OnePlugin = Plugin | PluginTakingOptions | AnyMaker;

/** A plugin itself, as definePlugin returns it, or what makes one; with its options, or without. A third element of a list
 *  is the plugin's name in this node, so that it can be used twice. */
export type GivenPlugin = OnePlugin | readonly [plugin: OnePlugin, options: object | boolean, name?: string];

/** One entry of `plugins`. */
export type PluginEntry =
  | GivenPlugin
  // The name of a built-in, a path or a package.
  | string
  // A built-in with its options, or switched on or off.
  | { [Name in BuiltinName]: readonly [Name, BuiltinOptions[Name] | boolean] }[BuiltinName]
  // A module, whose default export or `plugin` is a plugin or makes one.
  | readonly [module: PluginModule, options: Readonly<Record<string, unknown>> | boolean, name?: string]
  // So that `condition && plugin` can be written.
  | false
  | null
  | undefined;

/** What defineConfig accepts in place of an entry `E`: the same, with the options that its plugin takes. A list whose type is
 *  already that of a config stays as it is. */
type Checked<E> = [PluginEntry] extends [E] ? E : CheckedOne<E>;

type CheckedOne<E> = E extends string
  ? string extends E
    ? E
    : NameLike<E>
  : E extends readonly [infer Which, ...unknown[]]
    ? EntryOf<Which>
    : E extends AnyMaker
      ? PluginMaker
      : Plugin | PluginTakingOptions | false | null | undefined;

/** `Name` itself if it may be a plugin's; if not, those that may be. */
type NameLike<Name extends string> = Name extends keyof PluginOptions | PluginModule
  ? Name
  : keyof PluginOptions | PluginModule;

type EntryOf<Which> = Which extends keyof PluginOptions
  ? readonly [plugin: Which, options: Registered<PluginOptions[Which]> | boolean, name?: string]
  : Which extends string
    ? readonly [plugin: NameLike<Which>, options: Readonly<Record<string, unknown>> | boolean, name?: string]
    : readonly [plugin: Which, options: OptionsFor<Which> | boolean, name?: string];

type Registered<P> = P extends PluginTakingOptions ? GivenOptionsOf<P> : P;

/** The options of a plugin, or of what makes one, as its users write them. */
export type OptionsFor<Which> = Which extends PluginTakingOptions
  ? GivenOptionsOf<Which>
  : Which extends PluginMaker<infer Options>
    ? Options
    : { readonly [option: string]: ThisPluginTakesNoOptions };

/** A class or a function that makes a plugin of its options. */
type PluginMaker<Options = never> =
  (new (options: Options) => Plugin) | ((options: Options) => Plugin | Promise<Plugin>);

/** What an entry is before anything is known of it. */
type AnyEntry = PluginEntry | readonly [unknown, ...unknown[]];

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

interface ConfigWith<Entries> extends TopLevelSettings {
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
  plugins?: Entries | undefined;
}

/** The content of a config file. */
export interface CodaConfig extends ConfigWith<readonly PluginEntry[]> {}

/** A config, a promise of one, or a function without arguments that returns either. */
export type ConfigExport<C = CodaConfig> = C | Promise<C> | (() => C | Promise<C>);

/** Gives a config its type, and the options of each plugin theirs; returns it unchanged. */
export function defineConfig<const E extends readonly AnyEntry[]>(
  config: ConfigExport<ConfigWith<{ readonly [I in keyof E]: Checked<E[I]> }>>,
): ConfigExport {
  return config as ConfigExport;
}
