// The device YAML: the node reads only its top-level key `executor_factory` (PROTOCOL §11). What is odd in it is named when
// the configuration is loaded.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '../../src/index.ts';
import {
  baseDirsOf,
  isRecord,
  kindOf,
  readYaml,
  type ExecutorChoice,
  type ModuleLoader,
} from '../../src/kit.ts';

const DEFAULT_PATH = 'site/device.yaml';
const KEY = 'executor_factory';

/**
 * The executor that the device YAML names; undefined if it names none, or if the default file is not there.
 * Throws a ConfigError with file and line for a file that cannot be read or is broken.
 */
export async function deviceChoice(
  modules: Pick<ModuleLoader, 'check'>,
  configured: string,
  cwd: string,
): Promise<ExecutorChoice | undefined> {
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
  if (value === undefined) return undefined;
  modules.check(path, 'the device config');
  const [baseDir = '', linkedDir = baseDir] = baseDirsOf(path);
  return { value, baseDir, linkedDir, source: path };
}

async function executorFactoryIn(text: string, path: string): Promise<string | undefined> {
  const { content, fault } = await readYaml(text);
  if (fault !== undefined) {
    throw new ConfigError(`the device config ${path}${fault.position} is not valid YAML: ${fault.message}`);
  }
  if (content === undefined || content === null) return undefined;
  if (!isRecord(content)) {
    throw new ConfigError(`the device config ${path} must hold a mapping (key: value) at its top level`);
  }
  const value = content[KEY];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new ConfigError(
    `${KEY} in the device config ${path} must be \`module:attribute\`, but is ${
      value === '' ? 'empty' : kindOf(value)
    }`,
  );
}
