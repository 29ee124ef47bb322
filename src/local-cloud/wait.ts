// Waits for a condition instead of a fixed time, for tests of nodes, executors and plugins.
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../errors.ts';
import { endsWithin } from '../net/timing.ts';

export interface WaitOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

export const DEFAULT_WAIT_MS = 30_000;
const CHECK_EVERY_MS = 10;

/**
 * Resolves with the first truthy value of `check`, which is called again every few milliseconds.
 * `what` is the subject of the error "… did not happen within 30 s". An error of `check` ends the wait.
 */
export async function waitUntil<T>(
  what: string,
  check: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = DEFAULT_WAIT_MS } = options;
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (performance.now() >= giveUpAt) throw timeoutError(what, timeoutMs);
    await sleep(CHECK_EVERY_MS);
  }
}

/** Settles as `promise` does, or throws after `timeoutMs` milliseconds; the promise itself continues. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs: number): Promise<T> {
  if (!(await endsWithin(promise, timeoutMs))) throw timeoutError(what, timeoutMs);
  return promise;
}

function timeoutError(what: string, timeoutMs: number): JobError {
  return new JobError(`${what} did not happen within ${timeoutMs / 1000} s`);
}
