// The lines of the history's files, JSON with short names. A job is one line, written when it ends; what happens to it later
// is a line of its own, and whoever reads puts them together. The line of a job is made by hand: there may be thousands a second.
import { NO_ANNOTATIONS, type Annotations } from '../jobs/annotations.ts';
import type { EndedJob } from '../jobs/ended-job.ts';
import { GATES, type Gate, type GateName } from '../protocol/ir.ts';
import { isPlainObject, isRecord } from '../protocol/text.ts';
import type { DeliveryAttempt, JobRecord, RecordedCircuit, RecordedOutcome } from './record.ts';

const LETTERS = { completed: 'c', failed: 'f', cancelled: 'x', 'dead-letter': 'm' } as const;
const OUTCOME_OF: ReadonlyMap<unknown, RecordedOutcome> = new Map([
  ['c', 'completed'],
  ['f', 'failed'],
  ['x', 'cancelled'],
  ['m', 'dead-letter'],
]);
const KINDS: ReadonlyMap<unknown, DeliveryAttempt['kind']> = new Map([
  ['d', 'delivered'],
  ['f', 'refused'],
  ['r', 'retry'],
]);

/** The beginnings of the three kinds of lines. */
const JOB = '{"j":';
const ATTEMPT = '{"a":';
const CANCEL = '{"q":';

const PLAIN = /^[\w.:-]*$/;

/** What is kept of some jobs only, each as JSON, already shortened. */
export interface Details {
  readonly error?: string;
  readonly where?: string;
  readonly stack?: string;
  readonly circuit?: string | undefined;
  readonly counts?: string | undefined;
}

/** The line of a job that has ended here. `executor`: as JSON. Null is written as -1. */
export function jobLine(ended: EndedJob, executor: string, details: Details | undefined): string {
  const { outcome, circuit, annotations, takenAt, queuedAt, startedAt, endedAt } = ended;
  // Durations in microseconds: whole numbers are shorter, and quicker to write.
  const prepared = queuedAt === null ? -1 : micros(queuedAt - takenAt);
  const waited = startedAt === null ? -1 : micros(startedAt - (queuedAt ?? takenAt));
  const last = micros(endedAt - (startedAt ?? queuedAt ?? takenAt));
  let line =
    JOB +
    jsonOf(ended.jobId) +
    ',"o":"' +
    LETTERS[outcome.status] +
    '","t":' +
    Math.round(endedAt) +
    ',"s":' +
    ended.sentAt +
    ',"d":[' +
    prepared +
    ',' +
    waited +
    ',' +
    last +
    '],"b":' +
    ended.bytes +
    ',"x":' +
    executor;
  if (circuit !== null) {
    const { shots, qubits, gates, measurements } = circuit;
    line += ',"c":[' + shots + ',' + qubits + ',' + gates + ',' + measurements + ']';
  }
  if (outcome.status === 'completed')
    line += ',"r":[' + outcome.executionTimeMs + ',' + outcome.shotsCompleted + ']';
  if (ended.origin === 'local') line += ',"l":1';
  if (annotations !== NO_ANNOTATIONS) line += ',"n":' + JSON.stringify(annotations);
  return line + (details === undefined ? '' : detailsText(details)) + '}\n';
}

/** The line of a job of which no more is known than this, or of a message that is no job. */
export function shortLine(
  job: Pick<JobRecord, 'jobId' | 'outcome' | 'sentAt' | 'endedAt' | 'executionTimeMs' | 'shotsCompleted'>,
  details: Details,
): string {
  const { jobId, outcome, sentAt, endedAt, executionTimeMs, shotsCompleted } = job;
  const result = executionTimeMs === null ? '' : `,"r":[${executionTimeMs},${shotsCompleted}]`;
  const sent = sentAt === null ? '' : `,"s":${sentAt}`;
  return `${JOB}${jsonOf(jobId)},"o":"${LETTERS[outcome]}","t":${Math.round(endedAt)}${sent}${result}${detailsText(details)}}\n`;
}

/** `annotations`: as they are when the delivery has ended. */
export function attemptLine(
  jobId: string,
  { number, at, kind, reason }: DeliveryAttempt,
  annotations: Annotations | undefined,
): string {
  const letter = kind === 'delivered' ? 'd' : kind === 'refused' ? 'f' : 'r';
  let line = ATTEMPT + jsonOf(jobId) + ',"t":' + at + ',"i":' + number + ',"k":"' + letter + '"';
  if (reason !== null) line += ',"w":' + JSON.stringify(reason);
  if (annotations !== undefined) line += ',"n":' + JSON.stringify(annotations);
  return line + '}\n';
}

export function cancelLine(jobId: string, at: number): string {
  return `${CANCEL}${jsonOf(jobId)},"t":${at}}\n`;
}

/** Gates as `[name, qubits…, parameters…]`. */
export function circuitJson({ num_qubits, gates, measurements }: RecordedCircuit): string {
  const flat = gates.map(({ gate, qubits, params }) => [gate, ...qubits, ...params]);
  return JSON.stringify([num_qubits, flat, measurements]);
}

export function jsonOf(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
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

/** Whether it is the line of a job, as far as its beginning tells. */
export function isJobLine(text: string): boolean {
  return text.startsWith(JOB);
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
  const [executionTimeMs = null, shotsCompleted = null] = numbersOf(value['r']);
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
    executionTimeMs,
    shotsCompleted,
    executor: textOr(value['x']),
    annotations: annotationsOf(value['n']) ?? {},
    ir: circuitOf(value['g']),
    counts: countsOf(value['k']),
  };
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
