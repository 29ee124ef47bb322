// Every hook of the node, in the order in which they fire: what it is for, what a tap may do, what a throw does.
// A tap's failure is wrapped where it is registered (tap.ts), so that it always names its plugin.
import { AsyncSeriesBailHook, AsyncSeriesHook, SyncBailHook, SyncHook, type Hook } from 'tapable';
import type { Router } from '@koa/router';
import type { BatchJob, Edge, ExecutionResult, LoadedExecutor, RunContext } from './device/executor.ts';
import type { Job, SavedOutcome } from './jobs/job.ts';
import type { Delivery } from './outbox/delivery.ts';
import type { Outcome } from './protocol/webhook.ts';
import type { ReadinessReport } from './kernel/readiness.ts';
import { SeriesRunner } from './kernel/series.ts';
import type { Session } from './kernel/session.ts';
import { guardTaps, type GuardOptions } from './kernel/tap.ts';

/** What the connect plugin is about to send; a tap may change it. */
export interface ConnectRequest {
  readonly url: string;
  /** `token` on the first start, `jwt` on a reconnect. */
  readonly mode: 'token' | 'jwt';
  /** Extra headers; `Authorization` is set later and cannot be replaced. */
  readonly headers: Record<string, string>;
  readonly body: { machine_fingerprint: string; connectivity?: readonly Edge[] };
}

/** A result that is about to be posted; a tap may add headers. */
export interface WebhookRequest {
  readonly jobId: string;
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Extra headers; `Authorization` and `Content-Type` are set later and cannot be replaced. */
  readonly headers: Record<string, string>;
  /** 1 for the first attempt of this process. */
  readonly attempt: number;
}

export interface Cancellation {
  readonly jobId: string;
  /** Where the job was when the cancel arrived. */
  readonly stage: 'queued' | 'running' | 'delivering';
}

/** The jobs of one batch, as the runner hands them over. */
export interface Batch {
  readonly jobs: readonly BatchJob[];
  readonly context: RunContext;
}

interface HookSpec {
  /** A deciding hook's failure fails the boot or the job; an observing hook's is logged. */
  readonly kind: 'deciding' | 'observing';
  readonly when: string;
  readonly tap: string;
  readonly failure: string;
  /** `limit`: a tap that does not settle in `hookTimeoutSec` has failed; `warn`: it is named, and waited for. */
  readonly deadline: 'limit' | 'warn';
  /** A tap must return its answer, not a promise of it. */
  readonly synchronous?: true;
}

/** The hooks in words; `docs/hooks.md` is checked against this table. */
export const HOOKS = {
  boot: {
    kind: 'deciding',
    when: 'First of all, before the cloud is asked anything.',
    tap: 'Acquires what must not fail later, such as a port.',
    failure: 'The node does not start.',
    deadline: 'limit',
  },
  resolveExecutor: {
    kind: 'deciding',
    when: 'Once a start, after `boot`.',
    tap: 'Returns `{ executor, source }` to provide the executor, or nothing to leave it to the next tap.',
    failure: 'The node does not start.',
    deadline: 'warn',
  },
  beforeConnect: {
    kind: 'deciding',
    when: 'Before the node connects to the cloud, by token or by JWT.',
    tap: 'May change the headers and the body of the request, or bring up what the way to the cloud needs.',
    failure: 'The node does not start.',
    deadline: 'warn',
  },
  connect: {
    kind: 'deciding',
    when: 'After the executor is known; the connect plugin fires `beforeConnect` from here.',
    tap: 'Returns the session with the cloud.',
    failure: 'The node does not start.',
    deadline: 'warn',
  },
  network: {
    kind: 'deciding',
    when: 'After the credentials are saved, before Redis is contacted.',
    tap: 'Returns `true` once the tunnel that the cloud asked for carries traffic.',
    failure: 'The node does not start; the credentials stay.',
    deadline: 'warn',
  },
  start: {
    kind: 'deciding',
    when: 'Just before the first job is read.',
    tap: 'Starts background work such as heartbeats.',
    failure: 'The node does not start.',
    deadline: 'limit',
  },
  onJob: {
    kind: 'deciding',
    when: 'Just before a job runs on the device; the device waits for it.',
    tap: 'May prepare the device, for example calibrate it.',
    failure: "The job is reported failed with the plugin's name; the next one goes on.",
    deadline: 'limit',
  },
  batchSize: {
    kind: 'deciding',
    when: 'When the device is free and jobs wait.',
    tap: 'Returns how many of the waiting jobs to hand over at once, or nothing for one.',
    failure: 'One job is handed over.',
    deadline: 'limit',
    synchronous: true,
  },
  runBatch: {
    kind: 'deciding',
    when: 'For two or more jobs at once, in place of single runs.',
    tap: 'Returns one result a job in the same order, or nothing to have them run one by one.',
    failure: 'The jobs run one by one.',
    deadline: 'warn',
  },
  afterRun: {
    kind: 'observing',
    when: 'After a run has ended, while its outcome is being saved; nothing waits for it.',
    tap: 'Sees the job and its outcome, and changes neither.',
    failure: "Logged with the plugin's name; the outcome is not touched.",
    deadline: 'limit',
  },
  onCancel: {
    kind: 'observing',
    when: 'When a cancel of the cloud takes effect on a job of this node.',
    tap: 'Sees which job, and at which stage it was.',
    failure: "Logged with the plugin's name; the job is cancelled all the same.",
    deadline: 'limit',
  },
  onWebhook: {
    kind: 'observing',
    when: 'Before every attempt to post an outcome.',
    tap: 'May add headers; the body is fixed by the contract.',
    failure: "Logged with the plugin's name; the outcome is posted all the same.",
    deadline: 'limit',
  },
  deliver: {
    kind: 'deciding',
    when: 'For every attempt to deliver a saved outcome; the webhook plugin fires `onWebhook` from here.',
    tap: 'Makes one attempt and returns how it ended.',
    failure: 'The attempt is repeated later.',
    deadline: 'warn',
  },
  readiness: {
    kind: 'observing',
    when: 'For every `/ready`, heartbeat and status.',
    tap: 'Adds its fields and its reasons for not being ready.',
    failure: "Logged with the plugin's name; the rest of the report stands.",
    deadline: 'limit',
    synchronous: true,
  },
  http: {
    kind: 'deciding',
    when: 'Once, while the health server is built.',
    tap: 'Adds routes to the router.',
    failure: 'The node does not start.',
    deadline: 'limit',
    synchronous: true,
  },
  drain: {
    kind: 'observing',
    when: 'When the node stops taking jobs, before the running one has ended.',
    tap: 'Prepares for the end; heartbeats and deliveries still go on.',
    failure: "Logged with the plugin's name; the drain goes on.",
    deadline: 'limit',
  },
} as const satisfies Record<string, HookSpec>;

export type HookName = keyof typeof HOOKS;

export interface Hooks {
  readonly boot: AsyncSeriesHook<[]>;
  readonly resolveExecutor: AsyncSeriesBailHook<[], LoadedExecutor | undefined>;
  readonly beforeConnect: AsyncSeriesHook<[ConnectRequest]>;
  readonly connect: AsyncSeriesBailHook<[], Session | undefined>;
  readonly network: AsyncSeriesBailHook<[Session], true | undefined>;
  readonly start: AsyncSeriesHook<[]>;
  readonly onJob: AsyncSeriesHook<[Job]>;
  readonly batchSize: SyncBailHook<[number], number | undefined>;
  readonly runBatch: AsyncSeriesBailHook<[Batch], ExecutionResult[] | undefined>;
  readonly afterRun: AsyncSeriesHook<[Job, Outcome]>;
  readonly onCancel: AsyncSeriesHook<[Cancellation]>;
  readonly onWebhook: AsyncSeriesHook<[WebhookRequest]>;
  readonly deliver: AsyncSeriesBailHook<[SavedOutcome, number], Delivery | undefined>;
  readonly readiness: SyncHook<[ReadinessReport]>;
  readonly http: SyncHook<[Router]>;
  readonly drain: AsyncSeriesHook<[]>;
}

export type HookGuard = Pick<GuardOptions, 'timeoutMs' | 'log' | 'applying'>;

/** The hooks of one node, every tap guarded. */
export function createHooks(guard: HookGuard): Hooks {
  const hooks: Hooks = {
    boot: new AsyncSeriesHook([]),
    resolveExecutor: new AsyncSeriesBailHook([]),
    beforeConnect: new AsyncSeriesHook(['request']),
    connect: new AsyncSeriesBailHook([]),
    network: new AsyncSeriesBailHook(['session']),
    start: new AsyncSeriesHook([]),
    onJob: new AsyncSeriesHook(['job']),
    batchSize: new SyncBailHook(['waiting']),
    runBatch: new AsyncSeriesBailHook(['batch']),
    afterRun: new AsyncSeriesHook(['job', 'outcome']),
    onCancel: new AsyncSeriesHook(['cancellation']),
    onWebhook: new AsyncSeriesHook(['request']),
    deliver: new AsyncSeriesBailHook(['outcome', 'attempt']),
    readiness: new SyncHook(['report']),
    http: new SyncHook(['router']),
    drain: new AsyncSeriesHook([]),
  };
  const runner = new SeriesRunner(guard.timeoutMs);
  for (const [name, hook] of Object.entries(hooks) as [HookName, Hook<unknown, unknown>][]) {
    const spec: HookSpec = HOOKS[name];
    guardTaps(hook, { ...guard, ...spec, hook: name, runner });
  }
  return hooks;
}
