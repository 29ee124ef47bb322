// How much waits in a node's folder, for a look from outside: reads only, so that the node may run meanwhile.
import { readFile } from 'node:fs/promises';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { isRecord } from '../protocol/text.ts';
import { deadLettersPath, journalPath } from '../state/layout.ts';
import { readRecords } from './journal-file.ts';

/** Results that the node has saved and not yet delivered. Throws a ConfigError if they cannot be read. */
export async function countUndelivered(directory: string): Promise<number> {
  const path = journalPath(directory);
  const waiting = new Set<unknown>();
  for (const record of readRecords(await bytesOf(path), path).records) {
    if (!isRecord(record)) continue;
    if (record['t'] === 'outcome') waiting.add(record['jobId']);
    else if (record['t'] !== 'annotated') waiting.delete(record['jobId']);
  }
  return waiting.size;
}

/** Stream entries that were set aside because they are no jobs. Throws a ConfigError if they cannot be read. */
export async function countDeadLetters(directory: string): Promise<number> {
  const path = deadLettersPath(directory);
  let lines = 0;
  for (const file of [path, `${path}.1`]) for (const byte of await bytesOf(file)) if (byte === 10) lines += 1;
  return lines;
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return Buffer.alloc(0);
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
