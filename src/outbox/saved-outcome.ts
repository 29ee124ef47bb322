// Reads a saved outcome that was somewhere where others may write: a file that waits for the operator, or Redis.
import { annotated, NO_ANNOTATIONS, type Annotations } from '../jobs/annotations.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { isRecord, shown } from '../protocol/text.ts';
import type { Outcome } from '../protocol/webhook.ts';

type Fields = Readonly<Record<string, unknown>>;

/** As `toISOString` writes it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** All but where it goes: the job's message says that. */
export type CopiedOutcome = Omit<SavedOutcome, 'callbackUrl'>;

/** Throws an Error that says what is wrong. */
export function copiedOutcome(fields: Fields): CopiedOutcome {
  const { messageIds } = fields;
  if (!isTexts(messageIds)) throw new Error('messageIds must be a list of strings');
  return {
    qpuId: textIn(fields, 'qpuId'),
    jobId: textIn(fields, 'jobId'),
    messageIds,
    outcome: outcomeIn(fields['outcome']),
    endedAt: timeIn(fields, 'endedAt'),
    ...annotationsIn(fields['annotations']),
  };
}

/** Throws an Error if the field is no text. */
export function textIn(fields: Fields, field: string): string {
  const found = fields[field];
  if (typeof found === 'string') return found;
  throw new Error(`${field} must be a string, got ${shown(found)}`);
}

function timeIn(fields: Fields, field: string): string {
  const found = textIn(fields, field);
  if (TIME.test(found) && !Number.isNaN(Date.parse(found))) return found;
  throw new Error(`${field} must be a time in UTC (ISO 8601), got ${shown(found)}`);
}

function annotationsIn(value: unknown): Pick<SavedOutcome, 'annotations'> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new Error('annotations must be an object');
  const annotations = Object.entries(value).reduce<Annotations>(
    (before, [key, note]) => annotated(before, key, note),
    NO_ANNOTATIONS,
  );
  return { annotations };
}

function outcomeIn(value: unknown): Outcome {
  if (!isRecord(value)) throw new Error('outcome must be an object');
  const { status, counts, executionTimeMs, shotsCompleted, error } = value;
  if (status === 'failed') {
    if (typeof error !== 'string') throw new Error('outcome.error must be a string');
    return { status, error };
  }
  if (status !== 'completed') {
    throw new Error(`outcome.status must be completed or failed, got ${shown(status)}`);
  }
  if (!isCounts(counts)) throw new Error('outcome.counts must map bitstrings to non-negative integers');
  if (!isAtLeastZero(executionTimeMs)) {
    throw new Error('outcome.executionTimeMs must be a number of milliseconds');
  }
  if (!isCount(shotsCompleted)) throw new Error('outcome.shotsCompleted must be a non-negative integer');
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
