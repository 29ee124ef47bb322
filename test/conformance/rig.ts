// An executor that is right, and ways to make it wrong in one thing.
import { setTimeout as sleep } from 'node:timers/promises';
import { createSimulator } from '../../plugins/simulator/executor.ts';
import type { BatchJob, ExecutionResult, Executor, Gate, NativeGateIR, RunContext } from '../../src/index.ts';

/** A run of so many shots takes `LONG_MS`. */
export const LONG_SHOTS = 50_000;
const LONG_MS = 600;

export type Run = Executor['run'];

/** An exact device: fast, but for runs of many shots; can be cancelled, takes batches. */
export class Rig implements Executor {
  readonly device = {
    directedEdges: [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ] as [number, number][],
  };
  protected readonly below: Executor = createSimulator({ seed: 7 });
  #cancel = new AbortController();

  async run(ir: NativeGateIR, shots: number, context: RunContext): Promise<ExecutionResult> {
    const cancel = (this.#cancel = new AbortController());
    if (shots < LONG_SHOTS) return this.below.run(ir, shots, context);
    await sleep(LONG_MS, undefined, { signal: AbortSignal.any([context.signal, cancel.signal]) });
    return zeros(ir, shots);
  }

  async batchRun(jobs: readonly BatchJob[], context: RunContext): Promise<ExecutionResult[]> {
    return Promise.all(jobs.map(({ ir, shots }) => this.below.run(ir, shots, context)));
  }

  cancelCurrentJob(): void {
    this.#cancel.abort();
  }

  close(): void {}
}

/** The rig with another `run` around its own. */
export function running(change: (run: Run, ...args: Parameters<Run>) => unknown): () => object {
  return () => {
    const rig = new Rig();
    const run: Run = (...args) => Rig.prototype.run.apply(rig, args);
    return Object.assign(rig, { run: (...args: Parameters<Run>) => change(run, ...args) });
  };
}

/** The rig with other members. */
export function having(members: object): () => object {
  return () => Object.assign(new Rig(), members);
}

/** The rig with other results. */
export function returning(change: (result: ExecutionResult, ir: NativeGateIR) => unknown): () => object {
  const changed = running(async (run, ir, shots, context) => change(await run(ir, shots, context), ir));
  return () => {
    const rig = changed() as Rig;
    const batchRun = rig.batchRun.bind(rig);
    const batch: Rig['batchRun'] = async (jobs, context) =>
      (await batchRun(jobs, context)).map((result, i) => {
        const ir = jobs[i]?.ir;
        return ir === undefined ? result : (change(result, ir) as ExecutionResult);
      });
    return Object.assign(rig, { batchRun: batch });
  };
}

export function keys(change: (key: string, ir: NativeGateIR) => string) {
  return returning((result, ir) => {
    const counts: Record<string, number> = {};
    for (const [key, count] of Object.entries(result.counts)) {
      const changed = change(key, ir);
      counts[changed] = (counts[changed] ?? 0) + count;
    }
    return { ...result, counts };
  });
}

/** The rig with other gates in place of each. */
export function gates(change: (gate: Gate) => Gate | readonly Gate[]): () => object {
  return running((run, ir, ...more) => run({ ...ir, gates: ir.gates.flatMap(change) }, ...more));
}

export const refusing = (isRefused: (ir: NativeGateIR) => boolean, refuse: () => never): (() => object) =>
  running((run, ir, ...more) => (isRefused(ir) ? refuse() : run(ir, ...more)));

export function fail(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

/** As long as a long run takes, and much longer if it was to stop. */
export async function goOn(signal: AbortSignal): Promise<void> {
  await sleep(LONG_MS);
  if (signal.aborted) await sleep(4 * LONG_MS);
}

export function zeros(ir: NativeGateIR, shots: number): ExecutionResult {
  const counts = { ['0'.repeat(ir.measurements.length)]: shots };
  return { counts, executionTimeMs: 1, shotsCompleted: shots };
}

/** Each bit as often 1 as before, whatever the others are. */
export function independent(result: ExecutionResult, ir: NativeGateIR): ExecutionResult {
  const shots = Object.entries(result.counts).flatMap(([key, count]) => Array<string>(count).fill(key));
  const columns = ir.measurements.map((_, bit) => shots.map((key) => key[bit]));
  // Another rotation of each column.
  const counts: Record<string, number> = {};
  for (let shot = 0; shot < shots.length; shot++) {
    const key = columns
      .map((column, bit) => column[(shot + Math.floor((bit * shots.length) / 4)) % shots.length] ?? '0')
      .join('');
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return { ...result, counts };
}
