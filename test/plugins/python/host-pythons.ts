// The Pythons of this machine: the oldest and the newest that the host supports, and one with the original package.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface World {
  /** `Python 3.9.18, shim`. */
  readonly name: string;
  readonly python: string;
  readonly codaNode: string;
}

/** Made by `.ci/setup.mjs --python`: the original coda-node from PyPI, in an environment of its own. */
const WITH_ORIGINAL = resolve('dist', 'test-python', 'bin', 'python');
const OLDEST_MINOR = 9;

/** With the shim: the oldest Python and the newest; the same one if there is one only. */
export function shimWorlds(): World[] {
  const found = new Map<number, string>();
  for (const python of candidates()) {
    const minor = minorOf(python);
    if (minor !== undefined && minor >= OLDEST_MINOR && !found.has(minor)) found.set(minor, python);
  }
  const sorted = [...found].toSorted(([a], [b]) => a - b);
  return [...new Map([sorted.at(0), sorted.at(-1)].filter((pair) => pair !== undefined))].map(
    ([minor, python]) => ({ name: `Python 3.${minor}, shim`, python, codaNode: 'shim' }),
  );
}

/** With the original package; undefined if it could not be installed here. */
export function originalWorld(): World | undefined {
  const libraries = join(dirname(dirname(WITH_ORIGINAL)), 'lib');
  const isThere = (version: string): boolean =>
    existsSync(join(libraries, version, 'site-packages', 'coda_node'));
  if (!existsSync(libraries) || !readdirSync(libraries).some(isThere)) return undefined;
  return { name: 'the original package', python: WITH_ORIGINAL, codaNode: 'installed 0.1.1' };
}

/** The program uv; undefined if it could not be installed here. */
export function findUv(): string | undefined {
  const uv = join(dirname(WITH_ORIGINAL), 'uv');
  return existsSync(uv) ? uv : undefined;
}

export const NO_UV =
  'uv of PyPI is not installed in dist/test-python (node .ci/setup.mjs --python needs the network)';
export const NO_PYTHON = 'there is no Python 3.9 or newer on this machine';
export const NO_ORIGINAL =
  'the original coda-node of PyPI is not installed in dist/test-python (node .ci/setup.mjs --python needs the network)';

function candidates(): string[] {
  const minors = Array.from({ length: 12 }, (_, index) => OLDEST_MINOR + index);
  const pyenv = join(homedir(), '.pyenv', 'versions');
  const versions = existsSync(pyenv) ? readdirSync(pyenv) : [];
  return [
    'python3',
    ...versions.map((version) => join(pyenv, version, 'bin', 'python')),
    ...minors.map((minor) => `python3.${minor}`),
  ];
}

/** The minor version of a Python 3 without coda-node of its own; undefined if this is none. */
function minorOf(python: string): number | undefined {
  const script =
    'import sys, importlib.util as u; print(sys.version_info[0], sys.version_info[1], u.find_spec("coda_node"))';
  const { status, stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
  const [, minor] = (status === 0 && /^3 (\d+) None$/m.exec(stdout)) || [];
  return minor === undefined ? undefined : Number(minor);
}
