// What a node tells of its jobs: their figures, and what `/ready` says of them.
import type { Trouble } from '../errors.ts';
import type { ReadinessReport } from '../kernel/readiness.ts';
import type { PipelineParts } from './assemble.ts';
import type { JobFigures } from './jobs.ts';

export function jobFigures({ held, recovery, endings, outbox }: PipelineParts): JobFigures {
  return {
    queued: held.waiting + recovery.waiting,
    running: held.running,
    undelivered: outbox.size,
    backlog: recovery.backlog ?? null,
    ...endings.counts,
    ...outbox.ends.counts,
    lastRunAt: endings.lastRunAt,
    lastDeliveryAt: isoOf(outbox.ends.lastDelivery),
  };
}

/** Adds to a readiness report what the pipeline knows. */
export function reportJobs(report: ReadinessReport, parts: PipelineParts): void {
  const { admission, held, health, reader, writes, copies, rights, recovery, deferred, holds } = parts;
  const { runner, local, endings, outbox, replay } = parts;
  report.redisHealthy = health.healthy;
  report.currentJob = runner.current;
  report.lastJobAt = endings.lastRunAt;
  const reasons = [
    ...admission.reasons,
    health.trouble ?? reader.troubleBy(health.answeredAt),
    runner.stuck ?? local.stuck,
    writes.trouble,
  ];
  for (const reason of reasons) if (reason !== undefined) report.notReady(reason.text, reason.remedy);
  const others = [
    recovery.trouble,
    writes.stateTrouble,
    copies?.trouble,
    ...rights.troubles,
    outbox.trouble,
    refusedTrouble(replay.refused, outbox.ends.lastRefusal),
  ];
  for (const other of others) if (other !== undefined) report.trouble(other.text, other.remedy);
  holds.report(report);
  report.add('queued', held.waiting + recovery.waiting);
  if (recovery.backlog !== undefined) report.add('backlog', recovery.backlog);
  report.add('current_job_since', isoOf(runner.currentSince));
  report.add('completed', endings.counts.completed);
  report.add('failed', endings.counts.failed);
  report.add('undelivered', outbox.size);
  if (deferred.size > 0) report.add('waiting_for_callbacks', deferred.size);
  report.add('oldest_undelivered_at', outbox.oldest);
  report.add('last_delivery_at', isoOf(outbox.ends.lastDelivery));
  report.add('refused', outbox.ends.counts.refused);
  if (outbox.outage !== undefined) report.add('delivery_trouble', outbox.outage);
}

function refusedTrouble(count: number, last: string | undefined): Trouble | undefined {
  if (count === 0) return undefined;
  const because = last === undefined ? '' : `; the last: ${last}`;
  return {
    text: `${count} results are set aside, which the cloud refused or a plugin could not map or deliver${because}`,
    remedy:
      'See why with coda results list. Then have them sent again (coda results replay), or remove them (coda results drop).',
  };
}

function isoOf(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
