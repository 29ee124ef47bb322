// Lists jobs of the history, and follows it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryQuery } from '../../history/history.ts';
import { listJobs as readJobs } from '../../history/read.ts';
import type { JobRecord, RecordedOutcome } from '../../history/record.ts';
import type { Output } from '../terminal/output.ts';
import { historyOf, readHistory } from '../local-node/history.ts';
import { headLine, jobRow, jsonOf } from './report.ts';

const LOOK_EVERY_MS = 500;
/** More are not shown of what has come since the last look. */
const MOST_AT_ONCE = 10_000;

export interface ListRequest {
  readonly stateDir: string;
  readonly query: {
    readonly since: number | undefined;
    readonly until: number | undefined;
    readonly outcome: RecordedOutcome | undefined;
    readonly search: string | undefined;
    readonly limit: number;
  };
  /** Follows the history until this is aborted. */
  readonly follow: AbortSignal | undefined;
  readonly json: boolean;
  readonly out: Output;
}

/** Returns the exit code. Throws if there is no history. */
export async function listJobs({ stateDir, query, follow, json, out }: ListRequest): Promise<number> {
  const folder = historyOf(stateDir, 'jobs');
  const { limit, ...filters } = query;
  const wanted: HistoryQuery = Object.fromEntries(
    Object.entries(filters).filter(([, value]) => value !== undefined),
  );
  const read = async (more: HistoryQuery): Promise<{ jobs: readonly JobRecord[]; more: boolean }> =>
    readHistory(folder, (from) => readJobs(from, { ...wanted, ...more }));
  const show = (jobs: readonly JobRecord[]): void => {
    for (const job of jobs.toReversed()) {
      if (json) out.json(jsonOf(job));
      else out.write(jobRow(job, out));
    }
  };
  /** Of all jobs, also of those that are not asked for. */
  const newestPlace = async (): Promise<string | undefined> =>
    (await readHistory(folder, (from) => readJobs(from, { limit: 1 }))).jobs[0]?.place;
  let after = follow === undefined ? undefined : await newestPlace();
  const { jobs, more } = await read({ limit });
  if (!json && (jobs.length > 0 || follow !== undefined)) out.write(headLine());
  show(jobs);
  if (jobs.length === 0 && !more && follow === undefined) out.error('no such job is in the history');
  if (more && limit > 0) out.error('older ones are left out: --limit shows more');
  if (follow === undefined) return 0;
  let shown = new Set(jobs.map(({ place }) => place));
  while (!follow.aborted) {
    // First of all: what comes during the look is seen by this one or by the next.
    const next = await newestPlace();
    const { jobs: found } = await read({ after: after ?? '', limit: MOST_AT_ONCE });
    show(found.filter(({ place }) => !shown.has(place)));
    shown = new Set(found.map(({ place }) => place));
    after = next;
    await sleep(LOOK_EVERY_MS, undefined, { signal: follow }).catch(() => {});
  }
  return 0;
}
