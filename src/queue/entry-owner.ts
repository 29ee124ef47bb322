// Whose an entry is, where what Redis says of its job leaves that open:
//
//   another entry has brought the job to a node that runs it   it waits for that outcome: it stays pending, and every
//                                                              sweep looks at it again
//   the copy of its outcome took longer to read than the       the copy is delivered if the entry is still this node's: a
//   lease lasts                                                slow line would else keep it for ever, and whoever gets
//                                                              the entry after this finds the same copy
import type { Redis } from 'ioredis';
import type { HeldJob } from '../jobs/job.ts';
import type { RedisState } from './redis-state.ts';
import type { JobStream } from './stream.ts';

interface Question {
  readonly job: HeldJob;
  /** Whose entry is asked for: the job's own one, or the one that was executed. */
  readonly messageId: string;
}

const NOTHING: ReadonlyMap<HeldJob, boolean> = new Map();

/** Of the jobs of which that is open: whether this node may take them up. `isOwn`: the lease of the job is sure. */
export async function openOwners(
  redis: Redis,
  stream: JobStream,
  jobs: readonly HeldJob[],
  states: readonly (RedisState | undefined)[],
  isOwn: (job: HeldJob) => boolean,
): Promise<ReadonlyMap<HeldJob, boolean>> {
  const questions: Question[] = [];
  for (const [i, job] of jobs.entries()) {
    const { state = null, messageId = null, copy } = states[i] ?? {};
    const [own] = job.messageIds;
    if (copy !== undefined && !isOwn(job)) questions.push({ job, messageId: own });
    if (state === 'executing' && messageId !== null && messageId !== own) questions.push({ job, messageId });
  }
  if (questions.length === 0) return NOTHING;
  const holders = await stream.holders(
    redis,
    questions.map(({ messageId }) => messageId),
  );
  const answers = new Map<HeldJob, boolean>();
  for (const [i, { job, messageId }] of questions.entries()) {
    const isHere = holders[i] === stream.consumer;
    if (messageId === job.messageIds[0]) answers.set(job, isHere);
    else if (!isHere && holders[i] !== undefined) answers.set(job, false);
  }
  return answers;
}
