// The jobs that have ended, as the page asks for them: from the history if the node keeps one, else the last ones that it
// has seen.
import { circuitSvg, type History, type JobRecord, type Period } from '../../src/kit.ts';
import type { JobDetail, JobOutcome, JobRow, JobsPage, Trend, TrendBucket } from './api.ts';
import { shownCounts } from './counts.ts';
import { rowOf, shortened, type RecentJobs, type SeenJob } from './recent.ts';

const HOUR_MS = 3_600_000;
/** The first that fits says how long a part of a trend is. */
const BUCKETS = [
  { hours: 2, ms: 60_000 },
  { hours: 24, ms: 600_000 },
  { hours: 168, ms: HOUR_MS },
  { hours: Infinity, ms: 4 * HOUR_MS },
];
const DRAWING = { width: 720, maxHeight: 2_000, style: false };

export interface JobsQuery {
  readonly search: string;
  readonly outcome: JobOutcome | undefined;
  /** `next` of the page before. */
  readonly before: string | undefined;
  readonly limit: number;
}

export async function listJobs(
  query: JobsQuery,
  recent: RecentJobs,
  history: History | undefined,
): Promise<JobsPage> {
  const { search, outcome, before, limit } = query;
  if (history === undefined) return listRecent(query, recent);
  const { jobs, more } = await history.list({
    limit,
    ...(search === '' ? {} : { search }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(before === undefined ? {} : { before }),
  });
  return { jobs: jobs.map(rowOfRecord), next: more ? (jobs.at(-1)?.place ?? null) : null };
}

/** Undefined if nothing is known of it. */
export async function describeJob(
  jobId: string,
  recent: RecentJobs,
  history: History | undefined,
): Promise<JobDetail | undefined> {
  const record = await history?.find(jobId);
  if (record !== undefined) return detailOf(record);
  const seen = recent.last(recent.count).find(({ row }) => row.jobId === jobId);
  return seen && detailOfSeen(seen);
}

export async function trendOf(hours: number, now: number, history: History | undefined): Promise<Trend> {
  const bucketMs = BUCKETS.find((bucket) => hours <= bucket.hours)?.ms ?? HOUR_MS;
  const from = Math.floor((now - hours * HOUR_MS) / bucketMs) * bucketMs;
  const periods = (await history?.trend(from, bucketMs)) ?? [];
  return { from, to: now, bucketMs, buckets: periods.map(bucketOf) };
}

function listRecent({ search, outcome, before, limit }: JobsQuery, recent: RecentJobs): JobsPage {
  const wanted = search.toLowerCase();
  const isFound = ({ row, errorText }: SeenJob): boolean =>
    row.jobId.toLowerCase().includes(wanted) || errorText?.toLowerCase().includes(wanted) === true;
  const jobs: JobRow[] = [];
  // The number of a job is its place from the first one on: it stays the same while others come.
  const last = before === undefined ? recent.count : Math.min(Number(before) || 0, recent.count);
  const seen = recent.last(recent.count).slice(recent.count - last);
  for (const [at, job] of seen.entries()) {
    if (!isFound(job) || (outcome !== undefined && job.row.outcome !== outcome)) continue;
    if (jobs.push(job.row) < limit) continue;
    return { jobs, next: at + 1 < seen.length ? String(last - at - 1) : null };
  }
  return { jobs, next: null };
}

function rowOfRecord(record: JobRecord): JobRow {
  const { outcome, error } = record;
  return rowOf(record, outcome, error === null ? null : shortened(error));
}

async function detailOf(record: JobRecord): Promise<JobDetail> {
  const { error, where, stack, executionTimeMs, shotsCompleted, executor, counts, ir, delivery } = record;
  return {
    ...rowOfRecord(record),
    errorText: error,
    where,
    stack,
    executionTimeMs,
    shotsCompleted,
    executor,
    counts: counts === null ? null : shownCounts(counts),
    drawing: ir === null ? null : await circuitSvg(ir, DRAWING),
    annotations: Object.entries(record.annotations).map(([key, value]) => ({
      key,
      value: JSON.stringify(value),
    })),
    deliveries: delivery.attempts,
    delivery: delivery.state,
  };
}

function detailOfSeen({ row, errorText, where }: SeenJob): JobDetail {
  return {
    ...row,
    errorText,
    where,
    stack: null,
    executionTimeMs: null,
    shotsCompleted: null,
    executor: null,
    counts: null,
    drawing: null,
    annotations: [],
    deliveries: [],
    delivery: null,
  };
}

function bucketOf({ from, coveredMs, completed, failed, cancelled, busyMs, run, wait }: Period): TrendBucket {
  return {
    at: from,
    knownMs: coveredMs,
    completed,
    failed,
    cancelled,
    busyMs,
    runMs: run && { p50: run.p50, p95: run.p95 },
    waitMs: wait && { p50: wait.p50, p95: wait.p95 },
  };
}
