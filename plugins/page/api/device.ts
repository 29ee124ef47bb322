// The device: its graph, and what it did with its time.
export type GapReason = 'between runs' | 'no jobs' | 'preparing' | 'closed' | 'redis' | 'held up';

export type Edge = readonly [from: number, to: number];

/** The device as a graph. */
export interface DeviceMap {
  /** Null until the executor is known. */
  readonly qubits: number | null;
  /** Null: every pair of qubits is coupled, or it is not known. */
  readonly edges: readonly Edge[] | null;
  /** Whether a gate may go along an edge in one direction only. */
  readonly directed: boolean;
  /** The gates that it has; null if it is not known. */
  readonly target: string | null;
}

/** What the device did in the last ten minutes, without what it does now (`DeviceState.idle`, `running`). */
export interface Timeline {
  readonly at: number;
  /** In their order; none overlaps another. */
  readonly spans: readonly Span[];
}

/**
 * A time of the device. Long runs and gaps have their own span; short ones share one, which is 50 ms long at most in the last
 * minute and 1 s before that. A span with a `from` that was sent before replaces the one that was sent.
 */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** The share of it in which something ran: 1 for a run, 0 for a gap, between them for a span of both. */
  readonly busy: number;
  /** Jobs whose run ended in it. */
  readonly jobs: number;
  /** How many of those failed. */
  readonly failed: number;
  /** If `jobs` is 1. */
  readonly jobId: string | null;
  /** The longest gap in it; null if there is none but between two runs. */
  readonly reason: GapReason | null;
  readonly text: string | null;
}

/** Sums of equal parts of time, the oldest first. Parts of which nothing is known are left out. */
export interface Trend {
  readonly from: number;
  readonly to: number;
  /** Length of each part. */
  readonly bucketMs: number;
  readonly buckets: readonly TrendBucket[];
}

export interface TrendBucket {
  /** When it begins. */
  readonly at: number;
  /** The part of it in which a node ran; the last bucket has not ended. */
  readonly knownMs: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly busyMs: number;
  /** Median and 95th percentile of the run time, and of the time between taking the job and its run; null without runs. */
  readonly runMs: Percentiles | null;
  readonly waitMs: Percentiles | null;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}
