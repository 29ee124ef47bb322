// The node at one moment, as the page shows it.
import { messageOf, type CodaNode, type Jobs, type RunningJob } from '../../src/index.ts';
import { HISTORY, isRecord, ReadinessReport, version } from '../../src/kit.ts';
import type { CloudState, Counts, DeviceState, Edge, NodeState, Snapshot } from './api.ts';
import type { Timeline } from './timeline.ts';

const MOST_JOBS = 20;
const MOST_EDGES = 2_000;
const MINUTE_MS = 60_000;

export class Snapshots {
  readonly #node: CodaNode;
  readonly #timeline: Timeline;
  readonly #takesActions: boolean;
  readonly #startedAt = Date.now();
  /** Of the jobs that ran when it was last looked: a circuit may have very many gates. */
  #edges = new Map<string, readonly Edge[]>();

  constructor(node: CodaNode, timeline: Timeline, takesActions: boolean) {
    this.#node = node;
    this.#timeline = timeline;
    this.#takesActions = takesActions;
  }

  take(): Snapshot {
    const node = this.#node;
    const at = Date.now();
    const report = reportOf(node);
    const fields = report.toJSON();
    const jobs = orNull(() => node.jobs);
    const running = jobs?.running().slice(0, MOST_JOBS) ?? [];
    return {
      at,
      node: this.#nodeState(report, fields),
      cloud: cloudState(node, report, fields),
      device: this.#deviceState(jobs, running, at),
      // JSON leaves out the function in it.
      running,
      waiting: jobs?.waiting(MOST_JOBS) ?? [],
      counts: countsOf(jobs, fields),
    };
  }

  #nodeState(report: ReadinessReport, fields: Readonly<Record<string, unknown>>): NodeState {
    const paused = fields['paused'];
    return {
      version,
      pid: process.pid,
      startedAt: this.#startedAt,
      phase: this.#node.phase,
      ready: report.ready,
      troubles: report.troubles,
      paused: isRecord(paused) ? { reason: textOf(paused['reason']), since: timeOf(paused['since']) } : null,
      takesActions: this.#takesActions,
      hasHistory: this.#node.services.find(HISTORY) !== undefined,
    };
  }

  #deviceState(jobs: Jobs | null, running: readonly RunningJob[], at: number): DeviceState {
    const executor = orNull(() => this.#node.executorSource);
    const device = jobs?.device();
    const since = device?.since ?? null;
    if (device === undefined || since === null) {
      const none = { busyShare: null, busyShareLastMinute: null, jobsPerSecond: 0, idle: null };
      return { executor, since, ...none, busyEdges: [] };
    }
    const minute = this.#timeline.lastMinute(at, device.idle === null);
    const windowMs = Math.min(MINUTE_MS, Math.max(1, at - since));
    return {
      executor,
      since,
      busyShare: share(device.busyMs, at - since),
      busyShareLastMinute: share(minute.busyMs, windowMs),
      jobsPerSecond: rounded((minute.jobs / windowMs) * 1_000),
      idle: device.idle,
      busyEdges: this.#busyEdges(running),
    };
  }

  #busyEdges(running: readonly RunningJob[]): Edge[] {
    const before = this.#edges;
    this.#edges = new Map(
      running.map((job) => [job.jobId, before.get(job.jobId) ?? job.couples(MOST_EDGES)]),
    );
    return [...this.#edges.values()].flat().slice(0, MOST_EDGES);
  }
}

function cloudState(
  node: CodaNode,
  report: ReadinessReport,
  fields: Readonly<Record<string, unknown>>,
): CloudState {
  return {
    qpuId: orNull(() => node.session.qpuId),
    vpn: report.vpnState,
    vpnInterface: textOf(fields['vpn_interface']),
    redisHealthy: report.redisHealthy,
    lastHeartbeatAt: timeOf(fields['last_heartbeat_at']),
    heartbeatError: textOf(fields['heartbeat_error']),
  };
}

function countsOf(jobs: Jobs | null, fields: Readonly<Record<string, unknown>>): Counts {
  const figures = jobs?.figures();
  return {
    waiting: figures?.queued ?? 0,
    running: figures?.running ?? 0,
    backlog: figures?.backlog ?? null,
    undelivered: figures?.undelivered ?? 0,
    oldestUndeliveredAt: timeOf(fields['oldest_undelivered_at']),
    lastDeliveryAt: timeOf(figures?.lastDeliveryAt),
    completed: figures?.completed ?? 0,
    failed: figures?.failed ?? 0,
    cancelled: figures?.cancelled ?? 0,
    delivered: figures?.delivered ?? 0,
    refused: figures?.refused ?? 0,
  };
}

/** Always a report: that it cannot be determined is what the page has to say then. */
function reportOf(node: CodaNode): ReadinessReport {
  try {
    return node.readiness();
  } catch (thrown) {
    const report = new ReadinessReport();
    report.notReady(`readiness cannot be determined: ${messageOf(thrown)}`);
    return report;
  }
}

/** What the node does not have yet, it throws for. */
export function orNull<T>(get: () => T): T | null {
  try {
    return get();
  } catch {
    return null;
  }
}

function share(part: number, whole: number): number {
  return whole > 0 ? rounded(Math.min(1, part / whole)) : 0;
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Unix milliseconds of an ISO 8601 time. */
function timeOf(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
}
