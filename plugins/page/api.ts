// What goes between the node and its page. Types only, for both sides. Times are Unix milliseconds, durations milliseconds,
// if a name does not say otherwise. Every text is plain text: to be shown as it is, never as HTML.
//
//   GET  /                          the page; its files are below /page/assets/
//   GET  /page/state                Snapshot
//   GET  /page/events               server-sent events, see `PageEvents`
//   GET  /page/timeline             Timeline
//   GET  /page/jobs                 JobsPage; ?search= (a part of a job's id or of its error), ?outcome= (a
//                                   JobOutcome), ?before= (`next` of the page before), ?limit= (1 to 200, default 50)
//   GET  /page/jobs/<id>            JobDetail; 404 if nothing is known of the job
//   GET  /page/trend?hours=         Trend of the last 1 to 720 hours
//   GET  /page/device               DeviceMap
//   GET  /page/results              Results
//   POST /page/actions/<name>       see `Actions`; JSON in, ActionAnswer out
//
// An answer that is not 200 is a `Refusal`. Actions need `Authorization: Bearer <token>` and come from the page itself:
// 401 is for a token that is missing or wrong (an earlier run of the node had another one), 403 for another origin.

/** The node at one moment. */
export interface Snapshot {
  /** The clock of the node: compare times with this, not with the clock of the browser. */
  readonly at: number;
  readonly node: NodeState;
  readonly cloud: CloudState;
  readonly device: DeviceState;
  /** The jobs on the device, the first 20. */
  readonly running: readonly RunningRow[];
  /** The jobs that wait for it, in their order, the first 20. */
  readonly waiting: readonly WaitingRow[];
  readonly counts: Counts;
}

export interface NodeState {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly phase: 'booting' | 'running' | 'draining' | 'closed';
  readonly ready: boolean;
  /** What is wrong. If one of them `blocks`, the node is not ready. */
  readonly troubles: readonly Trouble[];
  /** Null if the operator has not paused the node. */
  readonly paused: { readonly reason: string | null; readonly since: number | null } | null;
  /** Whether this node has a door for actions (plugin `door`); without one there is no token. */
  readonly takesActions: boolean;
  /** Whether it keeps a history; without one, lists and trends go back to the start of the node, and not far. */
  readonly hasHistory: boolean;
}

export interface Trouble {
  readonly text: string;
  /** What to do about it; null if nobody has to do anything. */
  readonly remedy: string | null;
  readonly blocks: boolean;
}

export interface CloudState {
  /** Null before the node is connected. */
  readonly qpuId: string | null;
  readonly vpn: 'booting' | 'ready' | 'degraded' | 'vpn_unavailable';
  /** Null if there is no tunnel, or it is not known. */
  readonly vpnInterface: string | null;
  readonly redisHealthy: boolean;
  /** When the cloud accepted the last heartbeat; null if it has not yet. */
  readonly lastHeartbeatAt: number | null;
  readonly heartbeatError: string | null;
}

export interface DeviceState {
  /** As the log names the executor; null until it is found. */
  readonly executor: string | null;
  /** Since when it is measured: the start of the node's queue; null before that. */
  readonly since: number | null;
  /** The share of the time since then in which something ran, 0 to 1; null before that. */
  readonly busyShare: number | null;
  /** The same of the last minute, or since the start if that is later. */
  readonly busyShareLastMinute: number | null;
  /** Jobs a second that ended in the last minute, or since the start. */
  readonly jobsPerSecond: number;
  /** Why nothing runs, and since when; null while something runs. */
  readonly idle: { readonly since: number; readonly reason: GapReason; readonly text: string } | null;
  /** The pairs of qubits that the circuits on the device couple; the first 2,000. */
  readonly busyEdges: readonly Edge[];
}

export type GapReason = 'between runs' | 'no jobs' | 'preparing' | 'closed' | 'redis' | 'held up';
export type Edge = readonly [from: number, to: number];

export interface RunningRow {
  readonly jobId: string;
  /** `local`: a run of the operator. */
  readonly origin: 'cloud' | 'local';
  readonly startedAt: number;
  readonly circuit: CircuitFigures;
}

export interface WaitingRow {
  readonly jobId: string;
  readonly stage: 'checking' | 'preparing' | 'queued';
  readonly takenAt: number;
  readonly circuit: CircuitFigures | null;
}

export interface CircuitFigures {
  readonly shots: number;
  readonly qubits: number;
  readonly gates: number;
  readonly measurements: number;
}

/** Those with `now` are of this moment, the others since the start of the node. */
export interface Counts {
  /** Now: jobs that are taken and not on the device. */
  readonly waiting: number;
  /** Now: jobs on the device, or after it in `mapResult`. */
  readonly running: number;
  /** Now: jobs in the stream that no node has taken; null if it is not known. */
  readonly backlog: number | null;
  /** Now: outcomes that are saved and not delivered. */
  readonly undelivered: number;
  /** When the oldest of them was saved. */
  readonly oldestUndeliveredAt: number | null;
  readonly lastDeliveryAt: number | null;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly delivered: number;
  /** Outcomes that the cloud has refused. */
  readonly refused: number;
}

/** `dead-letter`: a message that was no job; its `jobId` is the id of its stream entry. */
export type JobOutcome = 'completed' | 'failed' | 'cancelled' | 'dead-letter';

/** A job that has ended, as a row of a list. */
export interface JobRow {
  readonly jobId: string;
  /** `local`: the operator ran it on this machine, and the cloud does not know it. */
  readonly origin: 'cloud' | 'local';
  readonly outcome: JobOutcome;
  /** Of a failed one, shortened to 200 characters. */
  readonly error: string | null;
  readonly circuit: CircuitFigures | null;
  /** When the cloud sent it; null if that is not known. */
  readonly sentAt: number | null;
  readonly takenAt: number | null;
  readonly queuedAt: number | null;
  /** Null if it has not run. */
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface JobsPage {
  /** The last one to end comes first. */
  readonly jobs: readonly JobRow[];
  /** For `before`: the page after this one; null if this is the last one. */
  readonly next: string | null;
}

/** All that is known of a job that has ended. */
export interface JobDetail extends JobRow {
  /** Of a failed one, whole. */
  readonly errorText: string | null;
  /** Of a failed one, where, for example `in the executor (./qpu.ts)`. */
  readonly where: string | null;
  readonly stack: string | null;
  /** What the executor said that it took. */
  readonly executionTimeMs: number | null;
  readonly shotsCompleted: number | null;
  readonly executor: string | null;
  /** Null if they were not kept (the job has none, or too many). */
  readonly counts: CountsShown | null;
  /** The circuit as an SVG document without styles of its own: the page's style sheet has them. Null if it was not kept. */
  readonly drawing: string | null;
  /** What plugins have noted on it; each value as JSON. */
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** The attempts to deliver the outcome, the first one first; of many, some between are left out. */
  readonly deliveries: readonly DeliveryAttempt[];
  /** What became of the outcome. `none`: the cloud does not get it; `cancelled`: the cloud cancelled the job after its end;
   *  null if it is not known. */
  readonly delivery: 'none' | 'waiting' | 'delivered' | 'refused' | 'cancelled' | null;
}

export interface CountsShown {
  /** The most frequent first, at most 64. */
  readonly top: readonly { readonly bits: string; readonly count: number }[];
  /** What is not in `top`: how many outcomes, and their counts together. */
  readonly others: number;
  readonly otherCounts: number;
  /** All counts together. */
  readonly total: number;
}

export interface DeliveryAttempt {
  /** When it ended. */
  readonly at: number;
  /** 1 for the first one of a start of the node. */
  readonly number: number;
  readonly kind: 'delivered' | 'refused' | 'retry';
  /** Why it was not delivered. */
  readonly reason: string | null;
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

export interface Results {
  /** What the cloud refused, the oldest first, at most 200. */
  readonly refused: readonly RefusedRow[];
  /** What waits for its delivery, the oldest first, at most 200. */
  readonly undelivered: readonly UndeliveredRow[];
  readonly refusedCount: number;
  readonly undeliveredCount: number;
  /** Refused results that will be delivered once more. */
  readonly replayingCount: number;
  /** Messages that were no jobs. */
  readonly deadLetterCount: number | null;
  /** Files that cannot be read: one sentence each. */
  readonly problems: readonly string[];
}

export interface RefusedRow {
  readonly jobId: string;
  readonly status: 'completed' | 'failed';
  readonly refusedAt: number | null;
  readonly reason: string;
  readonly callbackOrigin: string;
}

export interface UndeliveredRow {
  readonly jobId: string;
  readonly status: 'completed' | 'failed';
  readonly endedAt: number | null;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string | null;
  readonly callbackOrigin: string;
  /** The operator has given it up; the node drops it as soon as no attempt is under way. */
  readonly isDropping: boolean;
}

/**
 * The server-sent events of /page/events, each with JSON as its data. After a connection is made, `state` comes at once. An
 * event may be missed while the connection is down: read /page/jobs and /page/timeline once it is up again.
 */
export interface PageEvents {
  /** At most 4 a second, if anything has changed, and every 5 s. */
  readonly state: Snapshot;
  /** At most 4 a second. */
  readonly jobs: JobsEvent;
  /** At most 4 a second. */
  readonly spans: { readonly spans: readonly Span[] };
}

export interface JobsEvent {
  /** Jobs that have ended, the last one first, at most 50. */
  readonly jobs: readonly JobRow[];
  /** How many more ended since the event before, which are not in `jobs`. */
  readonly leftOut: number;
}

/** The body of each action; one without content is `{}`. */
export interface Actions {
  /** No job is taken until `resume`, also after a restart (`coda pause`). */
  readonly pause: { readonly reason?: string };
  /** `coda resume`. */
  readonly resume: Record<string, never>;
  /** Cancels a job that waits or runs here, as the cloud does it, or a run of this page. */
  readonly cancel: { readonly jobId: string };
  /** Delivers a refused result once more (`coda results replay`). */
  readonly replay: { readonly jobId: string };
  /** Gives a result up for good: a refused one, or one that waits for its delivery (`coda results drop`). */
  readonly drop: { readonly jobId: string; readonly which: 'refused' | 'waiting' };
  /** Runs a circuit between two jobs, as JSON (NativeGateIR) or OpenQASM; answered when it has its turn, and has ended. */
  readonly run: { readonly circuit: string; readonly shots?: number; readonly name?: string };
}

export interface ActionAnswer {
  /** What is true now, as a sentence. */
  readonly text: string;
  /** Of `run`: the job. Its detail is at /page/jobs/<id>. */
  readonly jobId?: string;
  readonly outcome?: JobOutcome;
  /** Of a run that completed. */
  readonly counts?: CountsShown;
  /** Of a run that failed. */
  readonly error?: string;
}

/** Why a request was not done. */
export interface Refusal {
  readonly error: string;
  /** What to do; null if nothing can be done. */
  readonly remedy: string | null;
}
