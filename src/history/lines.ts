// The lines of the history's files, JSON with short names. A job is one line, written when it ends; what happens to it later
// is a line of its own, and whoever reads puts them together. The line of a job is made by hand: there may be thousands a second.
import { NO_ANNOTATIONS, type Annotations } from '../jobs/annotations.ts';
import type { EndedJob } from '../jobs/ended-job.ts';
import { GATES, type Gate, type GateName } from '../protocol/ir.ts';
import { isPlainObject, isRecord } from '../protocol/text.ts';
import type { Bytes } from './bytes.ts';
import {
  OUTCOMES,
  type DeliveryAttempt,
  type JobRecord,
  type RecordedCircuit,
  type RecordedOutcome,
} from './record.ts';

const LETTERS = { completed: 'c', failed: 'f', cancelled: 'x', 'dead-letter': 'm' } as const;
/** What is between the id of a job and the time of its end. */
const OUTCOME_PIECES = {
  completed: ',"o":"c","t":',
  failed: ',"o":"f","t":',
  cancelled: ',"o":"x","t":',
  'dead-letter': ',"o":"m","t":',
} as const;
const KIND_PIECES = { delivered: ',"k":"d"', refused: ',"k":"f"', retry: ',"k":"r"' } as const;
const OUTCOME_OF: ReadonlyMap<unknown, RecordedOutcome> = new Map(
  OUTCOMES.map((outcome) => [LETTERS[outcome], outcome]),
);
const KINDS: ReadonlyMap<unknown, DeliveryAttempt['kind']> = new Map([
  ['d', 'delivered'],
  ['f', 'refused'],
  ['r', 'retry'],
]);

/** The beginnings of the three kinds of lines. */
const JOB = '{"j":';
const ATTEMPT = '{"a":';
const CANCEL = '{"q":';

/** What is kept of some jobs only, each as JSON, already shortened. */
export interface Details {
  readonly error?: string;
  readonly where?: string;
  readonly stack?: string;
  readonly circuit?: string | undefined;
  readonly counts?: string | undefined;
}

/** Adds the line of a job that has ended here. `executor`: as JSON. What is not known is -1. */
export function addJobLine(to: Bytes, ended: EndedJob, executor: string, details: Details | undefined): void {
  const { outcome, circuit, annotations, takenAt, queuedAt, startedAt, endedAt } = ended;
  // Durations in microseconds: whole numbers are shorter, and quicker to write.
  const prepared = queuedAt === null ? -1 : micros(queuedAt - takenAt);
  const waited = startedAt === null ? -1 : micros(startedAt - (queuedAt ?? takenAt));
  const last = micros(endedAt - (startedAt ?? queuedAt ?? takenAt));
  to.piece(JOB).json(ended.jobId).piece(OUTCOME_PIECES[outcome.status]).int(Math.round(endedAt));
  to.piece(',"s":').int(ended.sentAt);
  to.piece(',"d":[').int(prepared).piece(',').int(waited).piece(',').int(last);
  to.piece('],"b":').int(ended.bytes);
  to.piece(',"x":').text(executor);
  if (circuit !== null) {
    const { shots, qubits, gates, measurements } = circuit;
    to.piece(',"c":[').int(shots).piece(',').int(qubits).piece(',').int(gates).piece(',').int(measurements);
    to.piece(']');
  }
  if (outcome.status === 'completed') {
    to.piece(',"r":[').int(micros(outcome.executionTimeMs)).piece(',').int(outcome.shotsCompleted).piece(']');
  }
  if (ended.origin === 'local') to.piece(',"l":1');
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
  if (sentAt !== null) to.piece(',"s":').int(sentAt);
  if (executionTimeMs !== null) {
    to.piece(',"r":[')
      .int(micros(executionTimeMs))
      .piece(',')
      .int(shotsCompleted ?? -1)
      .piece(']');
  }
  to.text(detailsText(details)).piece('}\n');
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

/** A line as it is read. `t`: its time. */
export type Line =
  | {
      readonly is: 'job';
      readonly jobId: string;
      readonly t: number;
      readonly job: Omit<JobRecord, 'delivery' | 'place'>;
    }
  | {
      readonly is: 'attempt';
      readonly jobId: string;
      readonly t: number;
      readonly attempt: DeliveryAttempt;
      readonly annotations: Annotations | undefined;
    }
  | { readonly is: 'cancel'; readonly jobId: string; readonly t: number };

/** What a line is about, without parsing it. */
export interface Glance {
  readonly isJob: boolean;
  /** The job's id as it is in JSON, or a part of it. */
  readonly key: string;
  /** When the job ended; NaN if it is the line of something else. */
  readonly t: number;
}

/** Undefined for a line that is damaged at its begin. */
export function glance(text: string): Glance | undefined {
  const isJob = text.startsWith(JOB);
  if (!isJob && !text.startsWith(ATTEMPT) && !text.startsWith(CANCEL)) return undefined;
  const end = text.indexOf('",', JOB.length);
  if (end < 0) return undefined;
  const timeAt = end + 1 + OUTCOME_PIECES.completed.length;
  const t = isJob ? Number.parseInt(text.slice(timeAt, timeAt + 16), 10) : NaN;
  return { isJob, key: text.slice(JOB.length, end), t };
}

/** The key of the lines of this job. */
export function keyOf(jobId: string): string {
  const [key = ''] = JSON.stringify(jobId).slice(0, -1).split('",');
  return key;
}

/** Whether the line of a job says this outcome, or may do so. */
export function mayHaveOutcome(text: string, outcome: RecordedOutcome): boolean {
  return text.includes(OUTCOME_PIECES[outcome]);
}

/** Undefined for a line that is damaged: a process may be killed while it writes. */
export function parseLine(text: string): Line | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const t = value['t'];
  if (typeof t !== 'number') return undefined;
  if (typeof value['j'] === 'string') {
    const job = jobOf(value['j'], t, value);
    return job === undefined ? undefined : { is: 'job', jobId: job.jobId, t, job };
  }
  if (typeof value['q'] === 'string') return { is: 'cancel', jobId: value['q'], t };
  const kind = KINDS.get(value['k']);
  if (typeof value['a'] !== 'string' || kind === undefined) return undefined;
  const attempt = { number: numberOr(value['i'], 1), at: t, kind, reason: textOr(value['w']) };
  return { is: 'attempt', jobId: value['a'], t, attempt, annotations: annotationsOf(value['n']) };
}

function jobOf(
  jobId: string,
  endedAt: number,
  value: Readonly<Record<string, unknown>>,
): Omit<JobRecord, 'delivery' | 'place'> | undefined {
  const outcome = OUTCOME_OF.get(value['o']);
  if (outcome === undefined) return undefined;
  const [prepared, waited, last] = numbersOf(value['d']);
  const before = (time: number, duration: number): number => time - duration / 1000;
  // From the end back: the differences are exact, whatever the clock did.
  let time = last === undefined ? null : before(endedAt, last);
  const startedAt = waited === undefined || waited < 0 ? null : time;
  if (startedAt !== null && waited !== undefined) time = before(startedAt, waited);
  const queuedAt = prepared === undefined || prepared < 0 ? null : time;
  if (queuedAt !== null && prepared !== undefined) time = before(queuedAt, prepared);
  const [shots, qubits, gates, measurements] = numbersOf(value['c']);
  const isMeasured =
    shots !== undefined && qubits !== undefined && gates !== undefined && measurements !== undefined;
  const [executionMicros, shotsCompleted = null] = numbersOf(value['r']);
  return {
    jobId,
    origin: value['l'] === 1 ? 'local' : 'cloud',
    outcome,
    sentAt: numberOr(value['s'], null),
    takenAt: time,
    queuedAt,
    startedAt,
    endedAt,
    error: textOr(value['e']),
    where: textOr(value['w']),
    stack: textOr(value['p']),
    circuit: isMeasured ? { shots, qubits, gates, measurements } : null,
    bytes: numberOr(value['b'], null),
    executionTimeMs: executionMicros === undefined ? null : executionMicros / 1000,
    shotsCompleted,
    executor: textOr(value['x']),
    annotations: annotationsOf(value['n']) ?? {},
    ir: circuitOf(value['g']),
    counts: countsOf(value['k']),
  };
}

/** Whether the cloud gets a result. */
export function isToDeliver(origin: JobRecord['origin'], outcome: RecordedOutcome): boolean {
  return origin === 'cloud' && (outcome === 'completed' || outcome === 'failed');
}

function detailsText({ error, where, stack, circuit, counts }: Details): string {
  let text = '';
  if (error !== undefined) text += ',"e":' + error;
  if (where !== undefined) text += ',"w":' + where;
  if (stack !== undefined) text += ',"p":' + stack;
  if (circuit !== undefined) text += ',"g":' + circuit;
  if (counts !== undefined) text += ',"k":' + counts;
  return text;
}

function circuitOf(value: unknown): RecordedCircuit | null {
  if (!Array.isArray(value)) return null;
  const [qubits, flat, measurements] = value as readonly unknown[];
  if (typeof qubits !== 'number' || !Array.isArray(flat)) return null;
  const gates = flat.map(gateOf);
  const isWhole = gates.every((gate) => gate !== undefined);
  return isWhole ? { num_qubits: qubits, gates, measurements: numbersOf(measurements) } : null;
}

function gateOf(value: unknown): Gate | undefined {
  if (!Array.isArray(value)) return undefined;
  const [name, ...rest] = value as readonly unknown[];
  const numbers = numbersOf(rest);
  if (typeof name !== 'string' || !isGateName(name)) return undefined;
  const { qubits } = GATES[name];
  return { gate: name, qubits: numbers.slice(0, qubits), params: numbers.slice(qubits) };
}

function isGateName(name: string): name is GateName {
  return Object.hasOwn(GATES, name);
}

function countsOf(value: unknown): JobRecord['counts'] {
  if (!isPlainObject(value)) return null;
  const entries = Object.entries(value).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return Object.fromEntries(entries);
}

function annotationsOf(value: unknown): Annotations | undefined {
  return isPlainObject(value) ? (value as Annotations) : undefined;
}

function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'number') ? value : [];
}

function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' ? value : otherwise;
}

function textOr(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function micros(ms: number): number {
  return ms > 0 ? Math.round(ms * 1000) : 0;
}
