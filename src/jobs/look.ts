// What plugins see of the jobs that are here now: those on the device, those that wait, and why the device has nothing to do.
import type { Why } from '../device/device-time.ts';
import type { Admission } from '../kernel/admission.ts';
import { unixMs } from '../net/timing.ts';
import { circuitFigures } from './circuit-figures.ts';
import type { JobTable } from './job-table.ts';
import type { RunningJob, WaitingJob } from './jobs.ts';

export function runningJobs(held: JobTable): RunningJob[] {
  return [...held.all()].flatMap((job) =>
    job.stage === 'running'
      ? [
          {
            jobId: job.jobId,
            origin: 'cloud',
            startedAt: unixMs(job.startedAt ?? performance.now()),
            circuit: circuitFigures(job.circuit),
          },
        ]
      : [],
  );
}

export function waitingJobs(held: JobTable, most: number): WaitingJob[] {
  const jobs: WaitingJob[] = held.peek(most).map(({ jobId, heldSince, circuit }) => ({
    jobId,
    stage: 'queued',
    takenAt: unixMs(heldSince),
    circuit: circuitFigures(circuit),
  }));
  if (jobs.length >= most || held.waiting === held.queued) return jobs;
  for (const job of held.all()) {
    if (jobs.length >= most) break;
    if (job.stage !== 'checking' && job.stage !== 'preparing') continue;
    const { jobId, stage, heldSince } = job;
    const circuit = job.stage === 'preparing' ? circuitFigures(job.circuit) : null;
    jobs.push({ jobId, stage, takenAt: unixMs(heldSince), circuit });
  }
  return jobs;
}

/** Why nothing runs. `redis`: why Redis does not answer, if it does not. */
export function whyIdle(held: JobTable, admission: Admission, redis: string | undefined): Why {
  const [closed] = admission.reasons;
  if (closed !== undefined) return { reason: 'closed', text: closed.text };
  if (redis !== undefined) return { reason: 'redis', text: redis };
  if (held.waiting === 0) return { reason: 'no jobs', text: 'there were no jobs' };
  if (held.queued === 0) return { reason: 'preparing', text: 'jobs were checked or prepared' };
  return { reason: 'held up', text: 'a job was ready, and its lease or the last result was not safe yet' };
}
