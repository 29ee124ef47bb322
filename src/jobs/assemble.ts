// A job's way through the node, put together:
//
//   reader -> intake -> job table -> runner -> endings -> outbox -> cloud
//              ^
//           recovery: what was read before and has no outcome
//
// Each part knows the parts that it works with; here they are made and joined. `pipeline.ts` starts and stops them.
import type { Redis, RedisOptions } from 'ioredis';
import type { Settings } from '../config/settings.ts';
import type { LoadedExecutor } from '../device/executor.ts';
import { DeviceTime } from '../device/device-time.ts';
import { Holds } from '../device/holds.ts';
import { OddResults } from '../device/result.ts';
import { RunMarker } from '../device/run-marker.ts';
import { Runner } from '../device/runner.ts';
import type { Hooks } from '../hooks.ts';
import type { Admission } from '../kernel/admission.ts';
import type { BusyTaps } from '../kernel/busy-taps.ts';
import type { Logger } from '../log.ts';
import { Drops } from '../outbox/drops.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { Replay } from '../outbox/replay.ts';
import { Deferred } from '../queue/deferred.ts';
import { Entries } from '../queue/entries.ts';
import { Intake } from '../queue/intake.ts';
import { Reader } from '../queue/reader.ts';
import { Recovery, SAFE_LEASE } from '../queue/recovery.ts';
import { RedisHealth } from '../queue/redis-health.ts';
import { RedisWrites } from '../queue/redis-writes.ts';
import { RightsWatch } from '../queue/rights.ts';
import { OutcomeCopies } from '../queue/outcome-copies.ts';
import { JobStream } from '../queue/stream.ts';
import { UnusableEntries } from '../queue/unusable-entries.ts';
import { Endings } from './endings.ts';
import { JobTable } from './job-table.ts';
import { JobTrace } from './job-trace.ts';
import { LocalRuns } from './local-runs.ts';
import { whyIdle } from './look.ts';
import { Prefetch } from './prefetch.ts';

export interface JobPipelineOptions {
  readonly settings: Settings;
  readonly qpuId: string;
  /** The node's name in the consumer group. */
  readonly consumer: string;
  /** The node's own folder. */
  readonly directory: string;
  readonly outbox: Outbox;
  readonly admission: Admission;
  readonly loaded: LoadedExecutor;
  readonly hooks: Hooks;
  readonly busyTaps: BusyTaps;
  readonly log: Logger;
  readonly openRedis: (name: string, options?: RedisOptions) => Redis;
}

export type PipelineParts = ReturnType<typeof assemble>;

/** Makes the parts, and joins them. */
export function assemble(options: JobPipelineOptions) {
  const { settings, qpuId, directory, outbox, admission, loaded, hooks, log } = options;
  const { maxDeliveries, concurrency } = settings;
  const held = new JobTable();
  const marker = new RunMarker(directory, maxDeliveries);
  // No command outlives its connection: one that claims entries might take from another node, minutes later, what
  // that node has taken over meanwhile. A part that needs an answer asks again.
  const redis = options.openRedis('jobs', { maxRetriesPerRequest: 0 });
  const readerRedis = options.openRedis('reader', { maxRetriesPerRequest: 0 });
  const stream = new JobStream(qpuId, options.consumer);
  const health = new RedisHealth(redis);
  const writes = new RedisWrites(redis, qpuId, log, (messageId) => {
    const job = held.ofMessage(messageId);
    return job === undefined || recovery.hasLease(job);
  });
  const copies = settings.outcomeCopy ? new OutcomeCopies({ redis, qpuId, writes, log }) : undefined;
  const trace = new JobTrace(log);
  const endings = new Endings({ qpuId, held, outbox, statuses: writes, trace, hooks, log });
  const deferred = new Deferred({ outbox, admission, log });
  const unusable = new UnusableEntries({ directory, writes, hooks, log });
  const intake = new Intake({
    redis,
    stream,
    held,
    outbox,
    writes,
    copies,
    endings,
    marker,
    deferred,
    unusable,
    directory,
    maxDeliveries,
    safeLeaseMs: settings.leaseSec * 1000 * SAFE_LEASE,
    hooks,
    keepsText: loaded.executor.upcoming !== undefined,
    log,
  });
  const recovery = new Recovery({
    redis,
    stream,
    held,
    intake,
    endings,
    leaseMs: settings.leaseSec * 1000,
    marker,
    deferred,
    log,
  });
  recovery.onSwept(() => writes.sayDoubtful());
  outbox.onRoom(() => void recovery.sweep());
  const time = new DeviceTime({
    admission,
    why: () => whyIdle(held, admission, health.trouble?.text),
    hooks,
  });
  const device = {
    loaded,
    hooks,
    log,
    odd: new OddResults(log, loaded.source),
    jobTimeoutMs: settings.jobTimeoutSec * 1000,
    cancelGraceMs: settings.cancelGraceSec * 1000,
  };
  const runner = new Runner({
    held,
    admission,
    leases: recovery,
    marker,
    time,
    statuses: writes,
    endings,
    ...device,
    busyTaps: options.busyTaps,
    onStartLost: (messageId, starts) => void intake.countDelivery(messageId, starts + 1),
    concurrency,
    maxDeliveries,
  });
  const prefetch = new Prefetch({ settings, held, admission, runner, health, hooks, log });
  const reader = new Reader({
    redis: readerRedis,
    entries: new Entries({ redis: readerRedis, stream, maxMessageMb: settings.maxMessageMb }),
    stream,
    held,
    admission,
    prefetch,
    recovery,
    intake,
    leaseMs: settings.leaseSec * 1000,
    log,
  });
  const drops = new Drops(directory, outbox, log);
  const replay = new Replay({ directory, log, outbox, held, maxJobs: settings.outboxMaxJobs });
  const rights = new RightsWatch(redis, qpuId, copies !== undefined);
  const holds = new Holds({ admission, idle: () => runner.idle() });
  const local = new LocalRuns({ ...device, holds, time });
  return {
    ...{ admission, held, redis, stream, health, rights, writes, copies },
    ...{ reader, deferred, unusable, recovery, marker, runner, time, holds, local },
    ...{ endings, trace, outbox, drops, replay },
  };
}
