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
  const { sentAt, prepared, waited, last, circuit, ...known } = numbersOfJob(value['v']);
  const before = (time: number, duration: number): number => time - duration / 1000;
  // From the end back: the differences are exact, whatever the clock did.
  const begun = last === null ? null : before(endedAt, last);
  const queuedAt = begun === null || waited === null ? begun : before(begun, waited);
  const takenAt = queuedAt === null || prepared === null ? queuedAt : before(queuedAt, prepared);
  return {
    jobId,
    origin: value['l'] === 1 ? 'local' : 'cloud',
    outcome,
    sentAt,
    takenAt,
    queuedAt: prepared === null ? null : queuedAt,
    startedAt: waited === null ? null : begun,
    endedAt,
    error: textOr(value['e']),
    where: textOr(value['w']),
    stack: textOr(value['p']),
    circuit,
    ...known,
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

/** The numbers in the line of a job. */
function numbersOfJob(value: unknown) {
  const numbers = numbersOf(value);
  const at = (index: number): number | null => {
    const number = numbers[index] ?? -1;
    return number < 0 ? null : number;
  };
  const [executionMicros, shots, qubits, gates, measurements] = [at(5), at(7), at(8), at(9), at(10)];
  const isRead = shots !== null && qubits !== null && gates !== null && measurements !== null;
  return {
    sentAt: at(0),
    prepared: at(1),
    waited: at(2),
    last: at(3),
    bytes: at(4),
    executionTimeMs: executionMicros === null ? null : executionMicros / 1000,
    shotsCompleted: at(6),
    circuit: isRead ? { shots, qubits, gates, measurements } : null,
  };
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
