// Results that the cloud refused for good, or that a plugin could not map, kept for the operator: each is a file of its
// own, in the folder `refused`, or in `replay` once the operator wants it delivered after all.
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { refusedDirectory, replayDirectory } from '../state/layout.ts';
import { readPrivateFile, shellQuoted, writeFileAtomic, writeRemedy } from '../state/private-file.ts';
import { ConfigError, errorCode, messageOf } from '../errors.ts';
import type { CountedErrors } from '../log/counted-lines.ts';
import { isRecord, shown } from '../protocol/text.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { copiedOutcome, textIn } from './saved-outcome.ts';

const KINDS = ['refused', 'measured'] as const;
const RETRY_MS = 2_000;
/** The counts of a million shots take less. */
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

/** `measured`: a job that was reported failed has been measured all the same. It may have a refused result, too. */
type Kind = (typeof KINDS)[number];

/** Keeps a result that the cloud refused for good, or that was not sent at all; resolves once it is durable, however long
 *  that takes. */
export async function setResultAside(
  directory: string,
  saved: SavedOutcome,
  reason: string,
  log: Pick<CountedErrors, 'error'>,
  kind: Kind = 'refused',
): Promise<void> {
  const folder = refusedDirectory(directory);
  const refused: RefusedResult = { ...saved, reason, refusedAt: new Date().toISOString() };
  for (;;) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(
        join(folder, fileNameOf(saved.jobId, kind)),
        `${JSON.stringify(refused, null, 2)}\n`,
      );
      return;
    } catch (thrown) {
      log.error(
        `the ${kind} result of job ${saved.jobId} cannot be set aside: ${messageOf(thrown)}; trying again`,
        { job: saved.jobId },
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

/** The files in a folder that a job may have. */
export function filesOf(directory: string, jobId: string): string[] {
  return KINDS.map((kind) => join(directory, fileNameOf(jobId, kind)));
}

/** Reads a refused result; undefined if it is gone. Throws a ConfigError that names the file if it is unusable. */
export function readRefused(path: string, maxBytes = MAX_RESULT_BYTES): RefusedResult | undefined {
  const text = readPrivateFile(path, maxBytes);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(path, 'it is not JSON');
  }
  const result = checkRefused(path, value);
  const names = KINDS.map((kind) => fileNameOf(result.jobId, kind));
  if (names.includes(basename(path))) return result;
  throw unusable(path, `the file of job ${shown(result.jobId)} is called ${fileNameOf(result.jobId)}`);
}

/** Passes a refused result on to the node; false if it is gone. Throws a ConfigError. */
export async function requestReplay(directory: string, path: string): Promise<boolean> {
  const folder = replayDirectory(directory);
  return unlessGone(path, 'moved', async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(path, join(folder, basename(path)));
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

/** Job ids are not file names. */
function fileNameOf(jobId: string, kind: Kind = 'refused'): string {
  const name = createHash('sha256').update(jobId).digest('hex').slice(0, 32);
  return kind === 'refused' ? `${name}.json` : `${name}.measured.json`;
}

function checkRefused(path: string, value: unknown): RefusedResult {
  if (!isRecord(value)) throw unusable(path, 'it is not an object');
  try {
    return {
      ...copiedOutcome(value),
      callbackUrl: textIn(value, 'callbackUrl'),
      reason: textIn(value, 'reason'),
      refusedAt: textIn(value, 'refusedAt'),
    };
  } catch (thrown) {
    throw unusable(path, messageOf(thrown));
  }
}

function unusable(path: string, fault: string): ConfigError {
  return new ConfigError(`${path} is not a result that can be used: ${fault}`, {
    remedy: `Correct it, or remove it: rm ${shellQuoted(path)}`,
  });
}
