// The node at one moment, and the events of its page.
import type { Edge, GapReason, Span } from './device.ts';
import type { CircuitFigures, JobRow } from './jobs.ts';

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
