// Statistics from the minutes of the history.
import { readPeriod } from '../../history/read.ts';
import type { Period, Spread } from '../../history/record.ts';
import { printable } from '../../protocol/text.ts';
import { historyOf, readHistory } from '../local-node/history.ts';
import { isoOf, rounded } from '../jobs/report.ts';
import type { Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { countText, durationText, momentText, shortTimeText } from '../terminal/words.ts';

export interface StatsRequest {
  readonly stateDir: string;
  /** Unix milliseconds, as `until`. */
  readonly since: number;
  readonly until: number;
  readonly json: boolean;
  readonly out: Output;
}

const LONGEST_TEXT = 120;

/** Returns the exit code. */
export async function showStats({ stateDir, since, until, json, out }: StatsRequest): Promise<number> {
  const folder = historyOf(stateDir, 'stats');
  const period = await readHistory(folder, (from) => readPeriod(from, since, until));
  if (json) out.json(jsonOf(period), 2);
  else for (const line of linesOf(period)) out.write(line);
  return 0;
}

function linesOf(period: Period): string[] {
  const { from, until, coveredMs, completed, failed, cancelled, deadLetters, delivered, refused, busyMs } =
    period;
  const span = `from ${momentText(from)} to ${momentText(until)}`;
  if (coveredMs === 0) return [`no node ran ${span}`];
  const total = endedIn(period);
  const letters = deadLetters === 0 ? '' : `; ${countText(deadLetters, 'dead letter')}`;
  return [
    `${span}; a node ran for ${durationText(coveredMs / 1000)} of it`,
    '',
    ...table([
      [
        'jobs',
        `${total}: ${completed} completed, ${failed} failed (${shareText(failed, total)}), ${cancelled} cancelled${letters}`,
      ],
      ['throughput', `${rateText(total / (coveredMs / 1000))} jobs a second`],
      ['device', `busy ${shareText(busyMs, coveredMs)} of the time: ${shortTimeText(busyMs)}`],
      ['results', `${delivered} delivered, ${refused} refused`],
    ]),
    '',
    ...table([
      ['', 'P50', 'P95', 'P99', 'MAX'],
      spreadRow('wait for the device', period.wait),
      spreadRow('run', period.run),
      spreadRow('delivery', period.delivery),
    ]),
    '',
    ...table([
      ['IDLE', 'TIME', 'SHARE', 'LONGEST', 'BEGAN', 'WHY'],
      ...period.idle.map(({ reason, ms, longest }) => [
        reason,
        shortTimeText(ms),
        shareText(ms, coveredMs),
        ...(longest === null
          ? []
          : [
              shortTimeText(longest.ms),
              momentText(longest.startedAt),
              printable(longest.text, LONGEST_TEXT),
            ]),
      ]),
    ]),
  ];
}

function spreadRow(name: string, spread: Spread | null): string[] {
  if (spread === null) return [name, '-', '-', '-', '-'];
  const { p50, p95, p99, max } = spread;
  return [name, ...[p50, p95, p99, max].map(shortTimeText)];
}

function endedIn({ completed, failed, cancelled }: Period): number {
  return completed + failed + cancelled;
}

function shareText(part: number, whole: number): string {
  return `${Number((100 * (shareOf(part, whole) ?? 0)).toFixed(1))} %`;
}

/** Times are rounded each for itself: parts may be a little more than the whole. */
function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.min(1, part / whole);
}

function rateText(perSecond: number): string {
  return String(Number(perSecond.toPrecision(3)));
}

function jsonOf(period: Period): object {
  const { coveredMs, busyMs, failed } = period;
  const total = endedIn(period);
  const spreadOf = (spread: Spread | null): object | null =>
    spread && {
      count: spread.count,
      p50: rounded(spread.p50),
      p95: rounded(spread.p95),
      p99: rounded(spread.p99),
      max: rounded(spread.max),
    };
  return {
    from: isoOf(period.from),
    until: isoOf(period.until),
    covered_sec: coveredMs / 1000,
    jobs: total,
    completed: period.completed,
    failed,
    cancelled: period.cancelled,
    dead_letters: period.deadLetters,
    delivered: period.delivered,
    refused: period.refused,
    jobs_per_sec: coveredMs === 0 ? null : total / (coveredMs / 1000),
    failure_share: shareOf(failed, total),
    busy_sec: busyMs / 1000,
    busy_share: shareOf(busyMs, coveredMs),
    wait_ms: spreadOf(period.wait),
    run_ms: spreadOf(period.run),
    delivery_ms: spreadOf(period.delivery),
    idle: period.idle.map(({ reason, ms, longest }) => ({
      reason,
      sec: ms / 1000,
      longest: longest && {
        sec: rounded(longest.ms / 1000),
        started_at: isoOf(longest.startedAt),
        text: longest.text,
      },
    })),
  };
}
