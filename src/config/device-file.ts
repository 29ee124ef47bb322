// The device YAML. The node reads one key of it (PROTOCOL §11); all of it goes to the factory of the executor. What is odd
// in it is named by every command that shows what is wrong in the configuration.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';
import { isRecord, printable } from '../protocol/text.ts';
import { readYaml, YAML_REMEDY } from './yaml.ts';

const DEFAULT_PATH = 'site/device.yaml';
const KEY = 'executor_factory';
const LONGEST_KEY = 60;
/** Besides `executorFactory`, `executor-factory` and the like: so many letters may be wrong. */
const MOST_EDITS = 2;

export interface DeviceFile {
  readonly path: string;
  /** Empty if the file is. */
  readonly content: Readonly<Record<string, unknown>>;
  /** An error on what is at the end of `keys`, with its line; `fault` continues its name: `must be a number`. */
  readonly errorAt: (keys: readonly (string | number)[], fault: string) => ConfigError;
}

/** The device YAML; undefined if none is configured (`''`), and the default one is not there. Throws a ConfigError with file
 *  and line for a file that cannot be read or is broken. */
export async function readDevice(configured: string, cwd: string): Promise<DeviceFile | undefined> {
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
  const { content, fault, positionOf } = await readYaml(text);
  if (fault !== undefined) {
    throw new ConfigError(`the device config ${path}${fault.position} is not valid YAML: ${fault.message}`, {
      remedy: YAML_REMEDY,
    });
  }
  const mapping: unknown = content ?? {};
  if (!isRecord(mapping)) {
    throw new ConfigError(`the device config ${path} must hold a mapping (key: value) at its top level`);
  }
  return {
    path,
    content: mapping,
    errorAt: (keys, problem) =>
      new ConfigError(`${keysText(keys)} in the device config ${path}${positionOf(keys)} ${problem}`),
  };
}

/** `qubits[3].t1` */
export function keysText(keys: readonly (string | number)[]): string {
  const parts = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${printable(key, LONGEST_KEY)}`));
  return parts.join('').replace(/^\./, '');
}

/** One sentence each: keys that are there twice, and spellings of the key that nobody reads. A file that is broken, or
 *  not there, has none: the start says so. */
export async function deviceWarnings(path: string): Promise<string[]> {
  const text = path === '' ? undefined : await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const [{ distance }, { content, duplicates }] = await Promise.all([
    import('fastest-levenshtein'),
    readYaml(text),
  ]);
  const plain = (key: string): string => key.toLowerCase().replaceAll(/[^a-z]/g, '');
  const misspelt = Object.keys(isRecord(content) ? content : {}).filter(
    (key) => key !== KEY && distance(plain(key), plain(KEY)) <= MOST_EDITS,
  );
  return [
    ...duplicates.map(
      ({ key, position }) =>
        `the key ${printable(key, LONGEST_KEY)} is there twice in ${path}${position}; the last one counts`,
    ),
    ...misspelt.map(
      (key) =>
        `${printable(key, LONGEST_KEY)} in the device config ${path} is not read; did you mean ${KEY}?`,
    ),
  ];
}
