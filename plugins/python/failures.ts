// What to say if Python cannot load an executor: which interpreter, which module, why, and what to do.
import { ExecutorError } from '../../src/index.ts';
import type { Head } from './host.ts';
import type { Interpreter } from './interpreter.ts';

const OLDEST = [3, 9] as const;

/** `Python 3.11.7 at /lab/.venv/bin/python (the nearest .venv)`. */
export function describePython({ path, why }: Interpreter, version = ''): string {
  return `Python ${version}${version === '' ? '' : ' '}at ${path} (${why})`;
}

/** For a module that is nowhere. */
export function howToInstall(module: string, python: string): string {
  const [name = module] = module.split('.');
  return (
    `In JavaScript: install the package, or begin the path of a file with './'. In Python: start the node in the folder of ${name}, ` +
    `or install its package: ${python} -m pip install ${name}   or   uv pip install --python ${python} ${name}   or name another interpreter: CODA_PYTHON`
  );
}

export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

export function tooOld(interpreter: Interpreter, version: string): string {
  return `${describePython(interpreter, version)} is too old: Python ${OLDEST.join('.')} or newer is needed`;
}

/** The error of `failed_start`. */
export function startFailure(label: string, python: string, head: Head): ExecutorError {
  const { stage, hint } = head;
  const what = stage === 'factory' ? 'cannot be made: its factory threw' : 'cannot be loaded';
  const type =
    stage === 'executor' || stage === 'device' || stage === 'name' ? '' : `${String(head['type'])}: `;
  const place = stage === 'import' || stage === 'factory' ? placeOf(head['traceback']) : '';
  return new ExecutorError(`${label} ${what}: ${place}${type}${String(head['message'])}; in ${python}`, {
    remedy: typeof hint === 'string' ? hint : 'Correct it, and try it with: coda run',
  });
}

/** The last line of the driver's own code in a traceback: `/lab/rig.py:2: `. */
function placeOf(traceback: unknown): string {
  if (typeof traceback !== 'string') return '';
  const places = [...traceback.matchAll(/^ *File "([^"<]+)", line (\d+)/gm)].filter(
    ([, file = '']) => !file.includes('/importlib/'),
  );
  const [, file, line] = places.at(-1) ?? [];
  return file === undefined ? '' : `${file}:${line}: `;
}
