// What cannot go the normal way is kept where the operator finds it: refused results and unusable messages.
// A refused result is a file of its own, in `refused`, or in `replay` once the operator wants it delivered after all.
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { deadLettersPath, refusedDirectory, replayDirectory } from '../state/layout.ts';
import { readPrivateFile, shellQuoted, writeFileAtomic, writeRemedy } from '../state/private-file.ts';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isRecord, shown } from '../protocol/text.ts';
import type { Outcome } from '../protocol/webhook.ts';
import type { SavedOutcome } from '../jobs/job.ts';

/** A dead-letter record that has grown to this size is renamed to `.1`, which replaces the one before. */
const DEAD_LETTER_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 2_000;
/** Counts of a million shots take less. */
const MAX_RESULT_BYTES = 256 * 1024 * 1024;

export interface RefusedResult extends SavedOutcome {
  readonly reason: string;
  readonly refusedAt: string;
}

/** A refused result and its file. */
export interface SetAside {
  readonly path: string;
  readonly result: RefusedResult;
}

/** Keeps a result that the cloud refused for good; returns once it is durable, however long that takes. */
export async function setResultAside(
  spool: string,
  saved: SavedOutcome,
  reason: string,
  log: Logger,
): Promise<void> {
  const directory = refusedDirectory(spool);
  const refused: RefusedResult = { ...saved, reason, refusedAt: new Date().toISOString() };
  for (;;) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFileAtomic(
        join(directory, fileNameOf(saved.jobId)),
        `${JSON.stringify(refused, null, 2)}\n`,
      );
      return;
    } catch (thrown) {
      log.error(
        `the refused result of job ${saved.jobId} cannot be set aside: ${messageOf(thrown)}; trying again`,
      );
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** The names of the results' files in a folder; none if there is no such folder. Throws a ConfigError. */
export async function resultFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names.filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw new ConfigError(`${directory} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Reads a refused result; undefined if it is gone. Throws a ConfigError that names the file where it is unusable. */
export function readRefused(path: string): RefusedResult | undefined {
  const text = readPrivateFile(path, MAX_RESULT_BYTES);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(path, 'it is not JSON');
  }
  const result = checkRefused(path, value);
  if (basename(path) === fileNameOf(result.jobId)) return result;
  throw unusable(path, `the file of job ${shown(result.jobId)} is called ${fileNameOf(result.jobId)}`);
}

/** Hands a refused result over to the node; false if it is gone. Throws a ConfigError. */
export async function requestReplay(spool: string, path: string): Promise<boolean> {
  const directory = replayDirectory(spool);
  return unlessGone(path, 'moved', async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await rename(path, join(directory, basename(path)));
  });
}

/** Removes a refused result for good; false if it is gone. Throws a ConfigError. */
export async function dropRefused(path: string): Promise<boolean> {
  return unlessGone(path, 'removed', () => rm(path));
}

async function unlessGone(path: string, done: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw new ConfigError(`${path} cannot be ${done}: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, dirname(path)),
    });
  }
}

/** Records a stream entry that is no job, before it is acknowledged. */
export async function recordDeadLetter(
  spool: string,
  messageId: string,
  fields: readonly string[],
  reason: string,
): Promise<void> {
  const path = deadLettersPath(spool);
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > DEAD_LETTER_BYTES) await rename(path, `${path}.1`);
  const record = { messageId, reason, recordedAt: new Date().toISOString(), fields };
  await appendFile(path, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
}

/** Job ids are not file names. */
function fileNameOf(jobId: string): string {
  return `${createHash('sha256').update(jobId).digest('hex').slice(0, 32)}.json`;
}

function checkRefused(path: string, value: unknown): RefusedResult {
  if (!isRecord(value)) throw unusable(path, 'it is not an object');
  const text = (field: string): string => {
    const found = value[field];
    if (typeof found === 'string') return found;
    throw unusable(path, `${field} must be a string, got ${shown(found)}`);
  };
  const { messageIds } = value;
  if (!isTexts(messageIds)) throw unusable(path, 'messageIds must be a list of strings');
  return {
    qpuId: text('qpuId'),
    jobId: text('jobId'),
    messageIds,
    callbackUrl: text('callbackUrl'),
    outcome: checkOutcome(path, value['outcome']),
    endedAt: text('endedAt'),
    reason: text('reason'),
    refusedAt: text('refusedAt'),
  };
}

function checkOutcome(path: string, value: unknown): Outcome {
  if (!isRecord(value)) throw unusable(path, 'outcome must be an object');
  const { status, counts, executionTimeMs, shotsCompleted, error } = value;
  if (status === 'failed') {
    if (typeof error !== 'string') throw unusable(path, 'outcome.error must be a string');
    return { status, error };
  }
  if (status !== 'completed') {
    throw unusable(path, `outcome.status must be completed or failed, got ${shown(status)}`);
  }
  if (!isCounts(counts)) throw unusable(path, 'outcome.counts must map bitstrings to non-negative integers');
  if (!isAtLeastZero(executionTimeMs)) {
    throw unusable(path, 'outcome.executionTimeMs must be a number of milliseconds');
  }
  if (!isCount(shotsCompleted)) throw unusable(path, 'outcome.shotsCompleted must be a non-negative integer');
  return { status, counts, executionTimeMs, shotsCompleted };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isCounts(value: unknown): value is Record<string, number> {
  return (
    isRecord(value) &&
    Object.entries(value).every(([outcome, count]) => /^[01]*$/.test(outcome) && isCount(count))
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && isAtLeastZero(value);
}

function isAtLeastZero(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function unusable(path: string, fault: string): ConfigError {
  return new ConfigError(`${path} is not a result that can be used: ${fault}`, {
    remedy: `Mend it, or remove it: rm ${shellQuoted(path)}`,
  });
}
