// What cannot go the normal way is kept where the operator finds it: refused results and unusable messages.
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomic } from '../config/files.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { SavedOutcome } from './job.ts';

/** A dead-letter record that has grown to this size is renamed to `.1`, which replaces the one before. */
const DEAD_LETTER_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 2_000;

export interface RefusedResult extends SavedOutcome {
  readonly reason: string;
  readonly refusedAt: string;
}

export function refusedDirectory(spool: string): string {
  return join(spool, 'refused');
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
  // Job ids are not file names.
  const name = createHash('sha256').update(saved.jobId).digest('hex').slice(0, 32);
  for (;;) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFileAtomic(join(directory, `${name}.json`), `${JSON.stringify(refused, null, 2)}\n`);
      return;
    } catch (thrown) {
      log.error(
        `the refused result of job ${saved.jobId} cannot be set aside: ${messageOf(thrown)}; trying again`,
      );
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Records a stream entry that is no job, before it is acknowledged. */
export async function recordDeadLetter(
  spool: string,
  messageId: string,
  fields: readonly string[],
  reason: string,
): Promise<void> {
  const path = join(spool, 'dead-letters.jsonl');
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > DEAD_LETTER_BYTES) await rename(path, `${path}.1`);
  const record = { messageId, reason, recordedAt: new Date().toISOString(), fields };
  await appendFile(path, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
}
