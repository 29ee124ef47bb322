// The executor that an installed package offers without being named (PROTOCOL §11). Imports what the search has found, but
// calls no factory.
import { ExecutorError, type CodaNode, type Logger } from '../../src/index.ts';
import { PYTHON_EXECUTORS, type ModuleLoader } from '../../src/kit.ts';
import { exportsText, factoryOf, found, loadModule, type Found } from './choice.ts';
import { ENTRY } from './entry.ts';
import { findPackages, type Candidate } from './packages.ts';

/** More than one package provides an executor, so none is chosen. */
export interface Several {
  /** The packages, as they can be named in CODA_EXECUTOR_FACTORY. */
  readonly several: readonly string[];
}

export interface Usable {
  readonly label: string;
  /** What to name in CODA_EXECUTOR_FACTORY. */
  readonly reference: string;
  readonly found: Found;
  /** Undefined for one in Python. */
  readonly candidate: Candidate | undefined;
}

export interface Broken {
  readonly candidate: Candidate | undefined;
  readonly error: ExecutorError;
}

export interface Loaded {
  readonly usable: readonly Usable[];
  readonly broken: readonly Broken[];
}

type Parts = Pick<CodaNode, 'modules' | 'services' | 'env'>;

/**
 * The executor of the only package that provides one; undefined if no package does; if several do, their
 * names, with a warning.
 * Throws an ExecutorError if packages say that they provide one, and none of them can be loaded: a node that then answered
 * with zeros, or with another executor, would invent results.
 */
export async function findPackageExecutor(
  node: Parts,
  cwd: string,
  log: Logger,
): Promise<Found | Several | undefined> {
  const { usable, broken } = await loadCandidates(node, findPackages(cwd, node.env).candidates);
  const failures = broken.map(({ error }) => error);
  const [only, ...others] = usable;
  if (only === undefined) {
    if (failures.length <= 1) {
      if (failures[0] !== undefined) throw failures[0];
      return undefined;
    }
    throw new ExecutorError(
      `${failures.length} packages should provide an executor, and none can be used:\n  ${failures.map(firstLineOf).join('\n  ')}`,
      { remedy: 'Correct or remove them, or name an executor in CODA_EXECUTOR_FACTORY.' },
    );
  }
  for (const failure of failures) log.warn(`${firstLineOf(failure)}; it is skipped`);
  if (others.length === 0) return only.found;
  const several = usable.map(({ label }) => label);
  log.warn(`${severalText(several)}. Name one: CODA_EXECUTOR_FACTORY=${only.reference}`);
  return { several };
}

/** Imports the candidates, and asks Python for its own. */
export async function loadCandidates(node: Parts, candidates: readonly Candidate[]): Promise<Loaded> {
  const usable: Usable[] = [];
  const broken: Broken[] = [];
  for (const candidate of candidates) {
    try {
      usable.push(await load(node.modules, candidate));
    } catch (thrown) {
      if (!(thrown instanceof ExecutorError)) throw thrown;
      broken.push({ candidate, error: thrown });
    }
  }
  const inPython = await node.services.find(PYTHON_EXECUTORS)?.installed();
  for (const recipe of inPython?.executors ?? []) {
    const { source } = recipe;
    usable.push({ label: source, reference: source, found: recipe, candidate: undefined });
  }
  for (const text of inPython?.failures ?? []) {
    broken.push({ candidate: undefined, error: new ExecutorError(text) });
  }
  return { usable, broken };
}

export function severalText(several: readonly string[]): string {
  return `${several.length} packages provide an executor, and none is chosen: ${several.join(', ')}`;
}

/** The message without its remedy. */
export function firstLineOf({ message }: ExecutorError): string {
  return message.split('\n  → ')[0] ?? message;
}

async function load(modules: ModuleLoader, candidate: Candidate): Promise<Usable> {
  const { name, module, baseDir } = candidate;
  const label = `${name}/${ENTRY}`;
  const exports = await loadModule(modules, module, [baseDir], `executor of the package ${label}`);
  const factory = factoryOf(exports);
  if (factory !== undefined) {
    const attribute = 'default' in exports && exports['default'] === factory ? 'default' : 'createExecutor';
    return {
      label,
      reference: `${module}:${attribute}`,
      found: found(factory, undefined, `executor ${label}`, label),
      candidate,
    };
  }
  throw new ExecutorError(
    `the package ${label} exports no createExecutor; it exports ${exportsText(exports)}`,
    { remedy: 'Export it, remove the package, or name another executor in CODA_EXECUTOR_FACTORY.' },
  );
}
