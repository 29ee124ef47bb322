// The developer's API of the local cloud, for `coda submit` and `coda cancel`.
// It accepts only the token in the rendezvous file of the developer, and listens on loopback only.
import { createHash, timingSafeEqual } from 'node:crypto';
import { Router, type RouterContext } from '@koa/router';
import { CodaError } from '../errors.ts';
import { validateIr } from '../protocol/ir.ts';
import { parseShots } from '../protocol/job.ts';
import { isRecord, shown } from '../protocol/text.ts';
import type { Edge } from './contract.ts';
import type { CloudJobs, JobEnd, SubmittedJob } from './jobs.ts';
import { Refusal } from './refusal.ts';
import { readBody } from './routes.ts';

/** The answers of `GET /dev/jobs/:id` and of a cancel. */
export interface JobAnswer {
  readonly job_id: string;
  readonly state: string;
  /** Null while the job has not ended. */
  readonly end: JobEnd | null;
}

/** The answer of `GET /dev/device`. */
export interface DeviceAnswer {
  readonly native_gate_set: string;
  /** As the node has last told it; none, if it has told none. */
  readonly connectivity: readonly Edge[];
}

interface AdminParts {
  readonly token: string;
  readonly device: () => DeviceAnswer;
  readonly jobs: CloudJobs;
  /** Fires when the cloud closes, and ends all waiting requests. */
  readonly closing: AbortSignal;
  readonly onSubmit: (job: SubmittedJob) => void;
}

const LONGEST_WAIT_SEC = 30;
const CANCEL_WAIT_SEC = 10;

/** `GET /dev/device`, `POST /dev/jobs`, `GET /dev/jobs`, `GET /dev/jobs/:id?wait=<seconds>`, `POST /dev/jobs/:id/cancel`. */
export function adminRoutes({ token, device, jobs, closing, onSubmit }: AdminParts): Router {
  const router = new Router({ prefix: '/dev' });

  router.use(async (context, next) => {
    try {
      if (!isSame(context.get('authorization'), `Bearer ${token}`)) {
        throw new Refusal(401, 'the token of this dev session is missing or wrong');
      }
      await next();
    } catch (thrown) {
      if (!(thrown instanceof Refusal || thrown instanceof CodaError)) throw thrown;
      context.status = thrown instanceof Refusal ? thrown.status : 422;
      context.body = { error: thrown.message };
    }
  });

  router.get('/device', (context) => {
    context.body = device();
  });

  router.post('/jobs', async (context) => {
    const job = await jobs.submit(await submission(context));
    context.status = 201;
    context.body = { job_id: job.jobId };
    onSubmit(job);
  });

  router.get('/jobs', async (context) => {
    context.body = { jobs: await jobs.list() };
  });

  router.get('/jobs/:id', async (context) => {
    const jobId = knownJob(context, jobs);
    const seconds = Math.min(LONGEST_WAIT_SEC, Number(context.URL.searchParams.get('wait') ?? 0) || 0);
    context.body = await stateOf(jobs, jobId, seconds, closing);
  });

  router.post('/jobs/:id/cancel', async (context) => {
    const jobId = knownJob(context, jobs);
    if (jobs.results.has(jobId)) throw new Refusal(409, `job ${shown(jobId)} has ended already`);
    await jobs.cancel(jobId);
    context.body = await stateOf(jobs, jobId, CANCEL_WAIT_SEC, closing);
  });
  return router;
}

async function submission(context: RouterContext): Promise<{ ir: string; shots: number }> {
  let body: unknown;
  try {
    body = JSON.parse(await readBody(context.req));
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  if (!isRecord(body)) throw new Refusal(400, 'the body must be an object with ir and shots');
  const ir = validateIr(body['ir']);
  const shots = parseShots(String(body['shots']));
  return { ir: JSON.stringify(ir), shots };
}

async function stateOf(
  jobs: CloudJobs,
  jobId: string,
  waitSec: number,
  closing: AbortSignal,
): Promise<JobAnswer> {
  const timeUp = AbortSignal.timeout(Math.max(1, waitSec * 1000));
  const end = (await jobs.ended(jobId, AbortSignal.any([closing, timeUp]))) ?? null;
  const state = end?.status ?? (await jobs.status(jobId))['state'] ?? 'queued';
  return { job_id: jobId, state, end };
}

function knownJob(context: RouterContext, jobs: CloudJobs): string {
  const jobId = String(context.params['id']);
  if (!jobs.has(jobId)) throw new Refusal(404, `no job ${shown(jobId)} in this dev session`);
  return jobId;
}

/** Compares digests, so that the time it takes reveals nothing about the token. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
