// Checks the raw content of a config file against JSON schemas made from the settings table. The build compiles them to
// validators; the error texts are our own, since those of Ajv would quote secrets and name no remedy.
import { shownValue, wrongValue } from './coerce.ts';
import { largestOf, SETTING_NAMES, settingOf, type Setting, type SettingName } from './settings.ts';
import { didYouMean } from './suggest.ts';
import type { Fault } from './validators.js';

/** A level of the config file: the keys that it may have, and the settings that they mean. */
export interface Level {
  /** What precedes a key in errors: nothing at the top, `plugins.health.` for an option of `health`. */
  readonly prefix: string;
  readonly settings: ReadonlyMap<string, SettingName>;
  /** Keys that are checked elsewhere. */
  readonly others: readonly string[];
}

/** The name of the schema of all plugins that take no options. */
const NO_OPTIONS = 'none';

/** The settings at the top of a config file. */
export const TOP_LEVEL: Level = {
  prefix: '',
  settings: new Map(SETTING_NAMES.filter((name) => isAtTop(name)).map((name) => [name, name])),
  others: ['executor', 'plugins'],
};

function isAtTop(name: SettingName): boolean {
  const { config, inConfigFile } = settingOf(name);
  return config === undefined && inConfigFile !== false && name !== 'executorFactory';
}

/** The options of a built-in plugin. */
export function pluginLevel(plugin: string): Level {
  const prefix = `${plugin}.`;
  const settings = SETTING_NAMES.flatMap((name): [string, SettingName][] => {
    const path = settingOf(name).config;
    return path?.startsWith(prefix) ? [[path.slice(prefix.length), name]] : [];
  });
  return { prefix: `plugins.${prefix}`, settings: new Map(settings), others: [] };
}

/** The JSON schema of one level. */
function levelSchema(level: Level): object {
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries([
      ...[...level.settings].map(([key, name]) => [key, settingSchema(settingOf(name))] as const),
      ...level.others.map((key) => [key, {}] as const),
    ]),
  };
}

/** The schemas of all levels by their prefix. The build turns them into `validators.js`. */
export function levelSchemas(): Readonly<Record<string, object>> {
  const plugins = new Set(SETTING_NAMES.flatMap((name) => settingOf(name).config?.split('.')[0] ?? []));
  const levels = [TOP_LEVEL, ...[...plugins].map(pluginLevel)];
  const none = { type: 'object', additionalProperties: false };
  return {
    ...Object.fromEntries(levels.map((level) => [level.prefix, levelSchema(level)])),
    [NO_OPTIONS]: none,
  };
}

/** The faults of `value`, the content of `file` at `level`: one line each, with its path. */
export async function faultsOf(value: object, level: Level, file: string): Promise<string[]> {
  // Loaded only if there is a config file.
  const { levels } = await import('./validators.js');
  const validate = levels[level.prefix] ?? levels[NO_OPTIONS];
  if (validate === undefined) throw new Error(`the build has made no validator for ${level.prefix}`);
  if (validate(value)) return [];
  return Promise.all((validate.errors ?? []).map((error) => faultText(error, level, file)));
}

function settingSchema(setting: Setting): object {
  switch (setting.type) {
    case 'integer':
    case 'number':
      return { type: setting.type, minimum: setting.min, maximum: largestOf(setting) };
    case 'boolean':
      return { type: 'boolean' };
    case 'string':
      return setting.choices === undefined ? { type: 'string' } : { enum: setting.choices };
    case 'string?':
      return { type: ['string', 'null'] };
    case 'list':
      return { type: 'array', items: { type: 'string' } };
    case 'map':
      return { type: 'object', additionalProperties: { type: 'string' } };
  }
}

async function faultText(error: Fault, level: Level, file: string): Promise<string> {
  const [key = '', ...inner] = error.instancePath.split('/').slice(1);
  if (error.instancePath === '' && error.keyword === 'additionalProperties') {
    return unknownKey(String(error.params['additionalProperty']), level, file);
  }
  const name = level.settings.get(key);
  const position = inner.map((part) => `[${/^\d+$/.test(part) ? part : JSON.stringify(part)}]`).join('');
  const where = `${level.prefix}${key}${position} in ${file}`;
  if (name === undefined) return `${where} is ${shownValue(error.data)}, which is not allowed there`;
  if (inner.length > 0 && !settingOf(name).secret) {
    return `${where} is ${shownValue(error.data)}, but must be a string`;
  }
  return wrongValue(settingOf(name), error.data, where);
}

async function unknownKey(key: string, level: Level, file: string): Promise<string> {
  const known = [...level.settings.keys(), ...level.others];
  const hint = await didYouMean(key, known);
  // A mistake in the syntax can turn a secret into a key, so only what looks like an option is quoted.
  const isName = hint !== '' || /^\w{1,60}$/.test(key);
  const what = `${isName ? `${level.prefix}${JSON.stringify(key).slice(1, -1)}` : 'a key (not shown, since it does not look like a name)'} in ${file}`;
  if (level === TOP_LEVEL) {
    const outside = SETTING_NAMES.find((name) => name === key && settingOf(name).inConfigFile === false);
    if (outside !== undefined) {
      return `${what} is not a key of the config file, which it decides about: set ${settingOf(outside).env}`;
    }
    if (key === 'executorFactory') return `${what} is not a key of the config file: use "executor"`;
    const place = placeOfPluginOption(key);
    if (place !== undefined) return `${what} does not belong at the top: ${place}`;
  }
  if (known.length === 0) return `${what} is unknown: this plugin takes no options`;
  return `${what} is unknown${hint || `; known are ${known.join(', ')}`}`;
}

/** Where `key` belongs, if it is a plugin, an option of one, or another name of such a setting. */
function placeOfPluginOption(key: string): string | undefined {
  const paths = SETTING_NAMES.flatMap((name) => {
    const { config, env } = settingOf(name);
    return config === undefined ? [] : [{ name, env, config }];
  });
  const found =
    paths.find(({ name, env, config }) => key === name || key.toUpperCase() === env || key === config) ??
    paths.find(({ config }) => config.endsWith(`.${key}`));
  if (found !== undefined) {
    const [plugin = '', option = ''] = found.config.split('.');
    return `it is an option of a plugin; write plugins: [['${plugin}', { ${option}: … }]]`;
  }
  if (paths.some(({ config }) => config.startsWith(`${key}.`))) {
    return `it is a plugin; write plugins: [['${key}', { … }]]`;
  }
  return undefined;
}
