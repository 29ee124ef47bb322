// The forms in which a plugin may come: an object { name, apply }, a class, or a function that makes one. An object, a class
// and a function may each have `options`, the JSON schema of what they take; then they get the options checked.
import { ConfigError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Plugin, PluginWithOptions } from '../../plugin.ts';
import { isRecord, kindOf } from '../../protocol/text.ts';
import type { Namespace } from '../modules.ts';
import { whereOf, type Place } from './place.ts';
import type { OptionsSchema } from './schema-types.ts';

export interface PluginSource {
  /** A plugin, or what makes one. */
  readonly found: unknown;
  /** As the user has given them. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** In place of the plugin's own name. */
  readonly name: string | undefined;
  readonly place: Place;
  /** The file that it comes from. */
  readonly path: string;
  /** The folder at which paths among the options start. */
  readonly baseDir: string;
  /** Runs code of the author; what it throws is attributed, with its own remedy or this one. */
  attempt<T>(action: () => T | Promise<T>, remedy?: string): Promise<T>;
  readonly log?: Pick<Logger, 'mask'> | undefined;
  /** Receives what is wrong with the options, one line each. */
  readonly faults: string[];
}

type Maker = (options: unknown) => unknown;

const WHAT_IT_IS =
  'a plugin is { name, apply(node) }, a class of such objects, or a function that returns one';

const HOW_TO_EXPORT =
  'A function that is exported is called with the options, here none, and returns a plugin. To tap hooks, export { name, apply(node) { … } }.';

export function isPlugin(value: unknown): value is Plugin {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    value['name'] !== '' &&
    typeof value['apply'] === 'function'
  );
}

/** The plugin that a module exports, as default or as `plugin`, in ESM or CommonJS; or what makes one. Throws a ConfigError
 *  if there is none. */
export function exportedPlugin(exported: Namespace, path: string, where: string): unknown {
  // Without a default export, the loader returns the module itself for `default`. A CommonJS module that was translated from
  // ESM has its exports in there once more.
  const inner = exported['default'];
  const candidates = [exported, ...(isRecord(inner) ? [inner] : [])].flatMap((one) => [
    one['default'],
    one['plugin'],
  ]);
  const found = candidates.find((one) => isPlugin(one) || typeof one === 'function');
  if (found !== undefined) return found;
  const partial = candidates.find((one) => isRecord(one) && ('name' in one || 'apply' in one));
  if (isRecord(partial)) {
    throw new ConfigError(`${where}: ${path} exports an object ${lackOf(partial)}, which is no plugin`, {
      remedy: `It has ${Object.keys(partial).join(', ')}; ${WHAT_IT_IS}.`,
    });
  }
  throw new ConfigError(`${where}: ${path} exports no plugin, neither as default nor as "plugin"`, {
    remedy: `It exports ${Object.keys(exported).join(', ') || 'nothing'}; ${WHAT_IT_IS}.`,
  });
}

/** What keeps an object from being a plugin. */
function lackOf({ name, apply }: Readonly<Record<string, unknown>>): string {
  const lacks = [
    ...(typeof name === 'string' && name !== '' ? [] : ['a name']),
    ...(typeof apply === 'function' ? [] : ['a function apply']),
  ];
  return `without ${lacks.join(' and ')}`;
}

/** The plugin, ready to be applied with its options; undefined if they are wrong, and then `faults` says what is. */
export async function makePlugin(source: PluginSource): Promise<Plugin | undefined> {
  const { found, name, faults } = source;
  const before = faults.length;
  const plugin =
    typeof found === 'function'
      ? await madeBy(found as Maker, source)
      : isPlugin(found)
        ? await configured(found, source)
        : undefined;
  if (plugin === undefined || faults.length > before) return undefined;
  return name === undefined || name === plugin.name ? plugin : { name, apply: (node) => plugin.apply(node) };
}

/** The plugin that a class or a function makes. */
async function madeBy(make: Maker, source: PluginSource): Promise<Plugin | undefined> {
  const { path, attempt, faults, place } = source;
  const before = faults.length;
  const options = hasSchema(make)
    ? await checked(make.options, source, ['', 'default'].includes(make.name) ? path : make.name)
    : source.options;
  if (faults.length > before) return undefined;
  const isClass = isClassOfPlugins(make);
  const made = await attempt(
    () => (isClass ? (Reflect.construct(make, [options]) as unknown) : make(options)),
    // Many who know other tools write the function that taps the hooks.
    isClass || make.length === 0 || options !== undefined ? undefined : HOW_TO_EXPORT,
  );
  if (isPlugin(made)) return hasSchema(make) ? made : configured(made, source, { isMade: true });
  throw new ConfigError(
    `${whereOf(place)}: the ${isClass ? 'class' : 'factory'} of ${path} ${isClass ? 'makes' : 'returned'} ${kindOf(made)}, which is no plugin`,
    { remedy: `Remember: ${WHAT_IT_IS}.` },
  );
}

/** A class cannot be called; a function whose instances can be applied is one of the older kind. */
function isClassOfPlugins(make: Maker): boolean {
  const prototype: unknown = Reflect.get(make, 'prototype');
  return (
    (isRecord(prototype) && typeof prototype['apply'] === 'function') ||
    /^class\b/.test(Function.prototype.toString.call(make))
  );
}

/** The plugin with its options. What made it may have taken them already. */
async function configured(plugin: Plugin, source: PluginSource, { isMade = false } = {}): Promise<Plugin> {
  if (hasSchema(plugin)) {
    const taking: PluginWithOptions = plugin;
    const options = await checked(taking.options, source, taking.name);
    return { name: taking.name, apply: (node) => taking.apply(node, options) };
  }
  if (source.options === undefined || isMade) return plugin;
  throw new ConfigError(
    `${whereOf(source.place)} has options, but ${source.path} exports a plugin that takes none`,
    {
      remedy:
        "Remove them. A plugin that takes options has their JSON schema, of type 'object', as its `options`.",
    },
  );
}

/** Many an object and a class keep under that name the options themselves, which are no schema. */
function hasSchema<T extends object>(value: T): value is T & { readonly options: OptionsSchema } {
  const options: unknown = Reflect.get(value, 'options');
  return isRecord(options) && options['type'] === 'object';
}

async function checked(
  schema: OptionsSchema,
  { options = {}, name, place, baseDir, path, log, faults }: PluginSource,
  plugin: string,
): Promise<Readonly<Record<string, unknown>>> {
  // Loaded only if a plugin takes options: it needs Ajv.
  const { checkOptions } = await import('./options.ts');
  return checkOptions(schema, options, { plugin: name ?? plugin, place, baseDir, path, log, faults });
}
