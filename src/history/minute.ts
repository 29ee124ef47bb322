// What happened in about a minute, as counts that can be added up: the minutes stay longer than the records of single jobs,
// and say how the device spent its time at any rate of jobs.
import type { DeviceFigures } from '../device/device-time.ts';
import type { IdleGap, IdleReason } from '../jobs/ended-job.ts';
import { recordIn } from '../protocol/text.ts';
import { numbersOf } from './parse.ts';
import type { IdleTime, LongestGap, Period } from './record.ts';
import { Histogram } from './spread.ts';

const LONGEST_TEXT = 200;
const REASONS: readonly IdleReason[] = ['between runs', 'no jobs', 'preparing', 'closed', 'redis', 'held up'];
const COUNTS = ['completed', 'failed', 'cancelled', 'deadLetters', 'delivered', 'refused'] as const;
const SPREADS = ['wait', 'run', 'delivery'] as const;

type Counts = Record<(typeof COUNTS)[number], number>;

interface Idle {
  ms: number;
  longest: LongestGap | null;
}

/** Adds up what happens, or what several minutes say. */
export class Tally {
  readonly counts: Counts = noCounts();
  readonly wait = new Histogram();
  readonly run = new Histogram();
  readonly delivery = new Histogram();
  readonly idle = new Map<IdleReason, Idle>();
  coveredMs = 0;
  busyMs = 0;

  clear(): void {
    Object.assign(this.counts, noCounts());
    for (const name of SPREADS) this[name].clear();
    this.idle.clear();
    this.coveredMs = 0;
    this.busyMs = 0;
  }

  addIdle(reason: IdleReason, ms: number, gap: LongestGap | null): void {
    const idle = this.idle.get(reason);
    if (idle === undefined) {
      this.idle.set(reason, { ms, longest: gap });
      return;
    }
    idle.ms += ms;
    if (gap !== null && gap.ms > (idle.longest?.ms ?? 0)) idle.longest = gap;
  }

  /** As a line of the file. */
  line(from: number): string {
    const { counts, coveredMs, busyMs } = this;
    const idle = [...this.idle].map(([reason, { ms, longest }]) => [
      reason,
      Math.round(ms),
      ...(longest === null
        ? []
        : [
            Math.round(longest.ms * 1000) / 1000,
            Math.round(longest.startedAt),
            longest.text.slice(0, LONGEST_TEXT),
          ]),
    ]);
    const minute = {
      t: Math.round(from),
      ms: Math.round(coveredMs),
      n: COUNTS.map((name) => counts[name]),
      b: Math.round(busyMs),
      i: idle,
      wait: this.wait.toNumbers(),
      run: this.run.toNumbers(),
      delivery: this.delivery.toNumbers(),
    };
    return `${JSON.stringify(minute)}\n`;
  }

  /** Adds what a line says. */
  addMinute(minute: Minute): void {
    const { counts, busyMs, coveredMs, idle } = minute;
    for (const [i, name] of COUNTS.entries()) this.counts[name] += counts[i] ?? 0;
    this.coveredMs += coveredMs;
    this.busyMs += busyMs;
    for (const { reason, ms, longest } of idle) this.addIdle(reason, ms, longest);
    for (const name of SPREADS) this[name].addNumbers(minute[name]);
  }

  period(from: number, until: number): Period {
    const idle: IdleTime[] = [...this.idle].map(([reason, { ms, longest }]) => ({ reason, ms, longest }));
    return {
      from,
      until,
      coveredMs: this.coveredMs,
      ...this.counts,
      busyMs: this.busyMs,
      idle: idle.toSorted((a, b) => b.ms - a.ms),
      wait: this.wait.spread(),
      run: this.run.spread(),
      delivery: this.delivery.spread(),
    };
  }
}

/** What one line says. */
export interface Minute {
  readonly from: number;
  readonly coveredMs: number;
  readonly busyMs: number;
  readonly counts: readonly number[];
  readonly idle: readonly IdleTime[];
  readonly wait: readonly number[];
  readonly run: readonly number[];
  readonly delivery: readonly number[];
}

/** Undefined for a damaged line. */
export function parseMinute(text: string): Minute | undefined {
  const value = recordIn(text);
  if (value === undefined) return undefined;
  const { t, ms, b, n, i, wait, run, delivery } = value;
  if (typeof t !== 'number' || typeof ms !== 'number' || typeof b !== 'number') return undefined;
  return {
    from: t,
    coveredMs: ms,
    busyMs: b,
    counts: numbersOf(n),
    idle: Array.isArray(i) ? i.flatMap(idleOf) : [],
    wait: numbersOf(wait),
    run: numbersOf(run),
    delivery: numbersOf(delivery),
  };
}

function idleOf(value: unknown): IdleTime[] {
  if (!Array.isArray(value)) return [];
  const [name, ms, longestMs, startedAt, text] = value as readonly unknown[];
  const reason = REASONS.find((known) => known === name);
  if (reason === undefined || typeof ms !== 'number') return [];
  const hasLongest =
    typeof longestMs === 'number' && typeof startedAt === 'number' && typeof text === 'string';
  return [{ reason, ms, longest: hasLongest ? { startedAt, ms: longestMs, text } : null }];
}

/** Follows the device: how long it was at work, and for which reasons it was not, also while a gap lasts. */
export class DeviceWatch {
  readonly #tally: Tally;
  /** How much of the gap that lasts is in the tally already. */
  #countedMs = 0;
  #busyMs = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** A gap has ended. */
  gap({ startedAt, endedAt, reason, text }: IdleGap): void {
    // Both are by the same clock: their difference is exact.
    const ms = endedAt - startedAt;
    const counted = this.#countedMs;
    this.#countedMs = 0;
    const idle = this.#tally.idle.get(reason);
    if (idle === undefined || ms > (idle.longest?.ms ?? 0)) {
      this.#tally.addIdle(reason, Math.max(0, ms - counted), { startedAt, ms, text });
    } else idle.ms += Math.max(0, ms - counted);
  }

  /** Brings the tally up to date. */
  look({ busyMs, idle }: DeviceFigures): void {
    this.#tally.busyMs += busyMs - this.#busyMs;
    this.#busyMs = busyMs;
    if (idle === null) return;
    const { since, reason, text } = idle;
    const ms = Math.max(0, Date.now() - since);
    this.#tally.addIdle(reason, Math.max(0, ms - this.#countedMs), { startedAt: since, ms, text });
    this.#countedMs = ms;
  }
}

function noCounts(): Counts {
  return { completed: 0, failed: 0, cancelled: 0, deadLetters: 0, delivered: 0, refused: 0 };
}
