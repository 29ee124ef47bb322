// Searches the installed packages for one that provides an executor, where Node itself would find them:
// the node_modules of the working directory and of each folder above it, the nearest first (PROTOCOL §11).
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, type CodaNode, type Logger } from '../../src/index.ts';
import { isRecord, type LoadedExecutor } from '../../src/kit.ts';
import { loadModule, makeExecutor } from './choice.ts';

const ENTRY = 'executor-factory';
const ROOT_FILES = [`${ENTRY}.js`, `${ENTRY}.mjs`, `${ENTRY}.cjs`];
/** Packages to read at the same time: enough to keep the disk busy, few enough for the limit on open files. */
const AT_ONCE = 32;

interface Candidate {
  readonly name: string;
  /** The path or package to import, as seen from `baseDir`. */
  readonly module: string;
  readonly baseDir: string;
}

/** The executor of the only package that provides one; undefined for none or, with a warning, for several. */
export async function findPackageExecutor(
  node: Pick<CodaNode, 'modules' | 'settings'>,
  cwd: string,
  log: Logger,
): Promise<LoadedExecutor | undefined> {
  const usable: { label: string; factory: unknown }[] = [];
  for (const { name, module, baseDir } of await findCandidates(cwd)) {
    const label = `${name}/${ENTRY}`;
    try {
      const factory = factoryOf(await loadModule(node.modules, module, baseDir, `package ${label}`));
      if (factory === undefined) log.warn(`package ${label} exports no createExecutor and is skipped`);
      else usable.push({ label, factory });
    } catch (thrown) {
      log.warn(`${messageOf(thrown)}; it is skipped`);
    }
  }

  const [only, ...others] = usable;
  if (only === undefined) return undefined;
  if (others.length > 0) {
    log.warn(
      `${usable.length} packages provide an executor, and none is chosen: ${usable.map(({ label }) => label).join(', ')}. ` +
        `Name one: CODA_EXECUTOR_FACTORY=${only.label}:createExecutor`,
    );
    return undefined;
  }
  const executor = await makeExecutor(only.factory, undefined, `executor ${only.label}`, node.settings);
  return { executor, source: only.label };
}

function factoryOf(exports: Readonly<Record<string, unknown>>): unknown {
  // Checked with `in`: without a default export, the loader returns the module itself for `default`.
  const fallback = 'default' in exports ? exports['default'] : undefined;
  const nested = isRecord(fallback) ? fallback['createExecutor'] : undefined;
  return exports['createExecutor'] ?? nested ?? fallback ?? undefined;
}

async function findCandidates(cwd: string): Promise<Candidate[]> {
  const candidates = new Map<string, Candidate | undefined>();
  for (const folder of foldersUpwards(cwd)) {
    const names = (await packageNames(join(folder, 'node_modules'))).filter((name) => !candidates.has(name));
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const chunk = names.slice(from, from + AT_ONCE);
      const found = await Promise.all(chunk.map((name) => candidateIn(folder, name)));
      // A package without the entry counts too: it hides packages of the same name further up.
      chunk.forEach((name, index) => candidates.set(name, found[index]));
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
