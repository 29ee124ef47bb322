// The Redis keys of the wire contract (PROTOCOL §4), each spelled once. No other file composes a Redis key.

/** The stream with the jobs of a QPU. */
export const streamKey = (qpuId: string): string => `qpu:${qpuId}:jobs`;

/** The consumer group that all nodes of a QPU share. */
export const groupName = (qpuId: string): string => `qpu:${qpuId}:workers`;

/** The status hash of a job. */
export const statusKey = (jobId: string): string => `qpu:job:${jobId}:status`;

/** The second copy of a job's outcome, if its node writes one (`outcomeCopy`). Not part of the contract. */
export const outcomeKey = (jobId: string): string => `qpu:job:${jobId}:outcome`;

/** The prefix of every cancel signal; also the prefix to track for changes. */
export const CANCEL_KEY_PREFIX = 'qpu:job:cancelled:';

/** The key that exists if a job is to be cancelled. */
export const cancelKey = (jobId: string): string => CANCEL_KEY_PREFIX + jobId;

/** The job of a cancel signal; undefined if `key` is not one. */
export function jobIdOfCancelKey(key: string): string | undefined {
  const jobId = key.startsWith(CANCEL_KEY_PREFIX) ? key.slice(CANCEL_KEY_PREFIX.length) : '';
  return jobId === '' ? undefined : jobId;
}
