// The contract of an executor: what its author writes, and what the node passes to it.
import type { Settings } from '../config/settings.ts';
import type { Json } from '../jobs/annotations.ts';
import type { ConfigError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Circuit } from '../jobs/job.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { isRecord, kindOf } from '../protocol/text.ts';

/** Two qubit indices; for directed gate sets `[control, target]`. */
export type Edge = readonly [number, number];

/** A device as the cloud's compiler sees it; `directedEdges` win if both are given. */
export interface Device {
  directedEdges?: readonly Edge[];
  logicalEdges?: readonly Edge[];
}

export interface RunContext {
  /** The job that runs; for a batch, its first job. */
  readonly jobId: string;
  /** Fires when the job is cancelled, its deadline has passed, or the node no longer waits for it as it shuts down;
   *  `reason` says which. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The circuit as the cloud sent it; only for an executor with `upcoming`. */
  readonly irJson?: string | undefined;
}

export interface BatchJob {
  readonly ir: NativeGateIR;
  readonly shots: number;
  readonly jobId: string;
  /** As in RunContext. */
  readonly irJson?: string | undefined;
}

/** A job that will run soon, with its circuit's text in `circuit.irJson`. */
export interface UpcomingJob {
  readonly jobId: string;
  readonly circuit: Circuit;
}

export interface ExecutionResult {
  /** How often each outcome was measured: bitstrings as long as `ir.measurements`. */
  counts: Record<string, number>;
  /** Time on the device in milliseconds. */
  executionTimeMs: number;
  shotsCompleted: number;
  /** The outcome of each shot, in the order of the shots: bitstrings, at most a million. For plugins: the cloud does not
   *  get it. */
  memory?: readonly string[];
  /** Whatever else is worth knowing of the run, as JSON of at most 64 K characters. For plugins, as `memory`. */
  metadata?: Readonly<Record<string, Json>>;
}

/** A result as plugins see it: frozen. */
export type SeenResult = Readonly<Omit<ExecutionResult, 'counts'>> & {
  readonly counts: Readonly<Record<string, number>>;
};

/** Runs compiled circuits. Only `run` is required. The node makes one call at a time, unless `concurrency` allows
 *  more. A run that rejects with an ExecutorDiedError has no outcome: its job runs again. */
export interface Executor {
  run(ir: NativeGateIR, shots: number, context: RunContext): Promise<ExecutionResult>;
  /** Runs several jobs in one go: one result a job, in the same order. */
  batchRun?(jobs: readonly BatchJob[], context: RunContext): Promise<ExecutionResult[]>;
  /** Asks the device to stop what it runs. The run should then end soon, by result or by error. */
  cancelCurrentJob?(): void | Promise<void>;
  /** Hears which jobs are next, the nearest first, while another one runs; again whenever that changes. With it, the
   *  node keeps the text of each circuit. It should return at once. */
  upcoming?(jobs: readonly UpcomingJob[]): void;
  readonly device?: Device;
  /** Only for an executor in another process, with `upcoming`. An executor that is wrapped around it does not pass it on. */
  readonly ownStart?: OwnStart | undefined;
  close?(): void | Promise<void>;
}

/** The next jobs begin the moment the one before has ended: their starts do not wait for a message to the node and one
 *  back. The node decides before that; whatever it must do before a start is done by then. */
export interface OwnStart {
  /** These jobs may begin one after another: the first as soon as the run of the job `after` has ended with a result or an
   *  error, and each before `until`, which is of performance.now(). Replaces what was allowed before; what has begun by then
   *  is not stopped. `upcoming` has named the jobs. */
  allow(jobs: readonly UpcomingJob[], after: string, until: number): void;
  /** No job may begin by itself any more. */
  recall(): void;
  /** The first job that has begun by itself and for which `run` has not been called: the node does that at once after the
   *  end of the run before it. */
  readonly begun: string | undefined;
}

/** What stands beside an executor in the configuration: `executor: ['my-package', { … }]`. */
export type ExecutorOptions = Readonly<Record<string, unknown>>;

/** What the factory of an executor is given beside the settings. */
export interface ExecutorContext<Options = ExecutorOptions> {
  readonly log: Logger;
  /** What the device YAML says; undefined if there is none. To read it throws a ConfigError with file and line if the file
   *  is broken. */
  readonly device: Readonly<Record<string, unknown>> | undefined;
  /** An error on what is at the end of `keys` in the device YAML, with its file and line, to throw. `fault` continues the
   *  name: `deviceError(['qubits', 0, 't1'], 'must be above 0')`. */
  readonly deviceError: (keys: readonly (string | number)[], fault: string) => ConfigError;
  /** `{}` if there are none. */
  readonly options: Options;
}

/** Makes an executor; called once a start. Written as a method, so that a factory may say which options it takes. */
export type ExecutorFactory<Made = unknown> = {
  make(settings: Settings, context: ExecutorContext): Made;
}['make'];

/** An executor as the configuration names it, not yet loaded. */
export interface ExecutorChoice {
  /** `simulator`, `./my-executor.ts:createExecutor`, a factory, or an executor; or a list of that and its options. */
  readonly value: unknown;
  /** The folder at which a relative module path starts. */
  readonly baseDir: string;
  /** Where it starts if there is no such module at `baseDir`: beside the file that a linked config file means. */
  readonly linkedDir?: string;
  /** For people: `CODA_EXECUTOR_FACTORY`, `executor in /lab/coda.config.ts`. */
  readonly source: string;
}

/** The executor in use, and where it came from. */
export interface LoadedExecutor {
  readonly executor: Executor;
  /** For people: `simulator`, `./executor.ts:createExecutor`, `coda.config.ts`. */
  readonly source: string;
}

/** How to make the executor, once the cloud has said which device this is. */
export interface ExecutorRecipe {
  /** As that of a LoadedExecutor. */
  readonly source: string;
  /** Called once a start, with the settings as the cloud's bundle has them. */
  readonly create: (settings: Settings, context: ExecutorContext) => Executor | Promise<Executor>;
  /** False: it does not look at the settings. Then it is called before the cloud is asked anything, on a first start too,
   *  and the connect request has the device's edges. */
  readonly needsBundle?: boolean;
}

/** `value`. Throws a TypeError that names what is wrong with it: it should be the answer of a `resolveExecutor` tap. */
export function takeResolved(value: unknown): unknown {
  const wanted = 'a tap returns { executor, source } or { create, source }';
  if (!isRecord(value)) throw new TypeError(`it returned ${kindOf(value)}; ${wanted}`);
  const { source, create } = value;
  if (typeof source !== 'string' || source === '') {
    throw new TypeError(`the source that it returned is ${kindOf(source)}, not a text; ${wanted}`);
  }
  if (create !== undefined && value['executor'] !== undefined) {
    throw new TypeError(`it returned both an executor and create; ${wanted}`);
  }
  if (typeof create === 'function') return value;
  if (create !== undefined) throw new TypeError(`its create is ${kindOf(create)}, not a function; ${wanted}`);
  const fault = executorFault(value['executor']);
  if (fault !== undefined) throw new TypeError(`the executor that it returned ${fault}`);
  return value;
}

/** What is wrong with an executor; undefined if nothing is. */
export function executorFault(value: unknown): string | undefined {
  if (!isRecord(value)) return `is ${kindOf(value)}, not an object with the method run(ir, shots, context)`;
  if (typeof value['run'] !== 'function') return 'has no method run(ir, shots, context)';
  const broken = ['batchRun', 'cancelCurrentJob', 'upcoming', 'close'].find(
    (name) => value[name] !== undefined && value[name] !== null && typeof value[name] !== 'function',
  );
  return broken === undefined
    ? deviceFault(value['device'])
    : `has a ${broken} that is ${kindOf(value[broken])}, not a function`;
}

/** A broken device should fail the start, and not the first heartbeat. */
function deviceFault(device: unknown): string | undefined {
  if (device === undefined || device === null) return undefined;
  if (!isRecord(device)) return `has a device that is ${kindOf(device)}, not an object`;
  for (const name of ['directedEdges', 'logicalEdges']) {
    const fault = edgesFault(device[name]);
    if (fault !== undefined) return `has a device with ${name}${fault}`;
  }
  return undefined;
}

/** What is wrong with the edges of a device, to follow their name; undefined if nothing is, or if there are none. */
function edgesFault(edges: unknown): string | undefined {
  if (edges === undefined || edges === null) return undefined;
  if (!Array.isArray(edges)) return ` that are ${kindOf(edges)}, not a list of edges`;
  const broken = edges.findIndex((edge) => !isEdge(edge));
  return broken === -1 ? undefined : `[${broken}] that is not a pair of qubit indices, such as [0, 1]`;
}

export function isEdge(value: unknown): value is Edge {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((qubit) => Number.isSafeInteger(qubit) && Number(qubit) >= 0)
  );
}

/** The `connectivity` of PROTOCOL §1 and §7: directed edges first, else logical ones, else null. */
export function connectivityOf(executor: Executor): Edge[] | null {
  const device = executor.device;
  if (device === undefined || device === null) return null;
  const edges = device.directedEdges?.length ? device.directedEdges : device.logicalEdges;
  return edges === undefined ? null : edges.map(([a, b]) => [a, b]);
}
