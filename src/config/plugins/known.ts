// The plugins whose options the types of a config know: the built-in ones, from the settings table, and packages that add
// themselves.
import type { SETTINGS, SettingName, Settings } from '../settings.ts';

type Table = typeof SETTINGS;

/** The options of each built-in plugin that has some: `{ intervalSec, path }` for `heartbeat`. */
type SettingOptions = {
  [Name in NameInTable]: {
    [K in SettingName as Table[K] extends { config: `${Name}.${infer Option}` } ? Option : never]?:
      Settings[K] | undefined;
  };
};

type NameInTable = {
  [K in SettingName]: Table[K] extends { config: `${infer Name}.${string}` } ? Name : never;
}[SettingName];

/** What an error names for an option of a plugin that takes none. */
export interface ThisPluginTakesNoOptions {
  readonly [none]: never;
}
declare const none: unique symbol;

type WithoutOptions =
  'cancellation' | 'discovery' | 'door' | 'metrics' | 'page' | 'pause' | 'simulator' | 'tracing';

/** The options of each built-in plugin. */
export type BuiltinOptions = SettingOptions & {
  [Name in WithoutOptions]: { readonly [option: string]: ThisPluginTakesNoOptions };
};

/** The names of the built-in plugins. */
export type BuiltinName = keyof BuiltinOptions;

/**
 * The options of the built-in plugins, and of those in packages by the names of the packages. A package adds itself, once:
 *
 *     declare module 'coda-node' {
 *       interface PluginOptions { 'coda-plugin-lab': typeof plugin }
 *     }
 *
 * where `plugin` is what definePlugin returned. For a class or a factory it names the type of the options instead.
 * A config sees it if it imports the package, or only its types: `import type {} from 'coda-plugin-lab'`.
 */
export interface PluginOptions extends BuiltinOptions {}
