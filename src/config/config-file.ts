// Finds the one config file of a directory and loads it: TypeScript, JavaScript, JSON, YAML, or package.json's "coda".
// An error says where the mistake is, but quotes nothing: the file may hold secrets.
import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import type { ModuleLoader, Namespace } from './modules.ts';

const MODULES = ['.ts', '.mts', '.js', '.mjs', '.cjs'];
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

/**
 * Loads `configPath`, or else the config file in `cwd`; undefined if there is none. Throws a ConfigError for a
 * file that cannot be read or run, with file and line if they are known, and for two files in one directory.
 */
export async function loadConfigFile(
  modules: ModuleLoader,
  cwd: string,
  configPath?: string,
): Promise<ConfigFile | undefined> {
  const path = configPath === undefined ? findConfigFile(cwd) : resolve(cwd, configPath);
  if (path === undefined) return undefined;
  if (configPath !== undefined) checkNamed(path);
  return { path, config: await load(path, modules) };
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

function checkNamed(path: string): void {
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

async function load(path: string, modules: ModuleLoader): Promise<unknown> {
  // Modules are run by our own loader, without cosmiconfig.
  const isModule = MODULES.includes(extname(path));
  const explorer = isModule ? undefined : await createExplorer();
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

async function createExplorer(): Promise<{ load(path: string): Promise<{ config?: unknown } | null> }> {
  const { cosmiconfig } = await import('cosmiconfig');
  try {
    return cosmiconfig('coda', {
      searchPlaces: [...DOCUMENTS.map((extension) => `coda.config${extension}`), PACKAGE],
      packageProp: 'coda',
      cache: false,
      loaders: Object.fromEntries([
        ['.json', loadJson] as const,
        ...['.yaml', '.yml'].map((extension) => [extension, loadYaml] as const),
      ]),
    });
  } catch (cause) {
    // cosmiconfig reads its own options from there. Its message would quote the file, so it is not passed on.
    throw new ConfigError(`package.json or .config/config.* in ${process.cwd()} cannot be read`, {
      remedy:
        errorCode(cause) === 'EACCES'
          ? 'Start in a folder that the user who runs the node may read.'
          : 'Fix the file: it is not valid JSON or YAML.',
    });
  }
}

const EXPORT_REMEDY = 'Write: export default defineConfig({ … })';

async function loadModule(path: string, modules: ModuleLoader): Promise<unknown> {
  const source = await readFile(path, 'utf8');
  if (source.trim() === '') return undefined;
  const attempt = <T>(action: () => Promise<T>): Promise<T> =>
    action().catch((cause: unknown) => {
      throw new ConfigError(modules.failureText(cause, path), { cause });
    });
  const exported = await attempt(() => modules.run(path, source));
  if (!hasConfig(exported)) throw new ConfigError(`${path} has no default export`, { remedy: EXPORT_REMEDY });
  return attempt(async () => {
    const config: unknown = await ('default' in exported ? exported['default'] : exported);
    return typeof config === 'function' ? config() : config;
  });
}

/** A default export, or the `module.exports = …` of a CommonJS file. */
function hasConfig(exported: Namespace): boolean {
  return 'default' in exported || (!('__esModule' in exported) && Object.keys(exported).length > 0);
}

async function loadYaml(path: string, content: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(content, { prettyErrors: false, lineCounter: lines });
  const [error] = document.errors;
  if (error === undefined) {
    try {
      return document.toJS();
    } catch {
      throw new ConfigError(`${path}: an alias cannot be resolved`);
    }
  }
  const { line, col } = lines.linePos(error.pos[0]);
  // The message may quote the file; the code is a fixed word such as BAD_INDENT.
  const fault = error.code.toLowerCase().replaceAll('_', ' ');
  throw new ConfigError(`${path}:${line}:${col}: not valid YAML: ${fault}`);
}

async function loadJson(path: string, content: string): Promise<unknown> {
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch {
    // JSON is YAML, and the YAML parser gives the position of the mistake without quoting the file.
    await loadYaml(path, content).catch((thrown: unknown) => {
      throw new ConfigError(messageOf(thrown).replace('not valid YAML', 'not valid JSON'));
    });
    throw new ConfigError(`${path} is not valid JSON`, {
      remedy:
        'Names and texts need double quotes; comments and a comma after the last entry are not allowed.',
    });
  }
}
