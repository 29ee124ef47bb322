// Turns an executor, as its author wrote it, into one that the node can use: accepts the snake_case names of the Python
// documents too, keeps the `this` of methods, and checks the device.
import {
  ExecutorError,
  type BatchJob,
  type Device,
  type Edge,
  type ExecutionResult,
  type Executor,
  type RunContext,
  type UpcomingJob,
} from '../../src/index.ts';
import { isEdge, isRecord, kindOf } from '../../src/kit.ts';

type Method = (...args: readonly unknown[]) => unknown;
type Fields = Readonly<Record<string, unknown>>;

/** Throws an ExecutorError that begins with `label` if `value` is no executor. Results are checked after each run. */
export function normaliseExecutor(value: unknown, label: string): Executor {
  const run = isRecord(value) ? value['run'] : undefined;
  if (!isRecord(value) || !isMethod(run)) {
    throw new ExecutorError(`${label} is ${described(value)}, not an executor`, {
      remedy: 'An executor is an object with the method run(ir, shots, context); a factory returns one.',
    });
  }
  const batchRun = optionalMethod(value, ['batchRun', 'batch_run'], label);
  const cancel = optionalMethod(value, ['cancelCurrentJob', 'cancel_current_job'], label);
  const upcoming = optionalMethod(value, ['upcoming'], label);
  const close = optionalMethod(value, ['close'], label);
  // A broken device should fail the start, not the first heartbeat.
  deviceOf(value, label);

  // Results are cast here; the node checks every one after its run.
  return {
    run: async (ir, shots, context) => (await run.call(value, ir, shots, context)) as ExecutionResult,
    ...(batchRun && {
      batchRun: async (jobs: readonly BatchJob[], context: RunContext) =>
        (await batchRun(jobs, context)) as ExecutionResult[],
    }),
    ...(cancel && {
      cancelCurrentJob: async () => {
        await cancel();
      },
    }),
    ...(upcoming && { upcoming: (jobs: readonly UpcomingJob[]) => void upcoming(jobs) }),
    ...(close && {
      close: async () => {
        await close();
      },
    }),
    // Read each time: a device may lose a coupler while the node runs.
    get device() {
      return deviceOf(value, label);
    },
  };
}

function optionalMethod(value: Fields, names: readonly string[], label: string): Method | undefined {
  for (const name of names) {
    const method = value[name];
    if (method === undefined || method === null) continue;
    if (!isMethod(method)) {
      throw new ExecutorError(`${label}: its ${name} must be a function, but is ${kindOf(method)}`);
    }
    return method.bind(value);
  }
  return undefined;
}

function deviceOf(executor: Fields, label: string): Device {
  const device = executor['device'];
  if (device === undefined || device === null) return {};
  if (!isRecord(device)) {
    throw new ExecutorError(`${label}: its device must be an object, but is ${kindOf(device)}`);
  }
  const directedEdges = edgesOf(device, ['directedEdges', 'directed_edges'], label);
  const logicalEdges = edgesOf(device, ['logicalEdges', 'logical_edges'], label);
  return { ...(directedEdges && { directedEdges }), ...(logicalEdges && { logicalEdges }) };
}

function edgesOf(device: Fields, names: readonly string[], label: string): Edge[] | undefined {
  const name = names.find((candidate) => device[candidate] !== undefined && device[candidate] !== null);
  if (name === undefined) return undefined;
  const edges = device[name];
  if (!Array.isArray(edges)) {
    throw new ExecutorError(`${label}: its device.${name} must be a list of edges, but is ${kindOf(edges)}`);
  }
  return edges.map((edge: unknown, index) => {
    if (isEdge(edge)) return [edge[0], edge[1]];
    throw new ExecutorError(`${label}: its device.${name}[${index}] is not a pair of qubit indices`, {
      remedy: 'Edges are pairs of integers, 0 or more, such as [[0, 1], [1, 2]].',
    });
  });
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

function described(value: unknown): string {
  if (!isRecord(value)) return kindOf(value);
  const names = Object.keys(value);
  return names.length === 0 ? kindOf(value) : `${kindOf(value)} with ${names.slice(0, 10).join(', ')}`;
}
