// How much waits in a node's folder, for a look from outside: reads only, so that the node may run meanwhile.
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import { deadLettersPath, journalPath } from '../state/layout.ts';
import type { JournalRecord } from './entry.ts';
import { readJournal, type ReadAt } from './journal-file.ts';
import { originOf } from './origins.ts';

/** A result that waits for its delivery. */
export interface WaitingResult {
  readonly jobId: string;
  /** Where it goes. */
  readonly origin: string;
  readonly status: 'completed' | 'failed';
  /** ISO 8601, UTC. */
  readonly endedAt: string;
  /** Attempts that failed. */
  readonly attempts: number;
  /** Why the last one did. */
  readonly error: string | null;
}

/** Results that the node has saved and not yet delivered, the oldest first; none if there is no journal. Throws a
 *  ConfigError if they cannot be read. */
export async function readWaiting(directory: string): Promise<WaitingResult[]> {
  const waiting = new Map<string, WaitingResult>();
  await readRecords(directory, (record) => note(record, waiting));
  return [...waiting.values()];
}

/** The stream entries whose outcome is saved. Throws a ConfigError if they cannot be read. */
export async function savedMessages(directory: string): Promise<ReadonlySet<string>> {
  const saved = new Map<string, readonly string[]>();
  await readRecords(directory, (record) => {
    if (record.t === 'outcome') saved.set(record.jobId, record.messageIds);
    else if (record.t === 'done') saved.delete(record.jobId);
  });
  return new Set([...saved.values()].flat());
}

async function readRecords(directory: string, onRecord: (record: JournalRecord) => void): Promise<void> {
  const path = journalPath(directory);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const opened = file;
    const read: ReadAt = async (into, position) =>
      (await opened.read(into, 0, into.length, position)).bytesRead;
    await readJournal(read, path, (record) => onRecord(record as JournalRecord));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return;
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  } finally {
    await file?.close();
  }
}

function note(record: JournalRecord, waiting: Map<string, WaitingResult>): void {
  switch (record.t) {
    case 'outcome': {
      const { jobId, callbackUrl, outcome, endedAt } = record;
      if (waiting.has(jobId)) return;
      const { status } = outcome;
      waiting.set(jobId, { jobId, origin: originOf(callbackUrl), status, endedAt, attempts: 0, error: null });
      return;
    }
    case 'attempt': {
      const { jobId, attempts, reason } = record;
      const found = waiting.get(jobId);
      if (found !== undefined) waiting.set(jobId, { ...found, attempts, error: reason });
      return;
    }
    case 'settled':
    case 'done':
      waiting.delete(record.jobId);
      return;
    case 'answered':
    case 'annotated':
  }
}

/** Stream entries that were set aside because they are no jobs. Throws a ConfigError if they cannot be read. */
export async function countDeadLetters(directory: string): Promise<number> {
  const path = deadLettersPath(directory);
  return (await countLines(path)) + (await countLines(`${path}.1`));
}

/** In pieces: the files may be large, and a node that runs has more to do. */
async function countLines(path: string): Promise<number> {
  let lines = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
    }
    return lines;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return 0;
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
