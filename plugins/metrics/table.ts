// Every metric of the node, each declared once: its type, its labels, its words. What is scraped and docs/metrics.md are both
// made from this table. Names and units are Prometheus' own: seconds, bytes, `_total` for what only grows.

/** Bounds in seconds, each about 2.5 times the one before. */
const RUN_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
];
const GAP_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1, 5, 30, 300, 3600];
const AGE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600, 86_400];

interface Words {
  readonly help: string;
  /** Each with all values that it may have, as far as they are fixed. */
  readonly labels?: Readonly<Record<string, readonly string[] | string>>;
}

export interface CounterSpec extends Words {
  readonly type: 'counter';
}

export interface GaugeSpec extends Words {
  readonly type: 'gauge';
}

export interface HistogramSpec extends Words {
  readonly type: 'histogram';
  /** Upper bounds in seconds. */
  readonly bounds: readonly number[];
}

export type MetricSpec = CounterSpec | GaugeSpec | HistogramSpec;

export const ORIGINS = ['cloud', 'local'] as const;
export const OUTCOMES = ['completed', 'failed', 'cancelled'] as const;
export const DELIVERIES = ['delivered', 'retry', 'refused'] as const;
export const REASONS = ['between runs', 'no jobs', 'preparing', 'closed', 'redis', 'held up'] as const;

export const METRICS = {
  coda_jobs_total: {
    type: 'counter',
    help: 'Jobs that have ended, by how; local ones are runs of the operator',
    labels: { outcome: OUTCOMES, origin: ORIGINS },
  },
  coda_job_wait_seconds: {
    type: 'histogram',
    help: 'Time from when the cloud wrote the job to the stream, by the clock of Redis, to the begin of its run',
    bounds: AGE_SECONDS,
  },
  coda_job_run_seconds: {
    type: 'histogram',
    help: 'Time of a run on the device; of a batch, the time of the whole batch for each of its jobs',
    bounds: RUN_SECONDS,
  },
  coda_job_shots_total: {
    type: 'counter',
    help: 'Shots that the runs have completed',
  },
  coda_device_busy_seconds_total: {
    type: 'counter',
    help: 'Time in which something ran; its rate is the busy share of the device',
  },
  coda_device_idle_seconds_total: {
    type: 'counter',
    help: 'Time in which nothing ran, by reason; the gap that has not ended yet is counted when it has',
    labels: { reason: REASONS },
  },
  coda_device_idle_gap_seconds: {
    type: 'histogram',
    help: 'Length of each time in which nothing ran; one whose reason changes counts as several',
    bounds: GAP_SECONDS,
  },
  coda_jobs_running: {
    type: 'gauge',
    help: 'Jobs on the device, or after it while plugins map their result',
  },
  coda_jobs_waiting: {
    type: 'gauge',
    help: 'Jobs that this node has taken ahead and that are not on the device',
  },
  coda_jobs_backlog: {
    type: 'gauge',
    help: 'Jobs in the stream that no node has taken; absent while that is not known',
  },
  coda_deliveries_total: {
    type: 'counter',
    help: 'Attempts to deliver a result, by how they ended',
    labels: { result: DELIVERIES },
  },
  coda_delivery_seconds: {
    type: 'histogram',
    help: 'Time of an attempt to deliver a result',
    bounds: AGE_SECONDS,
  },
  coda_delivery_age_seconds: {
    type: 'histogram',
    help: 'Age of a result when the cloud had taken it, from the end of its job',
    bounds: AGE_SECONDS,
  },
  coda_outbox_results: { type: 'gauge', help: 'Results that are saved and not delivered yet' },
  coda_outbox_oldest_seconds: { type: 'gauge', help: 'Age of the oldest of them; 0 if there are none' },
  coda_results_refused: {
    type: 'gauge',
    help: 'Results that are set aside for the operator: refused by the cloud, or not usable (coda results)',
  },
  coda_ready: { type: 'gauge', help: '1 if the node takes jobs, as /ready says' },
  coda_paused: { type: 'gauge', help: '1 if the operator has paused the node' },
  coda_draining: { type: 'gauge', help: '1 while the node shuts down' },
  coda_redis_up: { type: 'gauge', help: '1 if Redis answers' },
  coda_vpn_up: { type: 'gauge', help: '1 if the tunnel is up, or if the cloud asks for none' },
  coda_heartbeat_age_seconds: {
    type: 'gauge',
    help: 'Time since the cloud has accepted a heartbeat; absent before the first one',
  },
  coda_node_info: {
    type: 'gauge',
    help: 'Always 1; its labels say which program this is',
    labels: { version: 'of coda-node', node_version: 'of Node.js', qpu: 'the id of the QPU' },
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof METRICS;
