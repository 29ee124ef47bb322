// The device YAML: the node reads only its top-level key `executor_factory` (PROTOCOL §11).
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError, messageOf } from '../../src/index.ts';
import { kindOf, type ExecutorChoice } from '../../src/kit.ts';

const DEFAULT_PATH = 'site/device.yaml';

/**
 * The executor that the device YAML names; undefined if it names none, or if the default file is not there.
 * Throws a ConfigError with file and line for a file that cannot be read or is broken.
 */
export async function deviceChoice(configured: string, cwd: string): Promise<ExecutorChoice | undefined> {
  const path = resolve(cwd, configured === '' ? DEFAULT_PATH : configured);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (isMissing && configured === '') return undefined;
    throw new ConfigError(`the device config ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Check CODA_DEVICE_CONFIG.',
    });
  }
  const value = await executorFactoryIn(text, path);
  return value === undefined ? undefined : { value, baseDir: dirname(path), source: path };
}

async function executorFactoryIn(text: string, path: string): Promise<string | undefined> {
  const { isMap, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ConfigError(`the device config ${path}:${line}:${col} is not valid YAML: ${error.message}`);
  }
  if (document.contents === null) return undefined;
  if (!isMap(document.contents)) {
    throw new ConfigError(`the device config ${path} must hold a mapping (key: value) at its top level`);
  }
  const value: unknown = document.get('executor_factory');
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new ConfigError(
    `executor_factory in the device config ${path} must be \`module:attribute\`, but is ${
      value === '' ? 'empty' : kindOf(value)
    }`,
  );
}
