// The text of a journal: a header, then a line for each record, which is `<crc32> <json>`, or empty.
import { crc32 } from 'node:zlib';
import { ConfigError } from '../errors.ts';

export const HEADER = 'coda-outbox 1\n';
const CHUNK_CHARACTERS = 1024 * 1024;

/** A record as its line. */
export function lineOf(record: object): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** A whole file with these records, in pieces: all of it may be longer than a string can be. */
export function fileChunks(records: Iterable<object>): Buffer[] {
  const chunks: Buffer[] = [];
  let text = HEADER;
  for (const record of records) {
    text += lineOf(record);
    if (text.length < CHUNK_CHARACTERS) continue;
    chunks.push(Buffer.from(text));
    text = '';
  }
  if (text !== '') chunks.push(Buffer.from(text));
  return chunks;
}

/** The records in a journal's bytes. `goodBytes` ends before a torn tail; `damaged` are whole lines that are unusable. */
export function readRecords(
  bytes: Buffer,
  path: string,
): { records: unknown[]; goodBytes: number; damaged: Buffer[] } {
  const records: unknown[] = [];
  const damaged: Buffer[] = [];
  if (bytes.length === 0) return { records, goodBytes: 0, damaged };
  const header = bytes.subarray(0, HEADER.length).toString('latin1');
  // A crash while the file was made may have left a part of the header and nothing else.
  if (header !== HEADER && HEADER.startsWith(bytes.toString('latin1')))
    return { records, goodBytes: 0, damaged };
  if (header !== HEADER) {
    throw new ConfigError(`${path} is not an outbox that this version of coda-node can read`, {
      remedy:
        'Start the version that wrote it and let it deliver, or move the file away: it holds undelivered results.',
    });
  }
  let goodBytes = HEADER.length;
  for (let start = HEADER.length; start < bytes.length;) {
    const newline = bytes.indexOf(10, start);
    if (newline === -1) break;
    const line = bytes.subarray(start, newline);
    const isEmpty = newline === start;
    const record = isEmpty ? undefined : recordOf(line);
    start = newline + 1;
    if (isEmpty) {
      goodBytes = start;
      continue;
    }
    if (record === undefined) {
      damaged.push(line);
      continue;
    }
    records.push(record);
    goodBytes = start;
  }
  return { records, goodBytes, damaged };
}

function recordOf(line: Buffer): object | undefined {
  const json = line.subarray(9);
  if (line[8] !== 32 || crc32(json) !== Number.parseInt(line.subarray(0, 8).toString('latin1'), 16))
    return undefined;
  try {
    const record: unknown = JSON.parse(json.toString('utf8'));
    return typeof record === 'object' && record !== null ? record : undefined;
  } catch {
    return undefined;
  }
}
