// The files of a project, from the templates: real files, which are a project themselves. What differs between projects is
// in lines between `#if` and `#endif`, and in the few names and numbers below.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mergedManifest, type Manifest } from './manifest.ts';
import { isLarge, type ExecutorProject, type Project } from './project.ts';
import type { Manager } from './usage.ts';

/** Text by path, with `/` between folders. */
export type Files = ReadonlyMap<string, string>;

/** How the other package managers say what npm says so. The first word that fits counts. */
const WORDS: Readonly<Record<Manager, readonly (readonly [npm: RegExp, word: string])[]>> = {
  npm: [],
  pnpm: [
    [/\bnpm ci\b/g, 'pnpm install --frozen-lockfile'],
    [/\bnpm(?= (?:install|test|start|run)\b)/g, 'pnpm'],
    [/\bnpx(?= coda\b)/g, 'pnpm exec'],
  ],
  yarn: [
    [/\bnpm ci\b/g, 'yarn install --frozen-lockfile'],
    [/\bnpm(?= (?:install|test|start|run)\b)/g, 'yarn'],
    [/\bnpx(?= coda\b)/g, 'yarn'],
  ],
  bun: [
    [/\bnpm ci\b/g, 'bun install --frozen-lockfile'],
    [/\bnpm (?=(?:test|start)\b)/g, 'bun run '],
    [/\bnpm(?= (?:install|run)\b)/g, 'bun'],
    [/\bnpx(?= coda\b)/g, 'bunx'],
  ],
};

/** `templates`: the folder with the layers. Later ones add to those before. */
export function render(project: Project, templates: string): Files {
  const files = new Map<string, string>();
  for (const layer of layersOf(project)) {
    const folder = join(templates, layer);
    for (const path of pathsBelow(folder)) {
      const text = readFileSync(join(folder, path), 'utf8');
      const name = filled(path, project).replace(/(^|\/)gitignore$/, '$1.gitignore');
      const before = name === 'package.json' ? files.get(name) : undefined;
      files.set(name, before === undefined ? text : layered(before, text));
    }
  }
  if (project.kind === 'executor') {
    const bell = join(templates, 'circuits', `bell.${project.target}.json`);
    files.set('circuits/bell.json', readFileSync(bell, 'utf8'));
  }
  if (project.isYarnBerry) files.set('.yarnrc.yml', 'nodeLinker: node-modules\n');
  return new Map(
    [...files]
      .map(([path, text]) => [path, finished(path, text, project)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** The command with which the package manager of the project does what npm's command does. */
export function command(text: string, { manager }: Pick<Project, 'manager'>): string {
  return WORDS[manager].reduce((said, [npm, word]) => said.replaceAll(npm, word), text);
}

function layersOf(project: Project): readonly string[] {
  if (project.kind === 'plugin') return ['shared', 'npm', `examples/${project.example}`, 'plugin'];
  const { language } = project;
  return language === 'python' ? ['shared', 'device', 'python'] : ['shared', 'npm', 'device', language];
}

function pathsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
}

function layered(before: string, text: string): string {
  const { manifest } = mergedManifest(JSON.parse(before) as Manifest, JSON.parse(text) as Manifest, true);
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function finished(path: string, text: string, project: Project): string {
  const own = filled(chosen(text, project), project);
  if (path === 'package.json') return withVersion(own, project);
  return /\.(?:md|yml)$/.test(path) ? command(own, project) : own;
}

/** Without the lines that are for other projects. */
function chosen(text: string, project: Project): string {
  const holds = (condition: string): boolean => {
    const name = condition.replace(/^!/, '');
    const isSo =
      name === project.manager ||
      (project.kind === 'plugin' && name === project.example) ||
      (project.kind === 'executor' &&
        (name === project.language ||
          (name === 'batch' && project.batch) ||
          (name === 'large' && isLarge(project))));
    return isSo !== condition.startsWith('!');
  };
  let shown = true;
  const lines = text.split('\n').filter((line) => {
    const [, word = '', condition = ''] = /^\s*(?:\/\/|#) #(if|endif)(?: (\S+))?$/.exec(line) ?? [];
    if (word !== '') shown = word === 'endif' || holds(condition);
    return word === '' && shown;
  });
  return lines.join('\n');
}

function filled(text: string, project: Project): string {
  if (project.kind === 'plugin') {
    return text.replaceAll(`coda-plugin-${project.example}`, project.name);
  }
  const { name, module, target, qubits } = project;
  return text
    .replaceAll('my-backend', name)
    .replaceAll('my_backend', module)
    .replaceAll(/(\btarget\W{1,3})cz\b/g, `$1${target}`)
    .replaceAll(/(\bqubits\W{1,3})5\b/g, `$1${qubits}`)
    .replace(/^couplers:\n(?: {2}- .*\n)+/m, couplers(project));
}

/** A line of qubits, as a beginning. */
function couplers({ qubits }: ExecutorProject): string {
  const pairs = Array.from({ length: qubits - 1 }, (_, qubit) => `  - [${qubit}, ${qubit + 1}]\n`);
  return `couplers:\n${pairs.join('')}`;
}

function withVersion(text: string, { codaNode }: Project): string {
  const manifest = JSON.parse(text) as Manifest;
  for (const section of ['dependencies', 'devDependencies'] as const) {
    if (manifest[section]?.['coda-node'] !== undefined) manifest[section]['coda-node'] = codaNode;
  }
  // Who installs the package has one from a registry.
  const peers = manifest.peerDependencies;
  if (peers?.['coda-node'] !== undefined && !codaNode.includes(':')) peers['coda-node'] = codaNode;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
