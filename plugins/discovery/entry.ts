// Whether a package offers an executor: an entry `executor-factory` in its `exports`, or a file or folder of that name in
// its root. If it only looks as if it should: what is wrong, and what to do.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../src/kit.ts';

export const ENTRY = 'executor-factory';
const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];
const ROOT_FILES = new Set(EXTENSIONS.map((extension) => `${ENTRY}${extension}`));
const INDEX_FILES = new Set(EXTENSIONS.map((extension) => `index${extension}`));
/** As in `exports`: without or with an extension. */
const SUBPATHS = [`./${ENTRY}`, ...[...ROOT_FILES].map((file) => `./${file}`)];
/** Names that somebody gave who meant the entry. */
const NEAR = /^executor[-_]?factory(?:\.(?!d\.[cm]?ts$|\w+\.map$)\w+)?$/i;
/** Where people keep what they forget to export. */
const INNER_FOLDERS = ['src', 'dist', 'lib', 'build'];

/** Where the entry is: a file, by its absolute path; or a subpath of the package's `exports`. */
export type Entry = { readonly file: string } | { readonly subpath: string };

/** Why there is none, although there seems to be. */
export interface Miss {
  readonly why: string;
  readonly remedy: string;
}

/** The entry of the package in `root`, whose package.json has the text `manifest`; undefined if nothing in it looks like
 *  one. `isOwn`: somebody works on it, so what is forgotten is worth a word. */
export function entryOf(root: string, manifest: string, isOwn: boolean): Entry | Miss | undefined {
  // Parsing takes most of the time, and hardly any package mentions an executor. A pattern may mean any name.
  const isMentioned = manifest.includes('executor');
  const exported = isMentioned || manifest.includes('"./*') ? exportedEntry(root, manifest) : undefined;
  if (exported !== undefined && !('why' in exported)) return exported;
  const entries = entriesOf(root);
  const inRoot = rootEntry(root, entries) ?? exported;
  if (inRoot !== undefined) return inRoot;
  return isOwn || isMentioned || manifest.includes('"coda-node"') ? missIn(root, entries) : undefined;
}

/** What a folder without a package.json has that looks like an entry. */
export function looseEntry(folder: string): Miss | undefined {
  const file = entriesOf(folder).find((name) => NEAR.test(name));
  if (file === undefined) return undefined;
  return {
    why: `${join(folder, file)} belongs to no package: there is no package.json`,
    remedy: `Name it: CODA_EXECUTOR_FACTORY=${referenceTo(file)}`,
  };
}

/** A folder that is missing or not readable counts as empty. */
export function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function exportedEntry(root: string, text: string): Entry | Miss | undefined {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    if (!text.includes(ENTRY)) return undefined;
    return { why: 'its package.json is not valid JSON', remedy: `Correct ${join(root, 'package.json')}.` };
  }
  const exports = isRecord(manifest) ? manifest['exports'] : undefined;
  if (!isRecord(exports)) return undefined;
  const named = SUBPATHS.find((subpath) => Object.hasOwn(exports, subpath));
  if (named !== undefined && exports[named] !== null) return { subpath: named };
  if (named !== undefined) {
    return { why: `its exports close ${named}: it is null`, remedy: 'Give it a file in exports.' };
  }
  const matching = Object.keys(exports).some((key) => hasFile(root, key, exports[key]));
  if (matching) return { subpath: `./${ENTRY}` };
  const near = Object.keys(exports).find((key) => NEAR.test(key.replace(/^\.\//, '')));
  if (near === undefined) return undefined;
  return {
    why: `its exports have ${near}, and the entry is ./${ENTRY}`,
    remedy: `Rename it to ./${ENTRY} in exports of package.json.`,
  };
}

/** Whether a pattern such as `./*` leads to a file for the entry. */
function hasFile(root: string, pattern: string, target: unknown): boolean {
  const [before = '', after, ...more] = pattern.split('*');
  const wanted = `./${ENTRY}`;
  if (after === undefined || more.length > 0) return false;
  if (!wanted.startsWith(before) || !wanted.endsWith(after) || wanted.length < before.length + after.length) {
    return false;
  }
  const matched = wanted.slice(before.length, wanted.length - after.length);
  return targetsOf(target).some((path) => isFile(join(root, path.replaceAll('*', matched))));
}

/** The files that the conditions of an export name. */
function targetsOf(target: unknown): readonly string[] {
  if (typeof target === 'string') return [target];
  if (Array.isArray(target)) return target.flatMap(targetsOf);
  return isRecord(target) ? Object.values(target).flatMap(targetsOf) : [];
}

function rootEntry(root: string, entries: readonly string[]): Entry | undefined {
  const like = entries.filter((name) => name.startsWith(ENTRY));
  const file = like.find((name) => ROOT_FILES.has(name));
  if (file !== undefined) return { file: join(root, file) };
  if (!like.includes(ENTRY)) return undefined;
  const index = entriesOf(join(root, ENTRY)).find((name) => INDEX_FILES.has(name));
  return index === undefined ? undefined : { file: join(root, ENTRY, index) };
}

function missIn(root: string, entries: readonly string[]): Miss | undefined {
  const near = entries.find((name) => NEAR.test(name));
  if (near !== undefined) {
    const path = join(root, near);
    if (near === ENTRY && isFile(path)) {
      return { why: `its file ${near} has no extension`, remedy: `Name it ${ENTRY}.js.` };
    }
    if (near === ENTRY) {
      return { why: `its folder ${near} has no index file`, remedy: `Add ${near}/index.js, or index.ts.` };
    }
    if (near.endsWith('.py')) {
      return {
        why: `its ${near} is in Python`,
        remedy: `Install it in the Python environment, or name it: CODA_EXECUTOR_FACTORY=${near.slice(0, -3)}:create_executor`,
      };
    }
    return {
      why: `its ${near} is not named ${ENTRY}`,
      remedy: `Rename it, or name it: CODA_EXECUTOR_FACTORY=${referenceTo(path)}`,
    };
  }
  for (const folder of INNER_FOLDERS) {
    const file = entries.includes(folder)
      ? entriesOf(join(root, folder)).find((name) => NEAR.test(name))
      : undefined;
    if (file === undefined) continue;
    return {
      why: `its ${folder}/${file} is not exported`,
      remedy: `Add "./${ENTRY}": "./${folder}/${file}" to exports of ${join(root, 'package.json')}, or name it: CODA_EXECUTOR_FACTORY=${referenceTo(join(root, folder, file))}`,
    };
  }
  return undefined;
}

function referenceTo(path: string): string {
  return `${path.startsWith('/') ? path : `./${path}`}:createExecutor`;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
