// A cancel from the cloud: what it does depends on where the job is.
import type { Runner } from '../device/runner.ts';
import type { Endings } from './endings.ts';
import type { HeldJob } from './job.ts';
import type { JobTable } from './job-table.ts';

/** Cancels a job, wherever it is; false if it is not here, if it is too late, or if `isOwn` does not say that it is still
 *  this node's: another one may have ended it, and the next sweep will tell. */
export function cancelJob(
  jobId: string,
  held: JobTable,
  runner: Runner,
  endings: Endings,
  isOwn: (job: HeldJob) => boolean = () => true,
): boolean {
  const job = held.get(jobId);
  if (job === undefined) return endings.cancelledInOutbox(jobId);
  if (job.stage === 'checking') {
    job.isCancelled = true;
    return true;
  }
  if (job.stage === 'running') runner.drop(job, 'the job was cancelled');
  else if (!isOwn(job)) {
    // If it still is, it is taken in once more, with a look at its cancel signal.
    endings.givenBack(job);
    return false;
  }
  endings.cancelled(job);
  return true;
}
