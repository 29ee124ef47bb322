// Plays one hour of the day, waits until all its jobs have ended, and takes its figures.
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../bench/lab/stats.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { median } from '../chaos/samples.ts';
import type { Hour } from './day.ts';
import type { Stage } from './stage.ts';
import type { Trouble } from './trouble.ts';

/** What could not be measured in an hour is left out. Memory and disk in MiB, times in milliseconds. */
export interface Taken {
  /** Which life of the process it is at its end. */
  readonly life: string;
  readonly rssMb?: number | undefined;
  readonly heapMb?: number | undefined;
  readonly descriptors?: number | undefined;
  readonly historyMb?: number | undefined;
  readonly otherDiskMb?: number | undefined;
  readonly loopDelayMs?: number | undefined;
  readonly toRun?: Percentiles | undefined;
  readonly toDelivery?: Percentiles | undefined;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface Sample {
  readonly rssMb: number;
  readonly descriptors: number;
  readonly historyMb: number;
  readonly otherMb: number;
}

/** Fewer have no tail. */
const LEAST_WAITS = 30;
const SAMPLES_AN_HOUR = 20;
const SHORTEST_PAUSE_MS = 20;
const CANCELLED_EVERY_MS = 200;
const PATIENCE_MS = 120_000;

export async function playHour(stage: Stage, hour: Hour, ms: number, trouble: Trouble): Promise<Taken> {
  const { node, book, load, look } = stage;
  const samples: Sample[] = [];
  let life = node.life;
  const pauseMs = Math.max(SHORTEST_PAUSE_MS, ms / SAMPLES_AN_HOUR);
  const sample = (): void => {
    // What an earlier process took says nothing of this one.
    if (node.life !== life) samples.length = 0;
    life = node.life;
    const [rssMb, descriptors] = [node.rssMb(), node.fds()];
    if (rssMb === undefined || descriptors === undefined) return;
    samples.push({ rssMb, descriptors, ...look.diskMb() });
  };
  const sampler = setInterval(sample, pauseMs);
  try {
    await hour.play(stage, performance.now() + ms);
    await waitUntil(
      `the end of every job of the hour '${hour.name}'`,
      async () => {
        if (book.open.size === 0) return true;
        await load.lookAtCancelled();
        await sleep(Math.min(CANCELLED_EVERY_MS, pauseMs));
        return false;
      },
      { timeoutMs: PATIENCE_MS },
    );
    await trouble.pause();
  } finally {
    clearInterval(sampler);
  }
  // However short the hour was.
  sample();
  const { toRun, toDelivery } = book.takeWaits();
  const lag = await look.metric('nodejs_eventloop_lag_p99_seconds');
  const of = (valueOf: (sample: Sample) => number): number | undefined =>
    samples.length === 0 ? undefined : median(samples.map(valueOf));
  return {
    life: node.life,
    rssMb: of(({ rssMb }) => rssMb),
    descriptors: of(({ descriptors }) => descriptors),
    historyMb: of(({ historyMb }) => historyMb),
    otherDiskMb: of(({ otherMb }) => otherMb),
    loopDelayMs: lag === undefined ? undefined : 1_000 * lag,
    toRun: percentilesOf(toRun),
    toDelivery: percentilesOf(toDelivery),
    // Last: it collects the garbage.
    heapMb: await look.heapMb(),
  };
}

function percentilesOf(waits: readonly number[]): Percentiles | undefined {
  if (waits.length < LEAST_WAITS) return undefined;
  return { p50: percentile(waits, 50), p99: percentile(waits, 99) };
}
