// How many jobs to take in advance: enough that the device never waits for Redis, bounded by count and by memory.
import type { Settings } from '../config/settings.ts';
import { batchSize } from '../device/batch-size.ts';
import type { Runner } from '../device/runner.ts';
import type { Hooks } from '../hooks.ts';
import type { Admission } from '../kernel/admission.ts';
import type { Logger } from '../log.ts';
import type { Prefetching } from '../queue/reader.ts';
import type { RedisHealth } from '../queue/redis-health.ts';
import type { JobTable } from './job-table.ts';

export interface PrefetchOptions {
  readonly settings: Pick<Settings, 'concurrency' | 'prefetch' | 'prefetchMaxMb'>;
  readonly held: JobTable;
  readonly admission: Admission;
  readonly runner: Runner;
  readonly health: RedisHealth;
  readonly hooks: Hooks;
  readonly log: Logger;
}

export class Prefetch implements Prefetching {
  readonly #options: PrefetchOptions;
  /** Average memory of the jobs that were held last. */
  #bytesEach = 1024;

  constructor(options: PrefetchOptions) {
    this.#options = options;
  }

  /** How many more jobs may be taken now; 0 or less if none. */
  room(): number {
    const { admission, settings, held, runner, health, hooks, log } = this.#options;
    if (!admission.isOpen) return 0;
    const jobMs = Math.max(runner.runMs / settings.concurrency, 0.005);
    // A job that is asked for now is ready after the read that is under way, its own, and the check; and one round
    // trip to spare.
    const fetchMs = 4 * health.roundTripMs;
    const batch = batchSize(hooks, settings.prefetch, log);
    const depth = Math.ceil(fetchMs / jobMs) + settings.concurrency + Math.max(1, 2 * (batch - 1));
    const room = Math.min(depth, settings.prefetch) - held.waiting;
    if (held.size > 0) this.#bytesEach = held.bytes / held.size;
    const bytesLeft = settings.prefetchMaxMb * 1024 * 1024 - held.bytes;
    const fitting = Math.min(room, Math.floor(bytesLeft / this.#bytesEach));
    // One job may wait, however large it is.
    return held.waiting === 0 ? Math.max(fitting, 1) : fitting;
  }
}
