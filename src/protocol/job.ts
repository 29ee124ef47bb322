// A job message from the Redis stream (PROTOCOL §4). This checks only what is needed to report on the job; its circuit
// and shots have their own parsers.
import { JobError } from '../errors.ts';
import { shown } from './text.ts';
import { traceContextOf, type TraceContext } from './trace-context.ts';

export interface JobMessage {
  /** The id of the stream entry, e.g. `1700000000000-0`. */
  readonly messageId: string;
  readonly jobId: string;
  readonly callbackUrl: string;
  /** Unparsed: see `parseIr`. */
  readonly irJson: string | undefined;
  /** Unparsed: see `parseShots`. */
  readonly shots: string | undefined;
  /** Beyond the contract: who asked for the job can follow it. */
  readonly trace: TraceContext | undefined;
}

const MAX_JOB_ID_LENGTH = 512;
/** It is kept in memory and on disk until the result is delivered. */
export const MAX_CALLBACK_LENGTH = 8 * 1024;
/** U+FFFD replaces bytes that are not UTF-8: such a text may name another job, or another URL, than was meant. */
const UNUSABLE = /[\p{Cc}\p{Cs}\uFFFD]/u;

/**
 * Reads the flat field list of a stream entry (`[name, value, name, value, …]`).
 * Throws a JobError if the job's failure could not be reported: without a usable `job_id`, or without a
 * `callback_url` that is an http(s) URL. It does not check `ir_json` and `shots`.
 */
export function parseMessage(messageId: string, fields: readonly (string | Buffer)[]): JobMessage {
  let jobId = '';
  let callbackUrl = '';
  let irJson: string | undefined;
  let shots: string | undefined;
  let traceparent = '';
  let tracestate = '';
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = String(fields[at + 1]);
    switch (String(fields[at])) {
      case 'job_id':
        jobId = value;
        break;
      case 'callback_url':
        callbackUrl = value;
        break;
      case 'ir_json':
        irJson = value;
        break;
      case 'shots':
        shots = value;
        break;
      case 'traceparent':
        traceparent = value;
        break;
      case 'tracestate':
        tracestate = value;
        break;
    }
  }
  const fault = jobIdFault(jobId) ?? callbackFault(callbackUrl);
  if (fault !== undefined) throw new JobError(`malformed message ${shown(messageId)}: ${fault}`);
  const trace = traceparent === '' ? undefined : traceContextOf(traceparent, tracestate);
  return { messageId, jobId, callbackUrl, irJson, shots, trace };
}

/** The `shots` of a job: a decimal integer of at least 1, else a JobError that quotes it, shortened. */
export function parseShots(text: string | undefined): number {
  if (text === undefined) throw new JobError('the job has no shots');
  const shots = /^[1-9][0-9]*$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(shots)) {
    throw new JobError(
      `shots must be a decimal integer from 1 to ${Number.MAX_SAFE_INTEGER}, got ${shown(text)}`,
    );
  }
  return shots;
}

function jobIdFault(jobId: string): string | undefined {
  if (jobId.trim() === '') return 'no job_id';
  if (jobId.length > MAX_JOB_ID_LENGTH) {
    return `its job_id has ${jobId.length} characters, at most ${MAX_JOB_ID_LENGTH} are allowed`;
  }
  return UNUSABLE.test(jobId)
    ? `its job_id ${shown(jobId)} contains control characters or broken UTF-8`
    : undefined;
}

/** Does not quote the URL: its query may hold a secret. */
function callbackFault(url: string): string | undefined {
  if (url.length > MAX_CALLBACK_LENGTH) {
    return `its callback_url has ${url.length} characters, at most ${MAX_CALLBACK_LENGTH} are allowed`;
  }
  if (url.trim() === '') return 'no callback_url';
  // `new URL` silently drops blanks and line breaks, so check for them first.
  const isUsable = /^https?:\/\/\S+$/i.test(url) && !UNUSABLE.test(url) && URL.canParse(url);
  return isUsable ? undefined : 'its callback_url is not an http:// or https:// URL';
}
