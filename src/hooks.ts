// Every hook of the node, each declared once: its class and arguments, when it is called, what a tap may do, what a failure
// does. The types, the hooks of a node and docs/hooks.md are all made from this table.
import { inspect } from 'node:util';
import {
  AsyncSeriesBailHook,
  AsyncSeriesHook,
  AsyncSeriesWaterfallHook,
  SyncBailHook,
  SyncHook,
  type Hook,
} from 'tapable';
import type { Router } from '@koa/router';
import {
  takeResolved,
  type BatchJob,
  type Edge,
  type ExecutionResult,
  type Executor,
  type ExecutorRecipe,
  type LoadedExecutor,
  type RunContext,
  type SeenResult,
} from './device/executor.ts';
import type { Annotations } from './jobs/annotations.ts';
import { takeResult, type RunOutcome } from './device/result.ts';
import type { EndedJob, IdleGap } from './jobs/ended-job.ts';
import type { Job, SavedOutcome } from './jobs/job.ts';
import { takeCircuit } from './jobs/job-view.ts';
import type { Delivery } from './outbox/delivery.ts';
import type { NativeGateIR } from './protocol/ir.ts';
import type { ReadinessReport } from './kernel/readiness.ts';
import { takeSession, type Session } from './kernel/session.ts';
import { takeWrapped, type WrappedExecutor } from './device/wrap-executor.ts';
import type { Holds } from './kernel/slow-taps.ts';
import { guardTaps, type GuardOptions, type TapTime } from './kernel/tap.ts';
import { nearest } from './nearest.ts';

/** What the connect plugin is about to send; a tap may change it. */
export interface ConnectRequest {
  readonly url: string;
  /** `token` on the first start, `jwt` on a reconnect. */
  readonly mode: 'token' | 'jwt';
  /** Extra headers; `Authorization` is set later and cannot be replaced. */
  readonly headers: Record<string, string>;
  readonly body: { machine_fingerprint: string; connectivity?: readonly Edge[] };
}

/** A result that is about to be posted. It is frozen but for its headers: a tap may add some. */
export interface WebhookRequest {
  readonly jobId: string;
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Extra headers; `Authorization` and `Content-Type` are set later and cannot be replaced. */
  readonly headers: Record<string, string>;
  /** What plugins have noted on the job. */
  readonly annotations: Annotations;
  /** 1 for the first attempt of this process. */
  readonly attempt: number;
}

export interface Cancellation {
  readonly jobId: string;
  /** Where the job was when the cancel arrived. */
  readonly stage: 'queued' | 'running' | 'delivering';
}

/** A message of the stream that is no job. */
export interface DeadLetter {
  readonly messageId: string;
  /** What is wrong with it, as a sentence. */
  readonly reason: string;
}

/** The jobs of one batch, as the runner hands them over. */
export interface Batch {
  readonly jobs: readonly BatchJob[];
  readonly context: RunContext;
}

interface Words<Args extends unknown[]> {
  /** The arguments of a tap: name and type, one text each. */
  readonly args: { readonly [Index in keyof Args]: string };
  /** The hook before and the one after it, if there is an order. */
  readonly previous?: string;
  readonly next?: string;
  /** A deciding hook's failure fails the boot or the job; an observing hook's is logged. */
  readonly kind: 'deciding' | 'observing';
  readonly when: string;
  readonly tap: string;
  readonly failure: string;
  /** What the answer of a tap becomes; throws if it cannot be used. Without it, the caller checks. */
  readonly take?: (answer: unknown, args: readonly unknown[]) => unknown;
}

interface Deadline {
  /** `limit`: a tap that has not settled after `hookTimeoutSec` has failed; `warn`: it is logged by name and we keep waiting. */
  readonly deadline: 'limit' | 'warn';
  /** What its built-in taps wait for they tell themselves, and they may wait for long. */
  readonly tellsItself?: true;
  /** What waits for its taps while the node runs; of other deciding hooks it is the start of the node. */
  readonly holds?: Holds;
}

/** What the table says of a hook, and how the hook is made. */
export interface HookSpec<H = unknown> extends Words<unknown[]> {
  /** How tapable calls this kind of hook. */
  readonly type: string;
  /** `none`: the hook is synchronous; a tap must return its answer, not a promise of it. */
  readonly deadline: 'limit' | 'warn' | 'none';
  readonly tellsItself?: true;
  readonly holds?: Holds;
  readonly create: () => H;
}

function series<Args extends unknown[]>(
  words: Words<Args> & Deadline,
): HookSpec<AsyncSeriesHook<Args, TapTime>> {
  return { ...words, type: 'AsyncSeriesHook', create: () => new AsyncSeriesHook(namesOf(words)) };
}

function seriesBail<Args extends unknown[], Answer>(
  words: Words<Args> & Deadline,
): HookSpec<AsyncSeriesBailHook<Args, Answer | undefined, TapTime>> {
  return {
    ...words,
    type: 'AsyncSeriesBailHook',
    create: () => new AsyncSeriesBailHook(namesOf(words)),
  };
}

function waterfall<Args extends unknown[], Answer = Args[0]>(
  words: Words<Args> & Deadline,
): HookSpec<AsyncSeriesWaterfallHook<Args, Answer | undefined, TapTime>> {
  return {
    ...words,
    type: 'AsyncSeriesWaterfallHook',
    create: () => new AsyncSeriesWaterfallHook(namesOf(words)),
  };
}

function sync<Args extends unknown[]>(words: Words<Args>): HookSpec<SyncHook<Args, void, TapTime>> {
  return { ...words, type: 'SyncHook', deadline: 'none', create: () => new SyncHook(namesOf(words)) };
}

function syncBail<Args extends unknown[], Answer>(
  words: Words<Args>,
): HookSpec<SyncBailHook<Args, Answer | undefined>> {
  return {
    ...words,
    type: 'SyncBailHook',
    deadline: 'none',
    create: () => new SyncBailHook(namesOf(words)),
  };
}

/** The names alone, as tapable takes them. */
function namesOf<Args extends unknown[]>({
  args,
}: Words<Args>): ConstructorParameters<typeof SyncHook<Args>>[0] {
  const names = Array.from<string>(args).map((arg) => arg.replace(/:.*/s, ''));
  // As many as there are arguments: `Words` says so, and TypeScript forgets it in `map`.
  return names as unknown as ConstructorParameters<typeof SyncHook<Args>>[0];
}

export const HOOKS = {
  boot: series<[]>({
    args: [],
    next: 'resolveExecutor',
    kind: 'deciding',
    when: 'First of all, before the cloud is asked anything.',
    tap: 'Acquires what must not fail later, such as a port.',
    failure: 'The node does not start.',
    deadline: 'limit',
  }),
  http: sync<[Router]>({
    args: ['router: Router'],
    kind: 'deciding',
    when: 'Once, while the built-in plugin `health` makes its server, in `boot`. With `health` switched off it is never called, and no route is served.',
    tap: 'Adds routes to the router (of `@koa/router`). They are for this machine alone, unless `healthOpen` is set: others are answered 403.',
    failure: 'The node does not start.',
  }),
  resolveExecutor: seriesBail<[], LoadedExecutor | ExecutorRecipe>({
    args: [],
    previous: 'boot',
    next: 'connect',
    kind: 'deciding',
    when: 'Once a start, after `boot`, before the cloud is asked anything.',
    tap: 'Returns the executor as `{ executor, source }`, or how to make it as `{ create, source }`, or nothing to leave it to the next tap. `create(settings, { log, device, deviceError })` is called once, with the number of qubits and the gate set that the cloud names: after `connect` on the first start of a node, else before it, with those of the last start. With `needsBundle: false` it is always called before `connect`. The node checks the executor, and closes it at the end. The built-in plugin `discovery` taps it twice: for what is configured or installed, and with `stage: 1000` for the case that there is no executor at all.',
    failure: 'The node does not start.',
    deadline: 'warn',
    take: takeResolved,
  }),
  wrapExecutor: waterfall<[Executor], WrappedExecutor>({
    args: ['executor: Executor'],
    kind: 'deciding',
    when: 'Once a start, as soon as the executor is made, before anything uses it.',
    tap: 'Returns an executor around the one that it is given, or the methods of it that are to change: what it leaves out stays. A `run` without a `batchRun` also means that jobs run one by one, so that none of them passes it by. A `close` has to call the one below.',
    failure: 'The node does not start.',
    deadline: 'warn',
    take: takeWrapped,
  }),
  connect: seriesBail<[Executor | undefined], Session>({
    args: ['executor: Executor | undefined'],
    previous: 'resolveExecutor',
    next: 'network',
    kind: 'deciding',
    when: 'After the executor is found; it is given if it is made already. The built-in plugin `connect` calls `beforeConnect` from here.',
    tap: 'Returns the session with the cloud.',
    failure: 'The node does not start.',
    deadline: 'warn',
    tellsItself: true,
    take: takeSession,
  }),
  beforeConnect: series<[ConnectRequest]>({
    args: ['request: ConnectRequest'],
    kind: 'deciding',
    when: 'From `connect`, before the node connects to the cloud, by token or by JWT.',
    tap: 'May change the headers and the body of the request, or bring up what the way to the cloud needs.',
    failure: 'The node does not start.',
    deadline: 'warn',
  }),
  network: seriesBail<[Session], true>({
    args: ['session: Session'],
    previous: 'connect',
    next: 'start',
    kind: 'deciding',
    when: 'After the credentials are saved, before Redis is contacted.',
    tap: 'Returns `true` once the tunnel that the cloud asked for carries traffic.',
    failure: 'The node does not start; the credentials stay.',
    deadline: 'warn',
  }),
  start: series<[]>({
    args: [],
    previous: 'network',
    kind: 'deciding',
    when: 'Just before the first job is read.',
    tap: 'Starts background work such as heartbeats.',
    failure: 'The node does not start.',
    deadline: 'limit',
  }),
  prepare: waterfall<[NativeGateIR, Job]>({
    args: ['circuit: NativeGateIR', 'job: Job'],
    kind: 'deciding',
    when: 'As soon as a job is taken in and its circuit is checked, ahead of its turn: while jobs wait, the device does not wait for this. Several jobs may be in here at once, and one that takes long is passed by others.',
    tap: 'Returns the circuit that is to run, for example with other qubits or gates. It is checked as that of the cloud is. Nothing, or the same object, leaves it as it is. If it has another number of measurements, `mapResult` has to make the result fit the circuit of the cloud.',
    failure:
      "The job is reported failed with the plugin's name. A `JobError` refuses the job in the plugin's own words: the cloud gets its message as it is. If a tap ends the process, that counts as a start of the job.",
    deadline: 'limit',
    holds: 'job',
    take: takeCircuit,
  }),
  batchSize: syncBail<[number], number>({
    args: ['waiting: number'],
    kind: 'deciding',
    when: 'When the device is free and jobs wait.',
    tap: 'Returns how many of the waiting jobs to hand over at once, or nothing for one.',
    failure: 'One job is handed over.',
  }),
  onJob: series<[Job, RunContext]>({
    args: ['job: Job', 'context: RunContext'],
    next: 'mapResult',
    kind: 'deciding',
    when: 'Just before a job runs on the device; the device waits for it.',
    tap: 'May prepare the device, for example calibrate it. `context.signal` fires when the job is cancelled, when the time limit of the tap has passed, and when the node shuts down: the tap should then end soon. On a shutdown the job is not lost, it runs after the next start.',
    failure:
      "The job is reported failed with the plugin's name; the next one continues. A tap that is late fails its job at once, and keeps the device: nothing runs on it until the tap has really ended. After `cancelGraceSec` the node counts as not ready until then.",
    deadline: 'limit',
    holds: 'device',
  }),
  runBatch: seriesBail<[Batch], ExecutionResult[]>({
    args: ['batch: Batch'],
    kind: 'deciding',
    when: 'After `onJob` of each of them, for two or more jobs at once, in place of single runs.',
    tap: 'Returns one result a job in the same order, or nothing to have them run one by one.',
    failure: 'The jobs run one by one.',
    deadline: 'warn',
    tellsItself: true,
  }),
  mapResult: waterfall<[SeenResult, Job]>({
    args: ['result: SeenResult', 'job: Job'],
    previous: 'onJob',
    next: 'onEnd',
    kind: 'deciding',
    when: 'After a run, for each job, also of a batch; the device is at work again by then. Before the number of bits is checked, and before anything is saved.',
    tap: 'Returns the result that is to be reported, for example with readout errors corrected: counts are whole numbers. Nothing, or the same object, leaves it as it is.',
    failure:
      "The job is reported failed with the plugin's name, and what was measured is set aside for the operator: `coda results` lists, shows and replays it, as it was measured. If the process ends before a tap has settled, the job runs again after the next start: a result that is not mapped is never reported as completed.",
    deadline: 'limit',
    holds: 'job',
    take: takeResult,
  }),
  afterRun: series<[Job, RunOutcome]>({
    args: ['job: Job', 'outcome: RunOutcome'],
    previous: 'onEnd',
    next: 'afterSave',
    kind: 'observing',
    when: 'After a run has ended and its result is mapped, while its outcome is being saved; nothing waits for it.',
    tap: 'Sees the job and its outcome, which are frozen; of an executor that returns them, with `memory` and `metadata`.',
    failure: "Logged with the plugin's name; the outcome is not touched.",
    deadline: 'limit',
  }),
  onEnd: sync<[EndedJob]>({
    args: ['ended: EndedJob'],
    previous: 'mapResult',
    next: 'afterRun',
    kind: 'observing',
    when: 'When a job of this node has its outcome, or is cancelled: once for each, also for one that fails without a run, and for a run of the operator (`coda run`). The device is at work again by then. It is not called for a message that is no job, nor for a job whose result a later cancel drops, which `onCancel` tells.',
    tap: 'Sees the job, its outcome, and when what happened to it.',
    failure: "Logged with the plugin's name; the outcome is not touched.",
  }),
  afterSave: sync<[SavedOutcome]>({
    args: ['saved: SavedOutcome'],
    previous: 'afterRun',
    next: 'deliver',
    kind: 'observing',
    when: 'Once an outcome is durable: from here on it is delivered, whatever happens to the node.',
    tap: 'Sees what is saved.',
    failure: "Logged with the plugin's name; the outcome is delivered all the same.",
  }),
  afterGap: sync<[IdleGap]>({
    args: ['gap: IdleGap'],
    kind: 'observing',
    when: 'When a time has ended in which nothing ran: once the next run has started, or when the reason changes.',
    tap: 'Sees from when to when, and why.',
    failure: "Logged with the plugin's name.",
  }),
  onDeadLetter: sync<[DeadLetter]>({
    args: ['letter: DeadLetter'],
    kind: 'observing',
    when: 'When a message that is no job has been set aside, in the file of the dead letters; it is acknowledged next.',
    tap: 'Sees which message, and what is wrong with it.',
    failure: "Logged with the plugin's name; the message is acknowledged all the same.",
  }),
  onCancel: series<[Cancellation]>({
    args: ['cancellation: Cancellation'],
    kind: 'observing',
    when: 'When a cancel of the cloud takes effect on a job of this node.',
    tap: 'Sees which job, and at which stage it was.',
    failure: "Logged with the plugin's name; the job is cancelled all the same.",
    deadline: 'limit',
  }),
  deliver: seriesBail<[SavedOutcome, number], Delivery>({
    args: ['saved: SavedOutcome', 'attempt: number'],
    previous: 'afterSave',
    next: 'afterDeliver',
    kind: 'deciding',
    when: 'For every attempt to deliver a saved outcome; the built-in plugin `webhook` calls `onWebhook` from here.',
    tap: 'Makes one attempt and returns how it ended.',
    failure:
      "The attempt is repeated later. If a tap answers with something else than the end of an attempt, the result is set aside for the operator, with the plugin's name: `coda results` lists, shows and replays it.",
    deadline: 'warn',
    tellsItself: true,
  }),
  afterDeliver: series<[SavedOutcome, number, Delivery, number]>({
    args: ['saved: SavedOutcome', 'attempt: number', 'delivery: Delivery', 'tookMs: number'],
    previous: 'deliver',
    kind: 'observing',
    when: 'After every attempt to deliver an outcome; nothing waits for it.',
    tap: 'Sees the outcome, the number of the attempt (1 for the first one of this process) how it ended (`delivered`, `refused` for good, or `retry`, with the reason), and how many milliseconds it took.',
    failure: "Logged with the plugin's name; the delivery continues.",
    deadline: 'limit',
  }),
  onWebhook: series<[WebhookRequest]>({
    args: ['request: WebhookRequest'],
    kind: 'observing',
    when: 'From `deliver`, before every attempt to post an outcome.',
    tap: 'May add to `headers`. All else is frozen, and the body is fixed by the contract.',
    failure: "Logged with the plugin's name; the outcome is posted all the same.",
    deadline: 'limit',
  }),
  readiness: sync<[ReadinessReport]>({
    args: ['report: ReadinessReport'],
    kind: 'observing',
    when: 'For every `/ready`, heartbeat and status.',
    tap: 'Adds its fields (`report.add`), what is wrong (`report.trouble`), and its reasons for not being ready (`report.notReady`).',
    failure: "Logged with the plugin's name; the rest of the report stands.",
  }),
  drain: series<[]>({
    args: [],
    kind: 'observing',
    when: 'When the node stops taking jobs, before the running one has ended.',
    tap: 'Prepares for the end; heartbeats and deliveries continue.',
    failure: "Logged with the plugin's name; the drain continues.",
    deadline: 'limit',
  }),
} as const;

export type HookName = keyof typeof HOOKS;

type HookOf<Spec> = Spec extends HookSpec<infer H> ? H : never;

/** The hooks of a node, by name: tapable's own classes. */
export type Hooks = { readonly [Name in HookName]: HookOf<(typeof HOOKS)[Name]> };

export type HookGuard = Pick<GuardOptions, 'timeoutMs' | 'log' | 'applying' | 'slowTaps'>;

/** `console.log` would ask the hooks for names of its own. */
const INSPECTED: object = {
  [inspect.custom](this: object): object {
    return { ...this };
  },
};

/** What `node.hooks` inherits: names the nearest hook to code that asks for one that does not exist. */
const UNKNOWN: object = new Proxy(INSPECTED, {
  get(target, name, receiver) {
    // `then` and `toJSON` are asked of any object.
    if (typeof name === 'symbol' || name in target || name === 'then' || name === 'toJSON') {
      return Reflect.get(target, name, receiver) as unknown;
    }
    const known = Object.keys(HOOKS);
    const near = nearest(name, known);
    throw new TypeError(
      `there is no hook '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}\n  → The hooks are ${known.join(', ')}.`,
    );
  },
});

/** The hooks of one node, every tap guarded. */
export function createHooks(guard: HookGuard): Hooks {
  const hooks = Object.entries(HOOKS).map(([name, spec]: [string, HookSpec]) => {
    const hook = spec.create() as Hook<unknown, unknown>;
    const { kind, deadline, tellsItself = false, holds, take } = spec;
    guardTaps(hook, {
      ...guard,
      hook: name,
      kind,
      deadline,
      tellsItself,
      ...(holds === undefined ? {} : { holds }),
      ...(take === undefined ? {} : { take }),
    });
    return [name, hook] as const;
  });
  // Only a name that is no hook gets to the prototype, so the node's own calls do not pay for it.
  return Object.assign(Object.create(UNKNOWN), Object.fromEntries(hooks)) as Hooks;
}
