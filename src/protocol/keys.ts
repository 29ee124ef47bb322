// The Redis names of the wire contract (PROTOCOL §4), each spelled once.
// Nothing else in the project puts a Redis key together.

/** The stream that the cloud puts a QPU's jobs into. */
export const streamKey = (qpuId: string): string => `qpu:${qpuId}:jobs`;

/** The consumer group that all nodes of a QPU share. */
export const groupName = (qpuId: string): string => `qpu:${qpuId}:workers`;

/** The status hash of a job. */
export const statusKey = (jobId: string): string => `qpu:job:${jobId}:status`;

/** What every cancel signal begins with; also the prefix to track for changes. */
export const CANCEL_KEY_PREFIX = 'qpu:job:cancelled:';

/** The key whose existence says that a job is to be cancelled. */
export const cancelKey = (jobId: string): string => CANCEL_KEY_PREFIX + jobId;

/** The job that a cancel signal is about; undefined if `key` is no cancel signal. */
export function jobIdOfCancelKey(key: string): string | undefined {
  const jobId = key.startsWith(CANCEL_KEY_PREFIX) ? key.slice(CANCEL_KEY_PREFIX.length) : '';
  return jobId === '' ? undefined : jobId;
}
