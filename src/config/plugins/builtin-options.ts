// The types of the options of the built-in plugins, derived from the settings table.
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

type WithoutOptions = 'cancellation' | 'discovery' | 'pause' | 'simulator';

/** The options of each built-in plugin. */
export type BuiltinOptions = SettingOptions & {
  [Name in WithoutOptions]: { readonly [option: string]: ThisPluginTakesNoOptions };
};

/** The names of the built-in plugins. */
export type BuiltinName = keyof BuiltinOptions;
