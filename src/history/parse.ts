// Reads the lines of the history's files again: at a glance, or as what they say. Any line may be damaged.
import type { Annotations } from '../jobs/annotations.ts';
import { GATES, type Gate, type GateName } from '../protocol/ir.ts';
import { isPlainObject, recordIn } from '../protocol/text.ts';
import { ATTEMPT, CANCEL, JOB, LETTERS, OUTCOME_PIECES } from './lines.ts';
import {
  OUTCOMES,
  type DeliveryAttempt,
  type JobRecord,
  type RecordedCircuit,
  type RecordedOutcome,
} from './record.ts';

const OUTCOME_OF: ReadonlyMap<unknown, RecordedOutcome> = new Map(
  OUTCOMES.map((outcome) => [LETTERS[outcome], outcome]),
);
const KINDS: ReadonlyMap<unknown, DeliveryAttempt['kind']> = new Map([
  ['d', 'delivered'],
  ['f', 'refused'],
  ['r', 'retry'],
]);

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
  const value = recordIn(text);
  if (value === undefined) return undefined;
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

/** None if it is no list of numbers. */
export function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'number') ? value : [];
}

function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' ? value : otherwise;
}

function textOr(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
