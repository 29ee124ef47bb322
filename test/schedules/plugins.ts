// What the nodes of a schedule have beside the pipeline: plugins that deliver, prepare jobs, map results or hand over several
// jobs at once.
import { batching } from '../../plugins/batching/index.ts';
import type { BatchJob, ExecutionResult, RunContext } from '../../src/device/executor.ts';
import { createHooks, type Hooks } from '../../src/hooks.ts';
import { SlowTaps } from '../../src/kernel/slow-taps.ts';
import type { Logger } from '../../src/log.ts';
import type { Delivery } from '../../src/outbox/delivery.ts';
import type { CodaNode } from '../../src/plugin.ts';
import { actorOnStage } from './stage.ts';

/** `starts`: the executor is in a process of its own, and begins the next job by itself (host.ts). */
export type Feature = 'prepares' | 'maps' | 'batches' | 'starts';

/** What a plugin does with a job. */
export type Work = 'prepare' | 'map';

/** What plugins make of what was measured. */
export const MAPPED = { 1: 1 };

/** To make hooks takes longer than a schedule: those of all lives with the same plugins. */
const made = new Map<string, Hooks>();

export const SLOW_TAPS = new SlowTaps();

export function hooksWith(features: readonly Feature[]): Hooks {
  const key = features.join();
  const known = made.get(key);
  if (known !== undefined) return known;
  const hooks = makeHooks(features);
  made.set(key, hooks);
  return hooks;
}

/** The node whose plugin is called. */
interface Caller {
  post(jobId: string, body: string): Promise<Delivery>;
  works(how: Work, jobId: string): Promise<void>;
  runBatch(jobs: readonly BatchJob[], context: RunContext): Promise<ExecutionResult[]>;
}

const caller = (): Caller => actorOnStage() as Caller;

function makeHooks(features: readonly Feature[]): Hooks {
  const log = logTo(() => {});
  const hooks = createHooks({ timeoutMs: 30_000, log, applying: () => 'plugin', slowTaps: SLOW_TAPS });
  hooks.deliver.tapPromise('plugin', ({ jobId, outcome }) => caller().post(jobId, JSON.stringify(outcome)));
  if (features.includes('prepares')) {
    hooks.prepare.tapPromise('plugin', async (ir, { jobId }) => {
      await caller().works('prepare', jobId);
      return { ...ir };
    });
  }
  if (features.includes('maps')) {
    hooks.mapResult.tapPromise('plugin', async (result, { jobId }) => {
      await caller().works('map', jobId);
      return { ...result, counts: MAPPED };
    });
  }
  if (features.includes('batches')) {
    const node = {
      hooks: { ...hooks, start: { tap: (_: string, start: () => void) => start() } },
      settings: { batchSize: 3 },
      executor: { batchRun: (...batch: Parameters<Caller['runBatch']>) => caller().runBatch(...batch) },
      log,
    };
    batching().apply(node as unknown as CodaNode);
  }
  return hooks;
}

export function logTo(write: (line: string) => void): Logger {
  const log: Logger = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    child: () => log,
    mask: () => {},
    masked: (text) => text,
  };
  return log;
}
