// Reads the `plugins` list of a config file: built-ins with options or switched off, and third-party plugins.
// Each error names the entry by its position in the list.
import { isAbsolute } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { Plugin } from '../plugin.ts';
import { isRecord, kindOf } from '../protocol/text.ts';
import type { ModuleLoader } from './modules.ts';
import { UntrustedError } from '../state/trust.ts';
import { SETTING_NAMES, settingOf } from './settings.ts';
import { didYouMean } from './suggest.ts';

interface Placed {
  /** `plugins[2] in /lab/coda.config.ts` */
  readonly where: string;
}
export interface BuiltinEntry extends Placed {
  readonly kind: 'builtin';
  readonly name: string;
  readonly enabled: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}
interface ModuleEntry extends Placed {
  readonly kind: 'module';
  readonly specifier: string;
  readonly enabled: boolean;
  readonly options: Readonly<Record<string, unknown>> | undefined;
}
interface ObjectEntry extends Placed {
  readonly kind: 'object';
  readonly plugin: Plugin;
}
export type Entry = BuiltinEntry | ModuleEntry | ObjectEntry;

/** A plugin, and the module that it comes from. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly file: string;
}

/** The names that mean a built-in plugin: those given, and those that have settings. */
export function builtinNames(given: readonly string[]): readonly string[] {
  const fromTable = SETTING_NAMES.flatMap((name) => settingOf(name).config?.split('.')[0] ?? []);
  return [...new Set([...given, ...fromTable])];
}

/** Sorts the entries of `plugins`; loads nothing. Throws a ConfigError for a malformed entry. */
export function readEntries(value: unknown, file: string, builtins: readonly string[]): Entry[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    throw new ConfigError(`plugins in ${file} must be a list, but is ${kindOf(value)}`, { remedy: EXAMPLE });
  }
  const entries = value.flatMap((item: unknown, index) => {
    if (item === undefined || item === null || item === false) return [];
    return [readEntry(item, `plugins[${index}] in ${file}`, builtins)];
  });
  refuseDoubles(
    entries.flatMap((entry) => (entry.kind === 'builtin' ? [{ name: entry.name, where: entry.where }] : [])),
  );
  return entries;
}

/**
 * Loads the third-party plugins among `entries`, in order; paths start at one of `baseDirs`. Throws a ConfigError for a
 * module that is missing, fails, or exports no plugin, and for two plugins of one name.
 */
export async function loadPlugins(
  modules: ModuleLoader,
  entries: readonly Entry[],
  baseDirs: readonly string[],
  builtins: readonly string[],
  configFile: string,
): Promise<LoadedPlugin[]> {
  const loaded: (LoadedPlugin & { name: string; where: string })[] = [];
  for (const entry of entries) {
    if (entry.kind === 'builtin' || (entry.kind === 'module' && !entry.enabled)) continue;
    const { plugin, file } =
      entry.kind === 'object'
        ? { plugin: entry.plugin, file: configFile }
        : await loadPlugin(modules, entry, baseDirs, builtins);
    loaded.push({ name: plugin.name, where: entry.where, plugin, file });
  }
  refuseDoubles(loaded);
  const switchedOff = new Set(
    entries.flatMap((entry) => (entry.kind === 'builtin' && !entry.enabled ? [entry.name] : [])),
  );
  const clash = loaded.find(({ name }) => builtins.includes(name) && !switchedOff.has(name));
  if (clash !== undefined) {
    throw new ConfigError(`${clash.where} has the name of the built-in plugin "${clash.name}"`, {
      remedy: `Give it another name, or replace the built-in by it with ['${clash.name}', false] in plugins.`,
    });
  }
  return loaded;
}

const EXAMPLE = "Write: plugins: [['heartbeat', { intervalSec: 10 }], ['vpn', false], './my-plugin.ts']";

function readEntry(item: unknown, where: string, builtins: readonly string[]): Entry {
  if (typeof item === 'string') return readNamed(item, undefined, where, builtins);
  if (Array.isArray(item)) {
    const [name, options, ...rest]: unknown[] = item;
    if (typeof name === 'string' && rest.length === 0) return readNamed(name, options, where, builtins);
    throw new ConfigError(`${where} is a list, but not [name, options]`, { remedy: EXAMPLE });
  }
  if (isPlugin(item)) return { kind: 'object', plugin: item, where };
  const got = isRecord(item) ? 'an object without name and apply' : kindOf(item);
  throw new ConfigError(`${where} is ${got}, which is no plugin`, { remedy: EXAMPLE });
}

function readNamed(name: string, given: unknown, where: string, builtins: readonly string[]): Entry {
  if (name === '') throw new ConfigError(`${where} is an empty name`, { remedy: EXAMPLE });
  if (given !== undefined && typeof given !== 'boolean' && !isRecord(given)) {
    throw new ConfigError(
      `the options of ${where} must be an object, true or false, but are ${kindOf(given)}`,
    );
  }
  const options = isRecord(given) ? given : undefined;
  const enabled = given !== false;
  if (builtins.includes(name)) return { kind: 'builtin', name, enabled, options: options ?? {}, where };
  return { kind: 'module', specifier: name, enabled, options, where };
}

async function loadPlugin(
  modules: ModuleLoader,
  entry: ModuleEntry,
  baseDirs: readonly string[],
  builtins: readonly string[],
): Promise<LoadedPlugin> {
  const path = await resolvePlugin(modules, entry, baseDirs, builtins);
  const attempt = <T>(action: () => Promise<T>): Promise<T> =>
    action().catch((cause: unknown) => {
      if (cause instanceof UntrustedError) throw cause;
      throw new ConfigError(`${entry.where} failed: ${modules.failureText(cause, path)}`, { cause });
    });
  const exported = await attempt(() => modules.import(path));
  // Without a default export, the loader returns the module itself for `default`, as CommonJS does.
  const found = 'plugin' in exported && !('default' in exported) ? exported['plugin'] : exported['default'];
  if (typeof found === 'function') {
    const made: unknown = await attempt(async () => found(entry.options));
    if (isPlugin(made)) return { plugin: made, file: path };
    throw new ConfigError(
      `${entry.where}: the factory of ${path} returned ${kindOf(made)}, which is no plugin`,
      {
        remedy: 'A plugin is an object { name, apply(node) }.',
      },
    );
  }
  if (!isPlugin(found)) {
    throw new ConfigError(`${entry.where}: ${path} exports no plugin, neither as default nor as "plugin"`, {
      remedy: `It exports ${Object.keys(exported).join(', ') || 'nothing'}; a plugin is { name, apply(node) } or a function that returns one.`,
    });
  }
  if (entry.options !== undefined) {
    throw new ConfigError(`${entry.where} has options, but ${path} exports a plugin that takes none`);
  }
  return { plugin: found, file: path };
}

async function resolvePlugin(
  modules: ModuleLoader,
  { specifier, where }: ModuleEntry,
  baseDirs: readonly string[],
  builtins: readonly string[],
): Promise<string> {
  for (const baseDir of baseDirs) {
    const path = await modules.resolve(specifier, baseDir).catch(() => undefined);
    if (path !== undefined && isAbsolute(path)) return path;
  }
  const hint = await didYouMean(specifier, builtins);
  const name = JSON.stringify(specifier.slice(0, 100));
  throw new ConfigError(`${where}: there is no plugin, file or package ${name}${hint}`, {
    remedy: `Built in are ${builtins.join(', ')}. A path starts with ./ and is taken from ${baseDirs.join(' or from ')}.`,
  });
}

function refuseDoubles(named: readonly { name: string; where: string }[]): void {
  const seen = new Map<string, string>();
  for (const { name, where } of named) {
    const first = seen.get(name);
    if (first !== undefined) {
      throw new ConfigError(`the plugin "${name}" is listed twice: ${first} and ${where}`, {
        remedy: 'Remove one of the two.',
      });
    }
    seen.set(name, where);
  }
}

function isPlugin(value: unknown): value is Plugin {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    value['name'] !== '' &&
    typeof value['apply'] === 'function'
  );
}
