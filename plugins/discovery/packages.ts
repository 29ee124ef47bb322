// Finds the packages that offer an executor, without importing any: those that a program in the working directory could
// import, else those beside this program, and those that are installed for the whole machine (PROTOCOL §11).
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../src/kit.ts';
import { entriesOf, entryOf, looseEntry, type Entry, type Miss } from './entry.ts';

export interface Candidate {
  readonly name: string;
  /** Its folder. */
  readonly place: string;
  /** The path or package to import, as seen from `baseDir`. */
  readonly module: string;
  readonly baseDir: string;
}

export interface PassedOver extends Miss {
  readonly name: string;
  readonly place: string;
}

export interface Packages {
  readonly candidates: readonly Candidate[];
  readonly passedOver: readonly PassedOver[];
  /** The node_modules that were searched. */
  readonly folders: readonly string[];
  readonly packages: number;
}

/** Reads synchronously: for thousands of small files that takes a third of the time. */
export function findPackages(cwd: string, env: NodeJS.ProcessEnv): Packages {
  const search = new PackageSearch();
  search.own(cwd);
  for (const folder of foldersUpwards(cwd)) search.in(folder);
  if (search.candidates.length === 0) for (const folder of machineFolders(env)) search.in(folder);
  return search;
}

class PackageSearch implements Packages {
  readonly candidates: Candidate[] = [];
  readonly passedOver: PassedOver[] = [];
  readonly folders: string[] = [];
  packages = 0;
  /** By name, where the nearest package is: it hides those further up, also if it offers nothing. */
  readonly #nearest = new Map<string, string>();

  /** The package that the working directory is in: nothing has to be installed to try it. */
  own(cwd: string): void {
    const root = foldersUpwards(cwd).find((folder) => existsSync(join(folder, 'package.json')));
    const manifest = root === undefined ? undefined : manifestOf(root);
    if (root === undefined || manifest === undefined) {
      const miss = looseEntry(cwd);
      if (miss !== undefined) this.passedOver.push({ name: basename(cwd), place: cwd, ...miss });
      return;
    }
    const name = nameIn(manifest) ?? basename(root);
    this.#look(name, root, root, entryOf(root, manifest, true));
  }

  /** The packages in the node_modules of a folder. */
  in(folder: string): void {
    const nodeModules = join(folder, 'node_modules');
    if (this.folders.includes(nodeModules)) return;
    const names = packageNames(nodeModules);
    if (names.length > 0) this.folders.push(nodeModules);
    for (const name of names) {
      const root = join(nodeModules, name);
      const manifest = manifestOf(root);
      if (manifest === undefined) continue;
      this.packages += 1;
      const entry = entryOf(root, manifest, false);
      const nearest = this.#nearest.get(name);
      if (nearest === undefined) this.#look(name, root, folder, entry);
      else if (entry !== undefined && !('why' in entry)) this.#noteHidden(name, root, nearest);
    }
  }

  #look(name: string, root: string, baseDir: string, entry: Entry | Miss | undefined): void {
    this.#nearest.set(name, root);
    if (entry === undefined) return;
    if ('why' in entry) {
      this.passedOver.push({ name, place: root, ...entry });
      return;
    }
    const module = 'file' in entry ? entry.file : `${name}${entry.subpath.slice(1)}`;
    this.candidates.push({ name, place: root, module, baseDir });
  }

  #noteHidden(name: string, place: string, nearest: string): void {
    // A package of a workspace is in node_modules as a link.
    if (realpathSync(place) === realpathSync(nearest)) return;
    const why = `the package of the same name in ${nearest} is nearer`;
    this.passedOver.push({ name, place, why, remedy: 'Remove one of the two.' });
  }
}

/** The text of package.json; undefined if there is none. */
function manifestOf(root: string): string | undefined {
  try {
    return readFileSync(`${root}/package.json`, 'utf8');
  } catch {
    return undefined;
  }
}

function packageNames(nodeModules: string): readonly string[] {
  return entriesOf(nodeModules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? entriesOf(join(nodeModules, name)).map((inner) => `${name}/${inner}`) : [name],
    )
    .toSorted();
}

function foldersUpwards(folder: string): readonly string[] {
  const parent = dirname(folder);
  const above = parent === folder ? [] : foldersUpwards(parent);
  return basename(folder) === 'node_modules' ? above : [folder, ...above];
}

/** The folders whose node_modules serve the whole machine, or at least this program. */
function machineFolders(env: NodeJS.ProcessEnv): readonly string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  const isWindows = process.platform === 'win32';
  // Where npm install -g puts packages.
  const prefixes = [
    env['npm_config_prefix'],
    env['PREFIX'],
    resolve(process.execPath, '..', ...(isWindows ? [] : ['..'])),
  ];
  const global = prefixes
    .filter((prefix): prefix is string => prefix !== undefined && prefix !== '')
    .map((prefix) => (isWindows ? prefix : join(prefix, 'lib')));
  const user = isWindows && env['APPDATA'] !== undefined ? [join(env['APPDATA'], 'npm')] : [];
  const named = (env['NODE_PATH'] ?? '')
    .split(delimiter)
    .filter((path) => basename(path) === 'node_modules')
    .map((path) => dirname(resolve(path)));
  return [...foldersUpwards(here), ...named, ...user, ...global];
}

function nameIn(text: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(text);
    const name = isRecord(manifest) ? manifest['name'] : undefined;
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
