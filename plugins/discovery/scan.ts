// Searches the installed packages for one that provides an executor, where Node itself would find them:
// the node_modules of the working directory and of each folder above it, the nearest first (PROTOCOL §11).
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ExecutorError, type CodaNode, type Logger } from '../../src/index.ts';
import { isRecord, PYTHON_EXECUTORS, type ModuleLoader } from '../../src/kit.ts';
import { ENTRY, exportsText, factoryOf, found, loadModule, type Found } from './choice.ts';

const ROOT_FILES = [`${ENTRY}.js`, `${ENTRY}.mjs`, `${ENTRY}.cjs`];
/** Packages to read at the same time: enough to keep the disk busy, few enough for the limit on open files. */
const AT_ONCE = 32;

interface Candidate {
  readonly name: string;
  /** The path or package to import, as seen from `baseDir`. */
  readonly module: string;
  readonly baseDir: string;
}

/** More than one package provides an executor, so none is chosen. */
export interface Several {
  /** The packages, as they can be named in CODA_EXECUTOR_FACTORY. */
  readonly several: readonly string[];
}

interface Usable {
  readonly label: string;
  /** What to name in CODA_EXECUTOR_FACTORY. */
  readonly reference: string;
  readonly found: Found;
}

/**
 * The executor of the only package that provides one; undefined if no package does; if several do, their
 * names, with a warning.
 * Throws an ExecutorError if packages say that they provide one, and none of them can be loaded: a node that then answered
 * with zeros, or with another executor, would invent results.
 */
export async function findPackageExecutor(
  node: Pick<CodaNode, 'modules' | 'services'>,
  cwd: string,
  log: Logger,
): Promise<Found | Several | undefined> {
  const usable: Usable[] = [];
  const failures: ExecutorError[] = [];
  for (const candidate of await findCandidates(cwd)) {
    try {
      usable.push(await load(node.modules, candidate));
    } catch (thrown) {
      if (!(thrown instanceof ExecutorError)) throw thrown;
      failures.push(thrown);
    }
  }
  const inPython = await node.services.find(PYTHON_EXECUTORS)?.installed();
  for (const recipe of inPython?.executors ?? []) {
    usable.push({ label: recipe.source, reference: recipe.source, found: recipe });
  }
  failures.push(...(inPython?.failures ?? []).map((text) => new ExecutorError(text)));

  const [only, ...others] = usable;
  if (only === undefined) {
    if (failures.length <= 1) {
      if (failures[0] !== undefined) throw failures[0];
      return undefined;
    }
    const texts = failures.map(({ message }) => message.split('\n  → ')[0]);
    throw new ExecutorError(
      `${failures.length} packages should provide an executor, and none can be used:\n  ${texts.join('\n  ')}`,
      { remedy: 'Correct or remove them, or name an executor in CODA_EXECUTOR_FACTORY.' },
    );
  }
  for (const { message } of failures) log.warn(`${message.split('\n  → ')[0]}; it is skipped`);
  if (others.length === 0) return only.found;
  const several = usable.map(({ label }) => label);
  log.warn(`${severalText(several)}. Name one: CODA_EXECUTOR_FACTORY=${only.reference}`);
  return { several };
}

export function severalText(several: readonly string[]): string {
  return `${several.length} packages provide an executor, and none is chosen: ${several.join(', ')}`;
}

async function load(modules: ModuleLoader, { name, module, baseDir }: Candidate): Promise<Usable> {
  const label = `${name}/${ENTRY}`;
  const exports = await loadModule(modules, module, [baseDir], `executor of the package ${label}`);
  const factory = factoryOf(exports);
  if (factory !== undefined) {
    return {
      label,
      reference: `${label}:createExecutor`,
      found: found(factory, undefined, `executor ${label}`, label),
    };
  }
  throw new ExecutorError(
    `the package ${label} exports no createExecutor; it exports ${exportsText(exports)}`,
    { remedy: 'Remove the package, or name another executor in CODA_EXECUTOR_FACTORY.' },
  );
}

async function findCandidates(cwd: string): Promise<Candidate[]> {
  const candidates = new Map<string, Candidate | undefined>();
  for (const folder of foldersUpwards(cwd)) {
    const names = (await packageNames(join(folder, 'node_modules'))).filter((name) => !candidates.has(name));
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const chunk = names.slice(from, from + AT_ONCE);
      const inChunk = await Promise.all(chunk.map((name) => candidateIn(folder, name)));
      // A package without the entry counts too: it hides packages of the same name further up.
      chunk.forEach((name, index) => candidates.set(name, inChunk[index]));
    }
  }
  return [...candidates.values()].filter((candidate) => candidate !== undefined);
}

function foldersUpwards(folder: string): string[] {
  const parent = dirname(folder);
  const above = parent === folder ? [] : foldersUpwards(parent);
  return basename(folder) === 'node_modules' ? above : [folder, ...above];
}

async function packageNames(nodeModules: string): Promise<string[]> {
  const names = (await entriesOf(nodeModules)).filter((name) => !name.startsWith('.'));
  const scopes = names.filter((name) => name.startsWith('@'));
  const scoped = await Promise.all(
    scopes.map(async (scope) =>
      (await entriesOf(join(nodeModules, scope))).map((name) => `${scope}/${name}`),
    ),
  );
  return [...names.filter((name) => !name.startsWith('@')), ...scoped.flat()].toSorted();
}

async function candidateIn(folder: string, name: string): Promise<Candidate | undefined> {
  const root = join(folder, 'node_modules', name);
  const entries = await entriesOf(root);
  if (!entries.includes('package.json')) return undefined;
  if (exportsEntry(await readFile(join(root, 'package.json'), 'utf8').catch(() => ''))) {
    return { name, module: `${name}/${ENTRY}`, baseDir: folder };
  }
  const file = ROOT_FILES.find((candidate) => entries.includes(candidate));
  return file === undefined ? undefined : { name, module: join(root, file), baseDir: folder };
}

function exportsEntry(packageJson: string): boolean {
  // Parsing takes most of the time, and hardly any package mentions an executor.
  if (!packageJson.includes(ENTRY)) return false;
  try {
    const manifest: unknown = JSON.parse(packageJson);
    const exports = isRecord(manifest) ? manifest['exports'] : undefined;
    return isRecord(exports) && (exports[`./${ENTRY}`] ?? null) !== null;
  } catch {
    return false;
  }
}

/** A folder that is missing or not readable counts as empty. */
function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
