// The lines of the history's files, JSON with short names. A job is one line, written when it ends; what happens to it later
// is a line of its own, and whoever reads puts them together. The line of a job is made by hand: there may be thousands a second.
import { NO_ANNOTATIONS, type Annotations } from '../jobs/annotations.ts';
import type { EndedJob } from '../jobs/ended-job.ts';
import type { Bytes } from './bytes.ts';
import type { DeliveryAttempt, JobRecord, RecordedCircuit } from './record.ts';

export const LETTERS = { completed: 'c', failed: 'f', cancelled: 'x', 'dead-letter': 'm' } as const;
/** What is between the id of a job and the time of its end. */
export const OUTCOME_PIECES = {
  completed: ',"o":"c","t":',
  failed: ',"o":"f","t":',
  cancelled: ',"o":"x","t":',
  'dead-letter': ',"o":"m","t":',
} as const;
const KIND_PIECES = { delivered: ',"k":"d"', refused: ',"k":"f"', retry: ',"k":"r"' } as const;
/** The beginnings of the three kinds of lines. */
export const JOB = '{"j":';
export const ATTEMPT = '{"a":';
export const CANCEL = '{"q":';
const NUMBERS = ',"v":[';

/** What is kept of some jobs only, each as JSON, already shortened. */
export interface Details {
  readonly executor?: string;
  readonly error?: string;
  readonly where?: string;
  readonly stack?: string;
  readonly circuit?: string | undefined;
  readonly counts?: string | undefined;
}

/** Adds the line of a job that has ended here. Its numbers are in the order of `numbersOfJob`; what is not known is -1. */
export function addJobLine(to: Bytes, ended: EndedJob, details: Details | undefined): void {
  const { outcome, circuit, annotations, takenAt, queuedAt, startedAt, endedAt } = ended;
  to.piece(JOB).json(ended.jobId).piece(OUTCOME_PIECES[outcome.status]).int(Math.round(endedAt));
  to.piece(NUMBERS).int(ended.sentAt);
  // Durations in microseconds: whole numbers are shorter, and quicker to write.
  to.comma().int(queuedAt === null ? -1 : micros(queuedAt - takenAt));
  to.comma().int(startedAt === null ? -1 : micros(startedAt - (queuedAt ?? takenAt)));
  to.comma().int(micros(endedAt - (startedAt ?? queuedAt ?? takenAt)));
  to.comma().int(ended.bytes);
  if (outcome.status === 'completed') {
    to.comma().int(micros(outcome.executionTimeMs)).comma().int(outcome.shotsCompleted);
  } else to.piece(',-1,-1');
  if (circuit !== null) {
    const { shots, qubits, gates, measurements } = circuit;
    to.comma().int(shots).comma().int(qubits).comma().int(gates).comma().int(measurements);
  }
  to.piece(ended.origin === 'local' ? '],"l":1' : ']');
  if (annotations !== NO_ANNOTATIONS) to.piece(',"n":').text(JSON.stringify(annotations));
  if (details !== undefined) to.text(detailsText(details));
  to.piece('}\n');
}

/** Adds the line of a job of which no more is known than this, or of a message that is no job. */
export function addShortLine(
  to: Bytes,
  job: Pick<JobRecord, 'jobId' | 'outcome' | 'sentAt' | 'endedAt' | 'executionTimeMs' | 'shotsCompleted'>,
  details: Details,
): void {
  const { jobId, outcome, sentAt, endedAt, executionTimeMs, shotsCompleted } = job;
  to.piece(JOB).json(jobId).piece(OUTCOME_PIECES[outcome]).int(Math.round(endedAt));
  to.piece(NUMBERS)
    .int(sentAt ?? -1)
    .piece(',-1,-1,-1,-1,');
  to.int(executionTimeMs === null ? -1 : micros(executionTimeMs))
    .comma()
    .int(shotsCompleted ?? -1);
  to.piece(']').text(detailsText(details)).piece('}\n');
}

/** `annotations`: as they are when the delivery has ended. */
export function addAttemptLine(
  to: Bytes,
  jobId: string,
  { number, at, kind, reason }: DeliveryAttempt,
  annotations: Annotations | undefined,
): void {
  to.piece(ATTEMPT).json(jobId).piece(',"t":').int(at).piece(',"i":').int(number).piece(KIND_PIECES[kind]);
  if (reason !== null) to.piece(',"w":').text(JSON.stringify(reason));
  if (annotations !== undefined) to.piece(',"n":').text(JSON.stringify(annotations));
  to.piece('}\n');
}

export function addCancelLine(to: Bytes, jobId: string, at: number): void {
  to.piece(CANCEL).json(jobId).piece(',"t":').int(at).piece('}\n');
}

/** Gates as `[name, qubits…, parameters…]`. */
export function circuitJson({ num_qubits, gates, measurements }: RecordedCircuit): string {
  const flat = gates.map(({ gate, qubits, params }) => [gate, ...qubits, ...params]);
  return JSON.stringify([num_qubits, flat, measurements]);
}

function detailsText({ executor, error, where, stack, circuit, counts }: Details): string {
  let text = '';
  if (executor !== undefined) text += ',"x":' + executor;
  if (error !== undefined) text += ',"e":' + error;
  if (where !== undefined) text += ',"w":' + where;
  if (stack !== undefined) text += ',"p":' + stack;
  if (circuit !== undefined) text += ',"g":' + circuit;
  if (counts !== undefined) text += ',"k":' + counts;
  return text;
}

function micros(ms: number): number {
  return ms > 0 ? Math.round(ms * 1000) : 0;
}
