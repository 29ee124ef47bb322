// The values of one scrape, by metric: what is counted, and what the node says of itself at this moment.
import type { CodaNode } from '../../src/index.ts';
import { ORIGINS, OUTCOMES, DELIVERIES, REASONS, type MetricName } from './table.ts';
import { version } from '../../src/kit.ts';
import type { Counts } from './counts.ts';

export interface Value {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that is not known at the moment is not in it. */
export type Sample = Readonly<Record<string, readonly Value[]>>;

export function sampleOf(node: CodaNode, counts: Counts): Sample {
  const sample: Found = {
    ...countersOf(counts),
    ...readinessOf(node),
    ...(node.phase === 'booting' ? {} : infoOf(node)),
    ...(node.phase === 'booting' ? {} : jobsOf(node)),
  };
  return sample;
}

type Found = Partial<Record<MetricName, readonly Value[]>>;

function countersOf({ jobs, deliveries, idle, shots }: Counts): Found {
  return {
    coda_jobs_total: ORIGINS.flatMap((origin) =>
      OUTCOMES.map((outcome) => ({ labels: { outcome, origin }, value: jobs[origin][outcome] })),
    ),
    coda_job_shots_total: one(shots),
    coda_deliveries_total: DELIVERIES.map((result) => ({ labels: { result }, value: deliveries[result] })),
    coda_device_idle_seconds_total: REASONS.map((reason) => ({ labels: { reason }, value: idle[reason] })),
  };
}

function readinessOf(node: CodaNode): Found {
  const report = node.readiness();
  const fields = report.toJSON();
  const now = Date.now();
  const heartbeat = ageOf(fields['last_heartbeat_at'], now);
  return {
    coda_ready: flag(report.ready && node.phase === 'running'),
    coda_paused: flag('paused' in fields),
    coda_draining: flag(node.phase === 'draining'),
    coda_redis_up: flag(report.redisHealthy),
    coda_vpn_up: flag(report.vpnState === 'ready'),
    coda_outbox_oldest_seconds: one(ageOf(fields['oldest_undelivered_at'], now) ?? 0),
    coda_results_refused: one(numberOf(fields['refused'])),
    ...(heartbeat === undefined ? {} : { coda_heartbeat_age_seconds: one(heartbeat) }),
  };
}

function infoOf({ session }: CodaNode): Found {
  const labels = { version, node_version: process.versions.node, qpu: session.qpuId };
  return { coda_node_info: [{ labels, value: 1 }] };
}

function jobsOf(node: CodaNode): Found {
  const { queued, running, undelivered, backlog } = node.jobs.figures();
  return {
    coda_jobs_running: one(running),
    coda_jobs_waiting: one(queued),
    ...(backlog === null ? {} : { coda_jobs_backlog: one(backlog) }),
    coda_outbox_results: one(undelivered),
    coda_device_busy_seconds_total: one(node.jobs.device().busyMs / 1000),
  };
}

function one(value: number): readonly Value[] {
  return [{ labels: {}, value }];
}

function flag(isSet: boolean): readonly Value[] {
  return one(isSet ? 1 : 0);
}

function ageOf(time: unknown, now: number): number | undefined {
  if (typeof time !== 'string') return undefined;
  return Math.max(now - Date.parse(time), 0) / 1000;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
