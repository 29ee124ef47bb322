// Plays many random schedules, in as many processes as the machine has processors.
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Played, Seen } from './worker.ts';

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
/** Most of what a schedule allocates is soon free again, and each process keeps to its processor. */
const FLAGS = [
  '--single-threaded-gc',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
  '--no-allocation-site-pretenuring',
];
const MOST_OUTPUT = 64 * 1024 * 1024;

export interface Many {
  readonly runs: number;
  readonly seen: Seen;
  /** With the seed of each. */
  readonly failures: readonly string[];
}

/** A seed plays the same schedules with the same number of processes. After `mostSeconds` it is enough, however many they
 *  were. */
export async function playMany(
  runs: number,
  seed: number,
  { mostSeconds = Infinity, processes = availableParallelism() } = {},
): Promise<Many> {
  const each = Math.ceil(runs / processes);
  const played = await Promise.all(
    Array.from({ length: processes }, async (_, i): Promise<Played> => {
      const args = [...FLAGS, WORKER, String(each), String(seed + i), String(mostSeconds)];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: MOST_OUTPUT });
      return JSON.parse(stdout) as Played;
    }),
  );
  const seen: Partial<Seen> = {};
  for (const one of played) {
    for (const [what, count] of Object.entries(one.seen)) {
      const key = what as keyof Seen;
      seen[key] = (seen[key] ?? 0) + count;
    }
  }
  return {
    runs: played.reduce((sum, one) => sum + one.runs, 0),
    seen: seen as Seen,
    failures: played.flatMap((one) =>
      one.failure === undefined ? [] : [`node ${WORKER} ${each} ${one.seed} fails:\n${one.failure}`],
    ),
  };
}
