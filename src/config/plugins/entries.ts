// Sorts the `plugins` list of a config file, and loads nothing: built-ins with options or switched off, and plugins of third
// parties. Each error names the entry by its position in the list.
import { ConfigError } from '../../errors.ts';
import { isRecord, kindOf, shown } from '../../protocol/text.ts';
import { SETTING_NAMES, settingOf } from '../settings.ts';
import { isPlugin } from './forms.ts';
import { whereOf, type Place } from './place.ts';

interface Placed {
  readonly place: Place;
  readonly enabled: boolean;
}
export interface BuiltinEntry extends Placed {
  readonly kind: 'builtin';
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}
export interface ForeignEntry extends Placed {
  readonly kind: 'foreign';
  /** A path or a package, or a plugin itself, or what makes one. */
  readonly plugin: unknown;
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** The plugin's name in this node, if it is not to be its own. */
  readonly name: string | undefined;
}
export type Entry = BuiltinEntry | ForeignEntry;

const EXAMPLE = "Write: plugins: [['heartbeat', { intervalSec: 10 }], ['vpn', false], './my-plugin.ts']";

/** The names that mean a built-in plugin: those given, and those that have settings. */
export function builtinNames(given: readonly string[]): readonly string[] {
  const fromTable = SETTING_NAMES.flatMap((name) => settingOf(name).config?.split('.')[0] ?? []);
  return [...new Set([...given, ...fromTable])];
}

/** Sorts the entries of `plugins`. Throws a ConfigError for a malformed entry. */
export function readEntries(value: unknown, file: string, builtins: readonly string[]): Entry[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    throw new ConfigError(`plugins in ${file} must be a list, but is ${kindOf(value)}`, { remedy: EXAMPLE });
  }
  const entries = value.flatMap((item: unknown, index) => {
    if (item === undefined || item === null || item === false) return [];
    return [readEntry(item, { position: `plugins[${index}]`, file }, builtins)];
  });
  refuseDoubles(
    entries.flatMap((entry) => (entry.kind === 'builtin' ? [{ name: entry.name, place: entry.place }] : [])),
    'Remove one of the two.',
  );
  return entries;
}

/** Throws a ConfigError that names both places of a name that is there twice. */
export function refuseDoubles(
  named: readonly { readonly name: string; readonly place: Place }[],
  remedy: string,
): void {
  const seen = new Map<string, Place>();
  for (const { name, place } of named) {
    const first = seen.get(name);
    if (first !== undefined) {
      throw new ConfigError(`the plugin "${name}" is listed twice: ${whereOf(first)} and ${whereOf(place)}`, {
        remedy,
      });
    }
    seen.set(name, place);
  }
}

function readEntry(item: unknown, place: Place, builtins: readonly string[]): Entry {
  if (!Array.isArray(item)) return readParts(item, undefined, undefined, place, builtins);
  const [plugin, options, name, ...rest]: unknown[] = item;
  if (item.length > 0 && rest.length === 0) return readParts(plugin, options, name, place, builtins);
  throw new ConfigError(
    `${whereOf(place)} is a list, but neither [plugin, options] nor [plugin, options, name]`,
    { remedy: EXAMPLE },
  );
}

function readParts(
  plugin: unknown,
  given: unknown,
  name: unknown,
  place: Place,
  builtins: readonly string[],
): Entry {
  const where = whereOf(place);
  if (plugin === '') throw new ConfigError(`${where} is an empty name`, { remedy: EXAMPLE });
  if (typeof plugin !== 'string' && typeof plugin !== 'function' && !isPlugin(plugin)) {
    const got = isRecord(plugin) ? 'an object without name and apply' : kindOf(plugin);
    throw new ConfigError(`${where} is ${got}, which is no plugin`, { remedy: EXAMPLE });
  }
  if (given !== undefined && typeof given !== 'boolean' && !isRecord(given)) {
    throw new ConfigError(
      `the options of ${where} must be an object, true or false, but are ${kindOf(given)}`,
    );
  }
  const options = isRecord(given) ? given : undefined;
  const enabled = given !== false;
  const isBuiltin = typeof plugin === 'string' && builtins.includes(plugin);
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '' || isBuiltin)) {
    throw new ConfigError(
      isBuiltin
        ? `${where} gives the built-in plugin "${plugin}" another name, and there can be only one of it`
        : `the name of ${where} is ${shown(name)}, but must be a text`,
      { remedy: `Write: [${isBuiltin ? `'${plugin}', { … }` : "'./my-plugin.ts', { … }, 'my-name'"}]` },
    );
  }
  if (isBuiltin) return { kind: 'builtin', name: plugin, enabled, options: options ?? {}, place };
  return { kind: 'foreign', plugin, enabled, options, name, place };
}
