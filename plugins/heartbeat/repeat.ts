// Runs a task at regular intervals, the first time at once, never two at a time.
// Times that pass while the task still runs, or while the machine sleeps, are skipped.
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs `task` until `signal` fires; resolves when the last run has ended. `task` must not reject. */
export async function repeat(
  task: () => Promise<void>,
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  let due = performance.now();
  while (!signal.aborted) {
    await task();
    due = Math.max(due + intervalMs, performance.now());
    try {
      await sleep(due - performance.now(), undefined, { signal });
    } catch {
      return;
    }
  }
}
