// The results that are not delivered: those that the cloud refused, and those that wait. What `coda results` shows.
import { messageOf, type CodaNode, type Jobs } from '../../src/index.ts';
import {
  countDeadLetters,
  findSetAside,
  nodeFolder,
  originOf,
  readDrops,
  type SetAside,
} from '../../src/kit.ts';
import type { RefusedRow, Results, UndeliveredRow } from './api.ts';
import { orNull } from './snapshot.ts';

const MOST = 200;
/** A larger file takes the node too long. */
const BOUNDS = { most: MOST, mostBytes: 4 * 1024 * 1024 };
const MOST_REASON = 1_000;

export async function listResults(node: CodaNode): Promise<Results> {
  const folder = nodeFolder(node.settings.stateDir);
  const { refused, problems, count } = await findSetAside(folder, BOUNDS);
  const jobs = orNull(() => node.jobs);
  const unread: string[] = [];
  const deadLetterCount = await countDeadLetters(folder).catch((thrown: unknown) => {
    unread.push(messageOf(thrown));
    return null;
  });
  return {
    refused: refused.map(refusedRow),
    undelivered: jobs === null ? [] : undelivered(jobs, folder),
    refusedCount: count.refused,
    undeliveredCount: jobs?.figures().undelivered ?? 0,
    replayingCount: count.replaying,
    deadLetterCount,
    problems: [...problems, ...unread].slice(0, MOST),
  };
}

function undelivered(jobs: Jobs, folder: string): UndeliveredRow[] {
  const dropping = new Set([...readDrops(folder).values()].flat());
  return jobs.undelivered(MOST).map(({ jobId, origin, status, endedAt, attempts, error }) => ({
    jobId,
    status,
    endedAt: timeOf(endedAt),
    attempts,
    error: error?.slice(0, MOST_REASON) ?? null,
    callbackOrigin: origin,
    isDropping: dropping.has(jobId),
  }));
}

function refusedRow({ result }: SetAside): RefusedRow {
  return {
    jobId: result.jobId,
    status: result.outcome.status,
    refusedAt: timeOf(result.refusedAt),
    reason: result.reason.slice(0, MOST_REASON),
    callbackOrigin: originOf(result.callbackUrl),
  };
}

function timeOf(text: string): number | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}
