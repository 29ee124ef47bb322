// Loads the plugins of third parties that a config file lists, with their options. Each error names the entry by its
// position in the list.
import { isAbsolute } from 'node:path';
import { CodaError, ConfigError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Plugin } from '../../plugin.ts';
import { UntrustedError } from '../../state/trust.ts';
import type { GivenPlugin } from '../define.ts';
import { exporterOf, type ModuleLoader } from '../modules.ts';
import { didYouMean } from '../suggest.ts';
import { readEntries, refuseDoubles, type Entry, type ForeignEntry } from './entries.ts';
import { exportedPlugin, makePlugin, type PluginSource } from './forms.ts';
import { whereOf, type Place } from './place.ts';

export interface PluginLoading {
  readonly modules: ModuleLoader;
  /** Where relative paths start. */
  readonly baseDirs: readonly string[];
  readonly builtins: readonly string[];
  /** Receives the secrets among the options. */
  readonly log?: Pick<Logger, 'mask'> | undefined;
}

/** A plugin, and the file that it comes from. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly file: string;
}

/**
 * Loads the plugins among `entries`, in order. Throws a ConfigError for a module that is missing, fails, or exports no
 * plugin, for two plugins of one name, and for wrong options, all of them together.
 */
export async function loadPlugins(
  entries: readonly Entry[],
  loading: PluginLoading,
): Promise<LoadedPlugin[]> {
  const loaded: (LoadedPlugin & { name: string; place: Place })[] = [];
  const faults: string[] = [];
  for (const entry of entries) {
    if (entry.kind === 'builtin' || !entry.enabled) continue;
    const source = await sourceOf(entry, loading, faults);
    const plugin = await makePlugin(source);
    if (plugin === undefined) continue;
    // One that the config file has imported.
    const file = typeof entry.plugin === 'string' ? undefined : exporterOf(entry.plugin);
    loaded.push({ name: plugin.name, place: entry.place, plugin, file: file ?? source.path });
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n  '));
  refuseDoubles(
    loaded,
    "Remove one of the two, or give one a name of its own: ['./my-plugin.ts', { … }, 'my-name'].",
  );
  refuseBuiltinNames(loaded, entries, loading.builtins);
  return loaded;
}

/** The plugins of a node without a config file, such as that of a test. Throws a ConfigError for wrong options. */
export async function givenPlugins(
  given: readonly GivenPlugin[],
  baseDir: string,
  log: Pick<Logger, 'mask'>,
): Promise<Plugin[]> {
  const faults: string[] = [];
  const made: Plugin[] = [];
  for (const entry of readEntries(given, 'the test', [])) {
    if (entry.kind === 'builtin' || !entry.enabled) continue;
    const { plugin: found, ...rest } = entry;
    const attempt = async <T>(action: () => T | Promise<T>): Promise<T> => action();
    const plugin = await makePlugin({ ...rest, found, path: 'the test', baseDir, attempt, log, faults });
    if (plugin !== undefined) made.push(plugin);
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n  '));
  return made;
}

function refuseBuiltinNames(
  loaded: readonly { readonly name: string; readonly place: Place }[],
  entries: readonly Entry[],
  builtins: readonly string[],
): void {
  const switchedOff = new Set(
    entries.flatMap((entry) => (entry.kind === 'builtin' && !entry.enabled ? [entry.name] : [])),
  );
  const clash = loaded.find(({ name }) => builtins.includes(name) && !switchedOff.has(name));
  if (clash === undefined) return;
  throw new ConfigError(`${whereOf(clash.place)} has the name of the built-in plugin "${clash.name}"`, {
    remedy: `Give it another name, or replace the built-in by it with ['${clash.name}', false] in plugins.`,
  });
}

/** What an entry means: the plugin that it holds, or what the module exports that it names. */
async function sourceOf(
  { plugin, options, name, place }: ForeignEntry,
  loading: PluginLoading,
  faults: string[],
): Promise<PluginSource> {
  const { modules, baseDirs, log } = loading;
  const [baseDir = ''] = baseDirs;
  const path = typeof plugin === 'string' ? await resolvePlugin(plugin, place, loading) : place.file;
  const attempt = <T>(action: () => T | Promise<T>, fallback?: string): Promise<T> =>
    (async () => action())().catch((cause: unknown) => {
      if (cause instanceof UntrustedError) throw cause;
      const remedy = (cause instanceof CodaError ? cause.remedy : undefined) ?? fallback;
      throw new ConfigError(`${whereOf(place)} failed: ${modules.failureText(cause, path)}`, {
        cause,
        ...(remedy === undefined ? {} : { remedy }),
      });
    });
  const shared = { options, name, place, path, baseDir, attempt, log, faults };
  if (typeof plugin !== 'string') return { ...shared, found: plugin };
  const exported = await attempt(() => modules.import(path));
  return { ...shared, found: exportedPlugin(exported, path, whereOf(place)) };
}

async function resolvePlugin(
  specifier: string,
  place: Place,
  { modules, baseDirs, builtins }: PluginLoading,
): Promise<string> {
  for (const baseDir of baseDirs) {
    const path = await modules.resolve(specifier, baseDir).catch(() => undefined);
    if (path !== undefined && isAbsolute(path)) return path;
  }
  const hint = await didYouMean(specifier, builtins);
  const name = JSON.stringify(specifier.slice(0, 100));
  throw new ConfigError(`${whereOf(place)}: there is no plugin, file or package ${name}${hint}`, {
    remedy: `Built in are ${builtins.join(', ')}. A path starts with ./ and is taken from ${baseDirs.join(' or from ')}.`,
  });
}
