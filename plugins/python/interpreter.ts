// Chooses the Python that runs the executor: the one that is named, else the one that Python's own tools would take.
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../src/index.ts';
import { isProgram } from '../../src/kit.ts';

export interface Interpreter {
  readonly path: string;
  /** Why this one, for people: `CODA_PYTHON`, `the nearest .venv`. */
  readonly why: string;
}

export interface Search {
  /** An option of the executor's. */
  readonly option?: string | undefined;
  /** CODA_PYTHON. */
  readonly setting: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the search for a virtual environment starts; a relative `option` starts at the first of them. */
  readonly baseDirs: readonly string[];
  readonly cwd: string;
}

const PROBE_MS = 10_000;
const NAMES = ['python3', 'python'];
const REMEDY =
  'Name the interpreter of the environment in which the driver is installed, or the folder of that environment: CODA_PYTHON=/path/to/.venv';

/** Undefined if this machine has none. Throws a ConfigError for one that is named and not there. */
export function findInterpreter({ option, setting, env, baseDirs, cwd }: Search): Interpreter | undefined {
  const [baseDir = cwd] = baseDirs;
  if (option !== undefined && option !== '')
    return named(option, baseDir, 'interpreter of the executor', env);
  if (setting !== '') return named(setting, cwd, 'CODA_PYTHON', env);
  const starts = [...new Set([...baseDirs, cwd])];
  return (
    activeInterpreter(env, cwd, ['VIRTUAL_ENV']) ??
    // Where uv keeps the environment of a project, if it is not .venv; a relative path starts at the project's root.
    nearest(starts, env['UV_PROJECT_ENVIRONMENT'] ?? '', 'UV_PROJECT_ENVIRONMENT') ??
    nearest(starts, '.venv', 'the nearest .venv') ??
    fallback(env, cwd)
  );
}

/** The one that the operator has told the node of, if there is one. Throws as `findInterpreter`. */
export function toldInterpreter(
  setting: string,
  env: NodeJS.ProcessEnv,
  cwd: string,
): Interpreter | undefined {
  if (setting !== '') return named(setting, cwd, 'CODA_PYTHON', env);
  return activeInterpreter(env, cwd, ['VIRTUAL_ENV', 'CONDA_PREFIX']);
}

/** The version of a Python that cannot run the host; undefined if it is none. */
export async function versionOf(path: string): Promise<string | undefined> {
  const script = 'import sys; sys.stdout.write("%d.%d.%d" % sys.version_info[:3])';
  const { stdout } = await promisify(execFile)(path, ['-c', script], { timeout: PROBE_MS }).catch(() => ({
    stdout: '',
  }));
  return /^\d+\.\d+\.\d+$/.exec(stdout)?.[0];
}

function activeInterpreter(
  env: NodeJS.ProcessEnv,
  cwd: string,
  variables: readonly string[],
): Interpreter | undefined {
  for (const variable of variables) {
    const folder = env[variable];
    if (folder === undefined || folder === '') continue;
    const path = inEnvironment(resolve(cwd, folder));
    if (path !== undefined) return { path, why: variable };
  }
  return undefined;
}

function nearest(starts: readonly string[], name: string, why: string): Interpreter | undefined {
  if (name === '') return undefined;
  for (const folder of starts.flatMap(upwards)) {
    const path = inEnvironment(resolve(folder, name));
    if (path !== undefined) return { path, why };
  }
  return undefined;
}

function fallback(env: NodeJS.ProcessEnv, cwd: string): Interpreter | undefined {
  const conda = activeInterpreter(env, cwd, ['CONDA_PREFIX']);
  if (conda !== undefined) return conda;
  for (const name of NAMES) {
    const path = onPath(name, env);
    if (path !== undefined) return { path, why: `${name} on the PATH` };
  }
  return undefined;
}

function named(text: string, baseDir: string, why: string, env: NodeJS.ProcessEnv): Interpreter {
  const found = isAbsolute(text) || /[\\/]/.test(text) ? undefined : onPath(text, env);
  const path = found ?? resolve(baseDir, text);
  const inFolder = isFolder(path) ? inEnvironment(path) : undefined;
  if (inFolder !== undefined) return { path: inFolder, why };
  if (isProgram(path)) return { path, why };
  const fault = !existsSync(path)
    ? 'is not there'
    : isFolder(path)
      ? 'is a folder without bin/python'
      : 'cannot be executed';
  throw new ConfigError(`the Python interpreter ${path} (${why}) ${fault}`, { remedy: REMEDY });
}

function inEnvironment(folder: string): string | undefined {
  return [join(folder, 'bin', 'python'), join(folder, 'bin', 'python3')].find(isProgram);
}

function upwards(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...upwards(parent)];
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
