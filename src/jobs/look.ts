// What plugins see of the jobs that are here now: those on the device, those that wait, and why the device has nothing to do.
import type { Why } from '../device/device-time.ts';
import type { Edge } from '../device/executor.ts';
import type { Admission } from '../kernel/admission.ts';
import { unixMs } from '../net/timing.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { circuitFigures } from './circuit-figures.ts';
import type { ReadyJob } from './job.ts';
import type { JobTable } from './job-table.ts';
import type { RunningJob, WaitingJob } from './jobs.ts';

export function runningJobs(held: JobTable): RunningJob[] {
  return [...held.all()].flatMap((job) => (job.stage === 'running' ? [runningJob(job, 'cloud')] : []));
}

export function runningJob(job: ReadyJob, origin: RunningJob['origin']): RunningJob {
  const { jobId, startedAt = performance.now(), circuit } = job;
  return {
    jobId,
    origin,
    startedAt: unixMs(startedAt),
    circuit: circuitFigures(circuit),
    couples: (most) => couples(circuit.ir, most),
  };
}

function couples({ gates, num_qubits: qubits }: NativeGateIR, most: number): Edge[] {
  const found = new Map<number, Edge>();
  for (const gate of gates) {
    const [a = 0, b] = gate.qubits;
    if (b === undefined) continue;
    found.set(a * qubits + b, [a, b]);
    if (found.size >= most) break;
  }
  return [...found.values()];
}

export function waitingJobs(held: JobTable, most: number): WaitingJob[] {
  const jobs: WaitingJob[] = held.peek(most).map(({ jobId, takenAt, circuit }) => ({
    jobId,
    stage: 'queued',
    takenAt: unixMs(takenAt),
    circuit: circuitFigures(circuit),
  }));
  if (jobs.length >= most || held.waiting === held.queued) return jobs;
  for (const job of held.all()) {
    if (jobs.length >= most) break;
    if (job.stage !== 'checking' && job.stage !== 'preparing') continue;
    const { jobId, stage, takenAt } = job;
    const circuit = job.stage === 'preparing' ? circuitFigures(job.circuit) : null;
    jobs.push({ jobId, stage, takenAt: unixMs(takenAt), circuit });
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
