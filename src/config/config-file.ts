// Finds the one config file of a directory and loads it: TypeScript, JavaScript, JSON, YAML, or package.json's "coda".
// An error says where the mistake is, but quotes nothing: the file may hold secrets.
import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { Explorer } from 'cosmiconfig/dist/Explorer.js';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { UntrustedError } from '../state/trust.ts';
import { linkTargetOf, type ModuleLoader, type Namespace } from './modules.ts';
import { unreadConfigs } from './unread.ts';
import { readYaml, YAML_REMEDY } from './yaml.ts';

/** The extensions of config files in code. */
export const MODULES: readonly string[] = ['.ts', '.mts', '.js', '.mjs', '.cjs'];
const DOCUMENTS = ['.json', '.yaml', '.yml'];
const PACKAGE = 'package.json';
/** The names of config files that are searched in the working directory. */
export const CONFIG_FILES: readonly string[] = [
  ...[...MODULES, ...DOCUMENTS].map((extension) => `coda.config${extension}`),
  PACKAGE,
];

export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** Its content or default export, not yet checked. */
  readonly config: unknown;
}

export interface ConfigSearch {
  readonly file: ConfigFile | undefined;
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Loads `configPath`, or else the config file in `cwd`, if there is one. Throws a ConfigError for a
 * file that cannot be read or run, with file and line if they are known, and for two files in one directory.
 */
export async function loadConfigFile(
  modules: ModuleLoader,
  cwd: string,
  configPath?: string,
): Promise<ConfigSearch> {
  const path = configPath === undefined ? findConfigFile(cwd) : resolve(cwd, configPath);
  // Whoever names a file does not mean another one.
  const warnings = configPath === undefined ? unreadConfigs(cwd, CONFIG_FILES, path) : [];
  if (path === undefined) return { file: undefined, warnings };
  if (configPath !== undefined) checkNamedConfig(path);
  modules.check(path, 'the config file');
  return { file: { path, config: await load(path, modules, warnings) }, warnings };
}

/** Does not use cosmiconfig, so that a start without a config file does not have to load it. */
function findConfigFile(cwd: string): string | undefined {
  const found = CONFIG_FILES.map((name) => join(cwd, name)).filter(
    (path) => isFile(path) && (basename(path) !== PACKAGE || hasCodaKey(path)),
  );
  if (found.length > 1) {
    throw new ConfigError(`there are ${found.length} config files: ${found.join(' and ')}`, {
      remedy: 'Keep one of them, or name one with --config.',
    });
  }
  return found[0];
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function hasCodaKey(path: string): boolean {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null && Object.hasOwn(content, 'coda');
  } catch {
    // A broken file counts only if it mentions us; loading it then reports what is wrong.
    return text.includes('"coda"');
  }
}

/** Throws a ConfigError if `--config` names no file that can be one. */
export function checkNamedConfig(path: string): void {
  if (!isFile(path)) {
    throw new ConfigError(`the config file ${path} does not exist or is not a file`, {
      remedy: 'Check the path given with --config.',
    });
  }
  if (![...MODULES, ...DOCUMENTS].includes(extname(path))) {
    throw new ConfigError(`the config file ${path} has an unknown extension`, {
      remedy: `Use one of ${[...MODULES, ...DOCUMENTS].join(', ')}.`,
    });
  }
}

async function load(path: string, modules: ModuleLoader, warnings: string[]): Promise<unknown> {
  // Modules are run by our own loader, without cosmiconfig.
  const isModule = MODULES.includes(extname(path));
  const explorer = isModule ? undefined : await createExplorer(modules, warnings);
  try {
    const config =
      explorer === undefined ? await loadModule(path, modules) : (await explorer.load(path))?.config;
    // A document that has only comments sets nothing.
    if (config === undefined || config === null) return emptyConfig(path);
    return config;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const remedy =
      errorCode(cause) === 'EACCES' ? 'Make it readable for the user that runs the node.' : undefined;
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
}

function emptyConfig(path: string): unknown {
  if (['.yaml', '.yml'].includes(extname(path))) return {};
  if (basename(path) === PACKAGE) throw new ConfigError(`the key "coda" of ${path} is empty`);
  throw new ConfigError(`the config file ${path} is empty`, { remedy: EXPORT_REMEDY });
}

/** The part of cosmiconfig that loads a file. What it exports in its place first searches the working directory for options
 *  of its own, and runs what it finds there. */
async function createExplorer(modules: ModuleLoader, warnings: string[]): Promise<Explorer> {
  const cosmiconfig = await import('cosmiconfig/dist/Explorer.js');
  type Loader = (path: string, content: string) => Promise<unknown>;
  // Also for what a file imports with `$import`.
  const checked =
    (loader: Loader): Loader =>
    (path, content) => {
      modules.check(path, 'the config file');
      return loader(path, content);
    };
  const json = checked((path, content) => loadJson(path, content, warnings));
  const yaml = checked((path, content) => loadYaml(path, content, warnings));
  return new cosmiconfig.Explorer({
    moduleName: 'coda',
    packageProp: 'coda',
    searchPlaces: [],
    cache: false,
    mergeImportArrays: true,
    applyPackagePropertyPathToConfiguration: false,
    transform: (result) => result,
    loaders: { '.json': json, '.yaml': yaml, '.yml': yaml },
  });
}

const EXPORT_REMEDY = 'Write: export default defineConfig({ … })';

async function loadModule(path: string, modules: ModuleLoader): Promise<unknown> {
  const source = await readFile(path, 'utf8');
  if (source.trim() === '') return undefined;
  const attempt = <T>(action: () => Promise<T>): Promise<T> =>
    action().catch((cause: unknown) => {
      if (cause instanceof UntrustedError) throw cause;
      throw new ConfigError(modules.failureText(cause, path), { cause });
    });
  const exported = await attempt(() => runModule(path, source, modules));
  if (!hasConfig(exported)) throw new ConfigError(`${path} has no default export`, { remedy: EXPORT_REMEDY });
  return attempt(async () => {
    const config: unknown = await ('default' in exported ? exported['default'] : exported);
    return typeof config === 'function' ? config() : config;
  });
}

/** Also the imports of a link may be beside the file that it means. */
async function runModule(path: string, source: string, modules: ModuleLoader): Promise<Namespace> {
  try {
    return await modules.run(path, source);
  } catch (missing) {
    const target = linkTargetOf(path);
    if (target === undefined || !isMissingModule(missing)) throw missing;
    try {
      return await modules.run(target, source);
    } catch (cause) {
      if (!isMissingModule(cause)) throw cause;
      const [text = ''] = messageOf(cause).split('\n');
      throw new Error(`${text}, neither beside this link nor beside its target ${target}`, { cause });
    }
  }
}

function isMissingModule(thrown: unknown): boolean {
  return errorCode(thrown)?.endsWith('MODULE_NOT_FOUND') === true;
}

/** A default export, or the `module.exports = …` of a CommonJS file. */
function hasConfig(exported: Namespace): boolean {
  return 'default' in exported || (!('__esModule' in exported) && Object.keys(exported).length > 0);
}

async function loadYaml(path: string, text: string, warnings: string[]): Promise<unknown> {
  const { content, fault, duplicates } = await readYaml(text);
  if (fault?.position === '') throw new ConfigError(`${path}: ${fault.message}`);
  if (fault !== undefined) {
    // The message may quote the file; the code does not.
    const what = fault.code.toLowerCase().replaceAll('_', ' ');
    throw new ConfigError(`${path}${fault.position}: not valid YAML: ${what}`, { remedy: YAML_REMEDY });
  }
  for (const { key, position } of duplicates) {
    // A mistake in the syntax can turn a secret into a key.
    const name = /^\w{1,60}$/.test(key) ? `the key ${printable(key, 60)}` : 'a key (not shown)';
    warnings.push(`${name} is there twice in its mapping, again at ${path}${position}; the last one counts`);
  }
  return content;
}

async function loadJson(path: string, text: string, warnings: string[]): Promise<unknown> {
  const content = text.replace(/^\uFEFF/, '');
  try {
    const config: unknown = JSON.parse(content);
    // JSON is YAML, and the YAML parser sees keys that are there twice.
    await loadYaml(path, content, warnings).catch(() => {});
    return config;
  } catch {
    // It also gives the position of the mistake without quoting the file.
    await loadYaml(path, content, []).catch((thrown: unknown) => {
      throw new ConfigError(messageOf(thrown).replace('not valid YAML', 'not valid JSON'));
    });
    throw new ConfigError(`${path} is not valid JSON`, {
      remedy:
        'Names and texts need double quotes; comments and a comma after the last entry are not allowed.',
    });
  }
}
