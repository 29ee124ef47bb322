// Samples of a node's memory and file descriptors during a scenario: do they stay flat?
import type { NodeProcess } from './node-process.ts';

const EVERY_MS = 500;

export interface MemorySamples {
  readonly mb: readonly number[];
  stop: () => void;
  /** `first → last, most`. */
  text(): string;
}

export function watchMemory(node: NodeProcess): MemorySamples {
  const mb: number[] = [];
  const timer = setInterval(() => {
    const now = node.rssMb();
    if (now !== undefined) mb.push(now);
  }, EVERY_MS);
  return {
    mb,
    stop: () => clearInterval(timer),
    text() {
      const [first, last, most] = [mb[0] ?? 0, mb.at(-1) ?? 0, Math.max(0, ...mb)];
      return `${first.toFixed(0)} → ${last.toFixed(0)}, most ${most.toFixed(0)}`;
    },
  };
}

/** By how much the last third is above the second. The first third is the warm-up. */
export function memoryGrowth(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return 0;
  return median(samples.slice(-third)) - median(samples.slice(third, 2 * third));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
