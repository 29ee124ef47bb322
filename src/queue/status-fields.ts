// The fields of a job's status hash, of each state that a node writes (PROTOCOL §4): name, value, …
import type { Ending } from '../jobs/job.ts';

export function executingFields(messageId: string, qpuId: string): string[] {
  const startedAt = new Date().toISOString();
  return ['state', 'executing', 'started_at', startedAt, 'message_id', messageId, 'qpu_id', qpuId];
}

export function endedFields(
  { messageIds: [messageId = ''], outcome, endedAt }: Ending,
  qpuId: string,
): string[] {
  switch (outcome.status) {
    case 'completed':
      return ['state', 'completed', 'completed_at', endedAt];
    case 'failed': {
      // Its start may not have reached Redis, and who asks has to know which entry has failed.
      const failed = ['state', 'failed', 'error', outcome.error, 'failed_at', endedAt];
      return [...failed, 'message_id', messageId];
    }
    case 'cancelled': {
      const cancelled = ['state', 'cancelled', 'cancelled_at', endedAt];
      return [...cancelled, 'message_id', messageId, 'qpu_id', qpuId];
    }
  }
}
