// The client of a running `coda dev`, for `coda submit` and `coda cancel`.
import { ConfigError, JobError } from '../../errors.ts';
import { createHttpClient, TransportError, type HttpAnswer } from '../../net/http.ts';
import type { NativeGateIR } from '../../protocol/ir.ts';
import { isRecord, printable } from '../../protocol/text.ts';
import type { DeviceAnswer, JobAnswer } from '../../testing/index.ts';
import { findSession, type Rendezvous } from './rendezvous.ts';

export interface DevClient {
  device(): Promise<DeviceAnswer>;
  /** Returns the new job's id. */
  submit(ir: NativeGateIR, shots: number): Promise<string>;
  /** The job's state: as soon as the job has ended, at the latest after `waitSec` seconds. */
  job(jobId: string, waitSec: number): Promise<JobAnswer>;
  cancel(jobId: string): Promise<JobAnswer>;
  close(): Promise<void>;
}

/** Longer than the session holds a request. */
const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Throws a ConfigError if no session is announced. That a session has ended is noticed at the first request. */
export function connectToSession(env: NodeJS.ProcessEnv): DevClient {
  const session = findSession(env);
  if (session === undefined) throw noSession();
  // The session is on this machine, so no proxy is used.
  const http = createHttpClient({ env: {} });

  const ask = async <T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> => {
    const answer = await http
      .request({
        method,
        url: session.url + path,
        headers: { authorization: `Bearer ${session.token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
      })
      .catch((error: unknown) => {
        throw error instanceof TransportError ? noSession(session, error) : error;
      });
    return parse(answer, session) as T;
  };
  const jobPath = (jobId: string): string => `/dev/jobs/${encodeURIComponent(jobId)}`;

  return {
    device: () => ask<DeviceAnswer>('GET', '/dev/device'),
    submit: async (ir, shots) => (await ask<{ job_id: string }>('POST', '/dev/jobs', { ir, shots })).job_id,
    job: (jobId, waitSec) => ask<JobAnswer>('GET', `${jobPath(jobId)}?wait=${waitSec}`),
    cancel: (jobId) => ask<JobAnswer>('POST', `${jobPath(jobId)}/cancel`),
    close: () => http.close(),
  };
}

function parse({ status, text }: HttpAnswer, session: Rendezvous): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not our session: another program uses its port by now.
  }
  if (!isRecord(body) || status === 401) throw noSession(session);
  if (status >= 400) throw new JobError(printable(String(body['error']), 500));
  return body;
}

function noSession(announced?: Rendezvous, cause?: unknown): ConfigError {
  const detail = announced === undefined ? '' : `; the one announced (pid ${announced.pid}) does not answer`;
  return new ConfigError(`no dev session is running${detail}`, { remedy: 'start one with: coda dev', cause });
}
