// Loads the executor that the configuration names.
import { ExecutorError, messageOf, type CodaNode, type Executor, type Settings } from '../../src/index.ts';
import {
  kindOf,
  type ExecutorChoice,
  type LoadedExecutor,
  type ModuleLoader,
  type Namespace,
} from '../../src/kit.ts';
import { normaliseExecutor } from './normalise.ts';

/**
 * Loads the chosen executor: a name in `node.executors`, `module:attribute`, a factory, or an executor.
 * Throws an ExecutorError that names the choice, where it was made, and what is wrong with it (PROTOCOL §11).
 */
export async function loadExecutor(
  node: Pick<CodaNode, 'executors' | 'modules' | 'settings'>,
  { value, baseDir, source }: ExecutorChoice,
): Promise<LoadedExecutor> {
  if (typeof value !== 'string') {
    const executor = await makeExecutor(value, undefined, `the executor in ${source}`, node.settings);
    return { executor, source };
  }
  const label = `executor '${value}' (${source})`;
  const named = node.executors.get(value);
  if (named !== undefined) {
    return { executor: await makeExecutor(named, undefined, label, node.settings), source: value };
  }

  const { module, attribute } = parseReference(value, label, [...node.executors.keys()]);
  const exports = await loadModule(node.modules, module, baseDir, label);
  const { found, owner } = attributeOf(exports, attribute, module, label);
  return { executor: await makeExecutor(found, owner, label, node.settings), source: value };
}

/**
 * Makes an executor of a factory or class, called once with the settings, or takes the executor as it is.
 * `owner` is what a method is called on.
 */
export async function makeExecutor(
  value: unknown,
  owner: unknown,
  label: string,
  settings: Settings,
): Promise<Executor> {
  if (typeof value !== 'function') return normaliseExecutor(value, label);
  let made: unknown;
  try {
    made = await (isClass(value)
      ? Reflect.construct(value, [settings])
      : Reflect.apply(value, owner, [settings]));
  } catch (thrown) {
    throw new ExecutorError(`${label} cannot be made: its factory threw: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  return normaliseExecutor(made, `${label}: what its factory returned`);
}

/** Imports a module by path or package name, as seen from `baseDir`. */
export async function loadModule(
  modules: ModuleLoader,
  module: string,
  baseDir: string,
  label: string,
): Promise<Namespace> {
  const path = await modules.resolve(module, baseDir).catch((thrown: unknown) => {
    throw new ExecutorError(`${label} cannot be found: ${messageOf(thrown)}`, { cause: thrown });
  });
  if (path === undefined) {
    const isPath = /^(\.|\/|file:|[a-z]:[\\/])/i.test(module);
    throw new ExecutorError(
      `${label} cannot be found: there is no module '${module}' as seen from ${baseDir}`,
      {
        remedy: isPath
          ? 'Check the path: it starts at the config file or, in the environment, at the working directory.'
          : `Install the package, or begin the path of a file with './'.`,
      },
    );
  }
  try {
    return await modules.import(path);
  } catch (thrown) {
    throw new ExecutorError(`${label} cannot be loaded: ${modules.failureText(thrown, path)}`, {
      cause: thrown,
    });
  }
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
  throw new ExecutorError(`${label} is neither \`module:attribute\` nor the name of an executor`, {
    remedy: `Write for example ./executor.ts:createExecutor, or one of: ${names.join(', ')}.`,
  });
}

/** `attribute` may have dots. A CommonJS module may have its exports only in its default export. */
function attributeOf(
  exports: Namespace,
  attribute: string,
  module: string,
  label: string,
): { found: unknown; owner: unknown } {
  for (const root of [exports, exports['default']]) {
    let owner: unknown;
    let found: unknown = root;
    for (const name of attribute.split('.')) {
      owner = found;
      found = propertyOf(owner, name);
    }
    if (found !== undefined) return { found, owner: owner === exports ? undefined : owner };
  }
  const names = Object.keys(exports).filter((name) => name !== '__esModule');
  throw new ExecutorError(
    `${label}: module '${module}' exports no '${attribute}'; it exports ${
      names.length === 0 ? 'nothing' : names.map((name) => `'${name}' (${kindOf(exports[name])})`).join(', ')
    }`,
  );
}

function propertyOf(owner: unknown, name: string): unknown {
  const hasProperties = (typeof owner === 'object' && owner !== null) || typeof owner === 'function';
  return hasProperties ? Reflect.get(owner, name) : undefined;
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
