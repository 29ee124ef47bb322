// Stream entries that are no jobs, or jobs that were given up: recorded for the operator, one JSON line each.
import { appendFile, rename, stat } from 'node:fs/promises';
import { deadLettersPath } from '../state/layout.ts';

/** A record that has grown to this size is renamed to `.1`, which replaces the one before. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Of a longer field, only the beginning is kept. */
const MAX_FIELD = 64 * 1024;
/** Of more names and values, only the first are kept. */
const MAX_FIELDS = 64;

/** Records a stream entry; resolves once it is on disk, so that it can be acknowledged. */
export async function recordDeadLetter(
  directory: string,
  messageId: string,
  fields: readonly string[],
  reason: string,
): Promise<void> {
  const path = deadLettersPath(directory);
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > MAX_BYTES) await rename(path, `${path}.1`);
  const record = { messageId, reason, recordedAt: new Date().toISOString(), fields: shortened(fields) };
  await appendFile(path, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
}

function shortened(fields: readonly string[]): string[] {
  const kept = fields
    .slice(0, MAX_FIELDS)
    .map((text) =>
      text.length > MAX_FIELD ? `${text.slice(0, MAX_FIELD)}… (${text.length} characters)` : text,
    );
  return fields.length > MAX_FIELDS ? [...kept, `… (${fields.length} names and values)`] : kept;
}
