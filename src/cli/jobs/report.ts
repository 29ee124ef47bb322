// A job of the history: one line for people, an object for programs.
import type { JobRecord } from '../../history/record.ts';
import { printable } from '../../protocol/text.ts';
import { paint, type Output } from '../terminal/output.ts';
import { momentText, shortTimeText } from '../terminal/words.ts';

const ID_WIDTH = 36;
const LONGEST_ID = 64;
const LONGEST_ERROR = 200;
const COLOURS = { completed: 'green', failed: 'red', cancelled: 'dim', 'dead-letter': 'red' } as const;

export function headLine(): string {
  return rowOf('ENDED', 'JOB', 'OUTCOME', 'WAIT', 'RUN', 'SHOTS', 'DELIVERY');
}

export function jobRow(job: JobRecord, out: Output): string {
  const { jobId, outcome, endedAt, startedAt, circuit } = job;
  const wait = waitOf(job);
  const row = rowOf(
    momentText(endedAt),
    printable(jobId, LONGEST_ID),
    outcome,
    wait === null ? '-' : shortTimeText(wait),
    startedAt === null ? '-' : shortTimeText(endedAt - startedAt),
    circuit === null ? '-' : String(circuit.shots),
    deliveryText(job),
  );
  const error = errorText(job);
  const painted = row.replace(` ${outcome} `, ` ${paint(out, COLOURS[outcome], outcome)} `);
  return error === '' ? painted : `${painted}\n  ${error}`;
}

/** From when the cloud sent it, by the clock of Redis, to its run. */
export function waitOf({ startedAt, sentAt, takenAt }: JobRecord): number | null {
  if (startedAt === null) return null;
  return startedAt - Math.min(sentAt ?? startedAt, takenAt ?? startedAt);
}

/** Why it failed, and where; empty if it did not. */
export function errorText({ error, where }: JobRecord, max = LONGEST_ERROR): string {
  if (error === null) return '';
  return `${where === null ? '' : `${printable(where, max)}: `}${printable(error, max)}`;
}

function deliveryText({ origin, outcome, delivery: { state, attempts } }: JobRecord): string {
  if (state === 'none') return origin === 'local' && outcome !== 'cancelled' ? 'local' : '-';
  const failed = attempts.filter(({ kind }) => kind === 'retry').length;
  if (state === 'waiting')
    return failed === 0 ? 'waiting' : `waiting, attempt ${attempts.at(-1)?.number} failed`;
  return state;
}

function rowOf(
  ended: string,
  job: string,
  outcome: string,
  wait: string,
  run: string,
  shots: string,
  delivery: string,
): string {
  const times = `${wait.padStart(9)}  ${run.padStart(9)}  ${shots.padStart(7)}`;
  return `${ended.padEnd(19)}  ${job.padEnd(ID_WIDTH)}  ${outcome.padEnd(11)} ${times}  ${delivery}`;
}

/** For programs. */
export function jsonOf(job: JobRecord): object {
  const { circuit, delivery, ir } = job;
  return {
    job_id: job.jobId,
    origin: job.origin,
    outcome: job.outcome,
    sent_at: isoOf(job.sentAt),
    taken_at: isoOf(job.takenAt),
    queued_at: isoOf(job.queuedAt),
    started_at: isoOf(job.startedAt),
    ended_at: isoOf(job.endedAt),
    wait_ms: rounded(waitOf(job)),
    run_ms: rounded(job.startedAt === null ? null : job.endedAt - job.startedAt),
    error: job.error,
    where: job.where,
    stack: job.stack,
    circuit,
    message_characters: job.bytes,
    execution_time_ms: job.executionTimeMs,
    shots_completed: job.shotsCompleted,
    executor: job.executor,
    annotations: job.annotations,
    ir,
    counts: job.counts,
    delivery: {
      state: delivery.state,
      at: isoOf(delivery.at),
      attempts: delivery.attempts.map(({ number, at, kind, reason }) => ({
        number,
        at: isoOf(at),
        kind,
        reason,
      })),
    },
  };
}

export function isoOf(unixMs: number | null): string | null {
  const date = unixMs === null ? undefined : new Date(unixMs);
  return date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** To the microsecond. */
export function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}
