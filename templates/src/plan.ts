// What happens to each file: decided for all of them before the first one is written.
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mergedManifest, type Manifest } from './manifest.ts';
import type { Files } from './render.ts';

/** `keep`: it is there, and its owner's; `same`: it is there, as it should be. */
export type Action = 'create' | 'change' | 'overwrite' | 'same' | 'keep';

export interface Step {
  readonly path: string;
  readonly action: Action;
  /** What the file holds afterwards. */
  readonly text: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** One sentence each. With any of them nothing is written. */
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
}

/** A project that has them has its own, and gets on with them; with what it then has to do itself. */
const KEPT: Readonly<Record<string, string>> = {
  'README.md': '',
  '.editorconfig': '',
  '.oxlintrc.json': '',
  '.vscode/settings.json':
    'to have site/device.yaml checked: "yaml.schemas": { "./site/device.schema.json": "site/device.yaml" }',
  '.vscode/extensions.json': '',
  '.github/workflows/ci.yml': 'let it run the tests of the new files',
  'tsconfig.json': 'it must put what is compiled from src/ into dist/src/, and from test/ into dist/test/',
  'pyproject.toml': 'add PyYAML to the dependencies, and pytest to those of the tests',
};

/** `overwrite`: what is in the way is replaced, but for files of the owner. */
export function plan(folder: string, files: Files, overwrite: boolean): Plan {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
    return { steps: [], conflicts: [`${folder} is there, and is not a folder`], notes: [] };
  }
  const steps: Step[] = [];
  const conflicts: string[] = [];
  const notes: string[] = [];
  for (const [path, text] of files) {
    const blocked = blockedBy(folder, path);
    if (blocked !== undefined) {
      conflicts.push(blocked);
      continue;
    }
    const present = textOf(join(folder, path));
    if (present === undefined) steps.push({ path, action: 'create', text });
    else if (present === text) steps.push({ path, action: 'same', text });
    else if (path === 'package.json') {
      const { manifest, conflicts: found, notes: told } = manifestPlan(present, text, overwrite);
      steps.push({ path, action: manifest === present ? 'same' : 'change', text: manifest });
      conflicts.push(...found);
      notes.push(...told);
    } else if (path === '.gitignore') {
      const lines = withLines(present, text);
      steps.push({ path, action: lines === present ? 'same' : 'change', text: lines });
    } else if (path in KEPT) {
      steps.push({ path, action: 'keep', text: present });
      const note = KEPT[path] ?? '';
      if (note !== '') notes.push(`${path} stays as it is: ${note}`);
    } else if (overwrite) steps.push({ path, action: 'overwrite', text });
    else conflicts.push(`${path} is there, and is another one`);
  }
  // A folder that is none is in the way of several files.
  return { steps, conflicts: [...new Set(conflicts)], notes };
}

function manifestPlan(
  present: string,
  text: string,
  overwrite: boolean,
): { manifest: string; conflicts: string[]; notes: readonly string[] } {
  let before: unknown;
  try {
    before = JSON.parse(present);
  } catch (thrown) {
    const what = thrown instanceof Error ? thrown.message : String(thrown);
    return { manifest: present, conflicts: [`package.json is not valid JSON: ${what}`], notes: [] };
  }
  if (typeof before !== 'object' || before === null || Array.isArray(before)) {
    return { manifest: present, conflicts: ['package.json holds no object'], notes: [] };
  }
  const merged = mergedManifest(before as Manifest, JSON.parse(text) as Manifest, overwrite);
  const isSame = JSON.stringify(merged.manifest) === JSON.stringify(before);
  const indent = /^[{[]\r?\n([ \t]+)/.exec(present)?.[1] ?? 2;
  return {
    manifest: isSame ? present : `${JSON.stringify(merged.manifest, null, indent)}\n`,
    conflicts: merged.conflicts.map((conflict) => `package.json: ${conflict}`),
    notes: merged.notes,
  };
}

/** `present` with the lines of `text` that it lacks. */
function withLines(present: string, text: string): string {
  const bare = (line: string): string => line.trim().replace(/^\/|\/$/g, '');
  const have = new Set(present.split(/\r?\n/).map(bare));
  const missing = text.split('\n').filter((line) => line !== '' && !have.has(bare(line)));
  if (missing.length === 0) return present;
  return `${present === '' || present.endsWith('\n') ? present : `${present}\n`}${missing.join('\n')}\n`;
}

/** A folder where the file should be, or a file where one of its folders should be: no option replaces that. */
function blockedBy(folder: string, path: string): string | undefined {
  const names = path.split('/');
  for (let depth = 1; depth <= names.length; depth++) {
    const part = names.slice(0, depth).join('/');
    const isWhole = depth === names.length;
    const found = statSync(join(folder, part), { throwIfNoEntry: false });
    // Writing would go where it leads.
    if (found === undefined)
      return isLink(join(folder, part)) ? `${part} is a link that leads nowhere` : undefined;
    if (isWhole ? !found.isFile() : !found.isDirectory()) {
      return `${part} is there, and is not a ${isWhole ? 'file' : 'folder'}`;
    }
  }
  return undefined;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** Undefined if it is not there. */
function textOf(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}
