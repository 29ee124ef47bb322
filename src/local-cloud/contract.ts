// Checks strictly what a node sends: the bodies of connect, heartbeat and webhook.
// Each function returns the typed body or throws a Refusal that names the first broken rule.
import { parseIr } from '../protocol/ir.ts';
import { parseShots } from '../protocol/job.ts';
import { isRecord, kindOf, shown } from '../protocol/text.ts';
import { MAX_ERROR_CHARACTERS, type WebhookBody } from '../protocol/webhook.ts';
import { Refusal } from './refusal.ts';

export type Edge = readonly [number, number];
type Fields = Readonly<Record<string, unknown>>;

/** PROTOCOL §1. */
export interface ConnectBody {
  readonly machine_fingerprint: string;
  readonly connectivity?: readonly Edge[];
}

/** PROTOCOL §7. */
export interface HeartbeatBody {
  readonly current_job: string | null;
  readonly last_job_at: string | null;
  readonly redis_healthy: boolean;
  readonly connectivity: readonly Edge[] | null;
}

/** What the cloud knows about the job of a webhook. */
export interface JobTerms {
  /** Undefined if the submitted circuit or its shots are invalid: such a job cannot complete. */
  readonly valid: { readonly measurements: number } | undefined;
}

const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;

export function jobTerms(irJson: string | undefined, shots: string | undefined): JobTerms {
  try {
    parseShots(shots);
    return { valid: { measurements: parseIr(irJson).measurements.length } };
  } catch {
    return { valid: undefined };
  }
}

export function parseJson(contentType: string | undefined, text: string): unknown {
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
    throw new Refusal(415, `Content-Type must be application/json, got ${shown(contentType)}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

export function connectBody(value: unknown): ConnectBody {
  const fields = record(value);
  const hasConnectivity = Object.hasOwn(fields, 'connectivity');
  exactKeys(fields, ['machine_fingerprint', ...(hasConnectivity ? ['connectivity'] : [])]);
  const fingerprint = fields['machine_fingerprint'];
  if (typeof fingerprint !== 'string' || fingerprint.trim() === '') {
    throw bad('machine_fingerprint', 'a non-empty string', fingerprint);
  }
  if (!hasConnectivity) return { machine_fingerprint: fingerprint };
  return { machine_fingerprint: fingerprint, connectivity: edges(fields['connectivity']) };
}

export function heartbeatBody(value: unknown): HeartbeatBody {
  const fields = record(value);
  exactKeys(fields, ['current_job', 'last_job_at', 'redis_healthy', 'connectivity']);
  const { current_job, last_job_at, redis_healthy, connectivity } = fields;
  if (current_job !== null && (typeof current_job !== 'string' || current_job === '')) {
    throw bad('current_job', 'a job id or null', current_job);
  }
  if (last_job_at !== null && (typeof last_job_at !== 'string' || !ISO_UTC.test(last_job_at))) {
    throw bad('last_job_at', 'an ISO 8601 time in UTC or null', last_job_at);
  }
  if (typeof redis_healthy !== 'boolean') throw bad('redis_healthy', 'a boolean', redis_healthy);
  return {
    current_job,
    last_job_at,
    redis_healthy,
    connectivity: connectivity === null ? null : edges(connectivity),
  };
}

/** PROTOCOL §6; `termsOf` finds what the cloud submitted under a job id. */
export function webhookBody(value: unknown, termsOf: (jobId: string) => JobTerms | undefined): WebhookBody {
  const fields = record(value);
  const { job_id, status } = fields;
  if (typeof job_id !== 'string') throw bad('job_id', 'a string', job_id);
  const terms = termsOf(job_id);
  if (terms === undefined) throw new Refusal(404, `no job ${shown(job_id)} was submitted`);
  if (status === 'completed') return completedBody(job_id, fields, terms);
  if (status === 'failed') return failedBody(job_id, fields);
  throw bad('status', "'completed' or 'failed'", status);
}

function completedBody(jobId: string, fields: Fields, terms: JobTerms): WebhookBody {
  exactKeys(fields, ['job_id', 'status', 'counts', 'execution_time_ms', 'shots_completed']);
  const { counts, execution_time_ms, shots_completed } = fields;
  if (terms.valid === undefined) {
    throw new Refusal(422, 'the job cannot have completed: its circuit or its shots are invalid');
  }
  const { measurements } = terms.valid;
  if (typeof execution_time_ms !== 'number' || execution_time_ms < 0) {
    throw bad('execution_time_ms', 'a number of at least 0', execution_time_ms);
  }
  // The contract allows fewer or more shots than requested.
  if (!isWholeNumber(shots_completed)) {
    throw bad('shots_completed', 'an integer of at least 0', shots_completed);
  }
  return {
    job_id: jobId,
    status: 'completed',
    counts: countsOf(counts, measurements),
    execution_time_ms,
    shots_completed,
  };
}

function failedBody(jobId: string, fields: Fields): WebhookBody {
  exactKeys(fields, ['job_id', 'status', 'error']);
  const { error } = fields;
  if (typeof error !== 'string' || error.trim() === '') throw bad('error', 'a non-empty string', error);
  const length = Array.from(error).length;
  if (length > MAX_ERROR_CHARACTERS) {
    throw new Refusal(422, `error has ${length} characters, at most ${MAX_ERROR_CHARACTERS} are allowed`);
  }
  return { job_id: jobId, status: 'failed', error };
}

function countsOf(value: unknown, measurements: number): Record<string, number> {
  if (!isRecord(value)) throw bad('counts', 'an object', value);
  const counts: Record<string, number> = {};
  for (const [outcome, count] of Object.entries(value)) {
    if (!/^[01]*$/.test(outcome) || outcome.length !== measurements) {
      throw new Refusal(422, `counts: ${shown(outcome)} is not a bitstring of ${measurements} measurements`);
    }
    if (!isWholeNumber(count)) throw bad(`counts['${outcome}']`, 'an integer of at least 0', count);
    counts[outcome] = count;
  }
  return counts;
}

function edges(value: unknown): readonly Edge[] {
  if (!Array.isArray(value)) throw bad('connectivity', 'a list of [qubit, qubit]', value);
  return value.map((edge: unknown, index): Edge => {
    if (Array.isArray(edge) && edge.length === 2) {
      const [a, b]: unknown[] = edge;
      if (isWholeNumber(a) && isWholeNumber(b)) return [a, b];
    }
    throw bad(`connectivity[${index}]`, 'a pair of qubit indices', edge);
  });
}

function record(value: unknown): Fields {
  if (isRecord(value)) return value;
  throw new Refusal(400, `the body must be a JSON object, got ${kindOf(value)}`);
}

function exactKeys(fields: Fields, wanted: readonly string[]): void {
  const missing = wanted.filter((name) => !Object.hasOwn(fields, name));
  if (missing.length > 0) throw new Refusal(422, `the body has no ${missing.join(', ')}`);
  const unknown = Object.keys(fields).filter((name) => !wanted.includes(name));
  if (unknown.length > 0) {
    throw new Refusal(422, `the body has unknown keys: ${unknown.map((name) => shown(name)).join(', ')}`);
  }
}

function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function bad(field: string, wanted: string, value: unknown): Refusal {
  return new Refusal(422, `${field} must be ${wanted}, got ${shown(value)}`);
}
