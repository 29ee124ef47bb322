// What is odd in the device YAML, of which the node reads one key (PROTOCOL §11): every command that shows what is wrong
// in the configuration shows this too.
import { readFile } from 'node:fs/promises';
import { isRecord, printable } from '../protocol/text.ts';
import { readYaml } from './yaml.ts';

const KEY = 'executor_factory';
const LONGEST_KEY = 60;
/** Besides `executorFactory`, `executor-factory` and the like: so many letters may be wrong. */
const MOST_EDITS = 2;

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
