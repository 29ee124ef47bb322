// Splits the content of a config file into settings, the executor and the plugin entries; reports all faults together.
import { dirname } from 'node:path';
import type { ExecutorChoice } from '../device/executor.ts';
import { isPythonChoice } from '../device/python.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { isRecord, kindOf } from '../protocol/text.ts';
import { settingFromValue } from './coerce.ts';
import type { Sourced } from './environment.ts';
import type { ConfigFile } from './config-file.ts';
import { baseDirsOf } from './modules.ts';
import { readEntries, type Entry } from './plugins/entries.ts';
import { faultsOf, pluginLevel, TOP_LEVEL, type Level } from './schema.ts';
import { settingOf, type SettingName } from './settings.ts';

export interface FileContent {
  readonly settings: ReadonlyMap<SettingName, Sourced>;
  readonly executor: ExecutorChoice | undefined;
  readonly entries: readonly Entry[];
}

/** Checks and splits the content of a config file. Throws a ConfigError that lists every fault with its path. */
export async function readContent(file: ConfigFile, builtins: readonly string[]): Promise<FileContent> {
  const { path, config } = file;
  if (!isRecord(config)) {
    throw new ConfigError(`${path} must give an object, but gives ${kindOf(config)}`, {
      remedy: 'Write: export default defineConfig({ … })',
    });
  }
  const entries = readEntries(config['plugins'], path, builtins);
  const layer = new Map<SettingName, Sourced>();
  const faults = await readLevel(TOP_LEVEL, config, path, layer);
  for (const entry of entries) {
    if (entry.kind !== 'builtin') continue;
    faults.push(...(await readLevel(pluginLevel(entry.name), entry.options, path, layer)));
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n  '));

  const executor = readExecutor(config['executor'], path);
  const [named] = [executor?.value].flat();
  if (typeof named === 'string') {
    layer.set('executorFactory', { value: named, source: 'config file', where: `executor in ${path}` });
  }
  return { settings: layer, executor, entries };
}

/** Adds the settings of one level to `layer`; returns the faults. */
async function readLevel(
  level: Level,
  content: Readonly<Record<string, unknown>>,
  path: string,
  layer: Map<SettingName, Sourced>,
): Promise<string[]> {
  const faults = await faultsOf(content, level, path);
  if (faults.length > 0) return faults;
  for (const [key, name] of level.settings) {
    // `undefined` is what `process.env.X` gives for a variable that is not set.
    if (!Object.hasOwn(content, key) || content[key] === undefined) continue;
    const where = `${level.prefix}${key} in ${path}`;
    try {
      const value = settingFromValue(settingOf(name), content[key], { where, baseDir: dirname(path) });
      layer.set(name, { value, source: 'config file', where });
    } catch (thrown) {
      faults.push(messageOf(thrown));
    }
  }
  return faults;
}

function readExecutor(value: unknown, path: string): ExecutorChoice | undefined {
  if (value === undefined || value === null) return undefined;
  const source = `executor in ${path}`;
  // What is wrong with the list itself is said where it is taken apart.
  if (isUsable(value) || (Array.isArray(value) && isUsable(value[0]))) {
    const [baseDir = '', linkedDir = baseDir] = baseDirsOf(path);
    return { value, baseDir, linkedDir, source };
  }
  if (value instanceof Promise) {
    // It may reject, which nobody else would wait for.
    value.catch(() => {});
    throw new ConfigError(`${source} is a promise`, {
      remedy:
        'Give the async function itself, without calling it: executor: createExecutor. The node calls it.',
    });
  }
  throw new ConfigError(`${source} is ${value === '' ? 'an empty string' : kindOf(value)}`, {
    remedy:
      "Give 'simulator', './my-executor.ts:createExecutor', a function that makes an executor, or an executor; with options: ['my-package', { … }].",
  });
}

function isUsable(value: unknown): boolean {
  return (
    (typeof value === 'string' && value.trim() !== '') ||
    typeof value === 'function' ||
    isPythonChoice(value) ||
    (isRecord(value) && typeof value['run'] === 'function')
  );
}
