// Loads the executor that the configuration names.
import { basename } from 'node:path';
import {
  ExecutorError,
  messageOf,
  type CodaNode,
  type Executor,
  type ExecutorFactory,
} from '../../src/index.ts';
import {
  isPythonChoice,
  isRecord,
  kindOf,
  PYTHON_EXECUTORS,
  UntrustedError,
  type ExecutorChoice,
  type ExecutorRecipe,
  type LoadedExecutor,
  type ModuleLoader,
  type Namespace,
} from '../../src/kit.ts';
import { ENTRY } from './entry.ts';
import { normaliseExecutor } from './normalise.ts';
import { givenOptions, parted } from './options.ts';

/** A module that Python may have: no path. */
const PYTHON_MODULE = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;

/** The name of a package, and no more. */
const PACKAGE = /^(@[\w.~-]+\/)?[a-z\d][\w.~-]*$/i;

/** An executor, or the factory that makes it. */
export type Found = LoadedExecutor | ExecutorRecipe;

/**
 * Finds the chosen executor: a name in `node.executors`, a package, `module:attribute`, a factory, or an executor; or a list
 * of that and its options. Imports its module, but calls no factory yet. Throws an ExecutorError that names the choice,
 * where it was made, and what is wrong with it (PROTOCOL §11).
 */
export async function findChosen(
  node: Pick<CodaNode, 'executors' | 'modules' | 'services'>,
  choice: ExecutorChoice,
): Promise<Found> {
  const { value, options } = parted(choice.value, choice.source);
  const executor = await findNamed(node, { ...choice, value });
  if (options === undefined) return executor;
  if ('executor' in executor) {
    throw new ExecutorError(`${choice.source} gives options to an executor that is already made`, {
      remedy: 'Give them to a factory, a function (settings, { options }) that returns the executor.',
    });
  }
  return givenOptions(executor, options, choice.source);
}

async function findNamed(
  node: Pick<CodaNode, 'executors' | 'modules' | 'services'>,
  { value, baseDir, linkedDir, source }: ExecutorChoice,
): Promise<Found> {
  const baseDirs = [...new Set([baseDir, linkedDir ?? baseDir])];
  const python = node.services.find(PYTHON_EXECUTORS);
  if (isPythonChoice(value)) {
    const label = `executor '${value.python}' (${source})`;
    if (python !== undefined) return python.load({ ...value, baseDirs, label });
    throw new ExecutorError(`${label} is in Python, and no plugin runs Python`, {
      remedy: 'Switch the built-in plugin `python` on.',
    });
  }
  if (typeof value !== 'string') return found(value, undefined, `the executor in ${source}`, source);
  const label = `executor '${value}' (${source})`;
  const named = node.executors.get(value);
  if (named !== undefined) return found(named, undefined, label, value);
  const whole = PACKAGE.test(value) ? await findPackage(node.modules, value, baseDirs, label) : undefined;
  if (whole !== undefined) return whole;

  const { module, attribute } = parseReference(value, label, [...node.executors.keys()]);
  if (/\.py$/i.test(module)) {
    const dotted = module.replace(/^\.\//, '').slice(0, -'.py'.length).replaceAll('/', '.');
    const remedy = PYTHON_MODULE.test(dotted)
      ? `Write ${dotted}:${attribute}, and start the node in the folder where that path starts, or install it as a package.`
      : `Write ${basename(module).slice(0, -'.py'.length)}:${attribute}, and start the node in the folder of the file or install it as a package.`;
    throw new ExecutorError(`${label} names a Python file, and Python knows modules`, { remedy });
  }
  const path = await resolveModule(node.modules, module, baseDirs, label);
  if (path === undefined) {
    const asked = python !== undefined && PYTHON_MODULE.test(module);
    const loaded = asked
      ? await python.loadIfThere({ python: `${module}:${attribute}`, baseDirs, label })
      : undefined;
    if (loaded !== undefined && !('missing' in loaded)) return loaded;
    const file = `./${module}`;
    if ((await resolveModule(node.modules, file, baseDirs, label)) !== undefined) {
      throw new ExecutorError(`${label} names a file without its './'`, {
        remedy: `Write ${file}:${attribute}`,
      });
    }
    throw notFound(module, baseDirs, label, loaded);
  }
  const exports = await importModule(node.modules, path, label);
  const exported = attributeOf(exports, attribute, module, label);
  return found(exported.value, exported.owner, label, value);
}

/** A package that is named alone: its entry for executors, else its main module; undefined if it is not installed. */
async function findPackage(
  modules: ModuleLoader,
  name: string,
  baseDirs: readonly string[],
  label: string,
): Promise<Found | undefined> {
  for (const module of [`${name}/${ENTRY}`, name]) {
    const path = await resolveModule(modules, module, baseDirs, label).catch(() => undefined);
    if (path === undefined) continue;
    const exports = await importModule(modules, path, label);
    const factory = factoryOf(exports);
    if (factory !== undefined) return found(factory, undefined, label, name);
    throw new ExecutorError(
      `${label}: module '${module}' exports no createExecutor, and no default; it exports ${exportsText(exports)}`,
      { remedy: `Name what makes the executor: ${module}:<export>` },
    );
  }
  return undefined;
}

/** What makes the executor of a package. */
export function factoryOf(exports: Namespace): unknown {
  // Checked with `in`: without a default export, the loader returns the module itself for `default`.
  const fallback = 'default' in exports ? exports['default'] : undefined;
  const nested = isRecord(fallback) ? fallback['createExecutor'] : undefined;
  return exports['createExecutor'] ?? nested ?? fallback ?? undefined;
}

/** A factory or class to call later, once, with the settings and what else it is given; or an executor as it is. `owner` is
 *  what a method is called on. Throws an ExecutorError that begins with `label` if `value` is neither. */
export function found(value: unknown, owner: unknown, label: string, source: string): Found {
  if (typeof value !== 'function') return { executor: normaliseExecutor(value, label), source };
  return { create: (settings, context) => makeExecutor(value, owner, label, [settings, context]), source };
}

async function makeExecutor(
  factory: Parameters<typeof Reflect.construct>[0],
  owner: unknown,
  label: string,
  args: Parameters<ExecutorFactory>,
): Promise<Executor> {
  let made: unknown;
  try {
    made = await (isClass(factory) ? Reflect.construct(factory, args) : Reflect.apply(factory, owner, args));
  } catch (thrown) {
    throw new ExecutorError(`${label} cannot be made: its factory threw: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  return normaliseExecutor(made, `${label}: what its factory returned`);
}

/** Imports a module by path or package name, as seen from the first of `baseDirs` from which there is one. */
export async function loadModule(
  modules: ModuleLoader,
  module: string,
  baseDirs: readonly string[],
  label: string,
): Promise<Namespace> {
  const path = await resolveModule(modules, module, baseDirs, label);
  if (path === undefined) throw notFound(module, baseDirs, label);
  return importModule(modules, path, label);
}

function notFound(
  module: string,
  baseDirs: readonly string[],
  label: string,
  inPython?: { missing: string; remedy: string },
): ExecutorError {
  const isPath = /^(\.|\/|file:|[a-z]:[\\/])/i.test(module);
  return new ExecutorError(
    `${label} cannot be found: there is no module '${module}' as seen from ${baseDirs.join(' or from ')}${inPython === undefined ? '' : `; ${inPython.missing}`}`,
    {
      remedy: isPath
        ? 'Check the path: it starts at the config file or, in the environment, at the working directory.'
        : (inPython?.remedy ?? `Install the package, or begin the path of a file with './'.`),
    },
  );
}

async function importModule(modules: ModuleLoader, path: string, label: string): Promise<Namespace> {
  try {
    return await modules.import(path);
  } catch (thrown) {
    if (thrown instanceof UntrustedError) {
      const [text = ''] = thrown.message.split('\n');
      throw new ExecutorError(`${label}: ${text}`, { cause: thrown, remedy: thrown.remedy ?? '' });
    }
    throw new ExecutorError(`${label} cannot be loaded: ${modules.failureText(thrown, path)}`, {
      cause: thrown,
      remedy: 'Correct it, and try it with: coda run',
    });
  }
}

async function resolveModule(
  modules: ModuleLoader,
  module: string,
  baseDirs: readonly string[],
  label: string,
): Promise<string | undefined> {
  for (const baseDir of baseDirs) {
    const path = await modules.resolve(module, baseDir).catch((thrown: unknown) => {
      throw new ExecutorError(`${label} cannot be found: ${messageOf(thrown)}`, { cause: thrown });
    });
    if (path !== undefined) return path;
  }
  return undefined;
}

/** Splits at the last colon: Windows paths and file URLs contain one, too. */
function parseReference(
  value: string,
  label: string,
  names: readonly string[],
): { module: string; attribute: string } {
  const colon = value.lastIndexOf(':');
  const module = value.slice(0, colon).trim();
  const attribute = value.slice(colon + 1).trim();
  if (colon > 0 && module !== '' && /^[^\s./\\][^\s/\\]*$/.test(attribute)) return { module, attribute };
  const dot = PYTHON_MODULE.test(value) ? value.lastIndexOf('.') : -1;
  const example = dot > 0 ? `${value.slice(0, dot)}:${value.slice(dot + 1)}` : './executor.ts:createExecutor';
  throw new ExecutorError(`${label} is neither \`module:attribute\` nor the name of an executor`, {
    remedy: `Write for example ${example}, or one of: ${names.join(', ')}.`,
  });
}

/** `attribute` may have dots. A CommonJS module may have its exports only in its default export. */
function attributeOf(
  exports: Namespace,
  attribute: string,
  module: string,
  label: string,
): { value: unknown; owner: unknown } {
  for (const root of [exports, exports['default']]) {
    let owner: unknown;
    let value: unknown = root;
    for (const name of attribute.split('.')) {
      owner = value;
      value = propertyOf(owner, name);
    }
    if (value !== undefined) return { value, owner: owner === exports ? undefined : owner };
  }
  throw new ExecutorError(
    `${label}: module '${module}' exports no '${attribute}'; it exports ${exportsText(exports)}`,
  );
}

/** What a module exports, for people. */
export function exportsText(exports: Namespace): string {
  const names = Object.keys(exports).filter((name) => name !== '__esModule');
  return names.length === 0
    ? 'nothing'
    : names.map((name) => `'${name}' (${kindOf(exports[name])})`).join(', ');
}

function propertyOf(owner: unknown, name: string): unknown {
  const hasProperties = (typeof owner === 'object' && owner !== null) || typeof owner === 'function';
  return hasProperties ? Reflect.get(owner, name) : undefined;
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
