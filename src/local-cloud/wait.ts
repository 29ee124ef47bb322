// Waiting for a condition instead of for a time: what tests of nodes, executors and plugins build on.
import { setTimeout as sleep } from 'node:timers/promises';
import { JobError } from '../errors.ts';

export interface WaitOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

export const DEFAULT_WAIT_MS = 30_000;
const LOOK_EVERY_MS = 10;

/**
 * Resolves with the first truthy value of `check`, which is asked again every few milliseconds.
 * `what` completes the error's sentence "… did not happen within 30 s". An error of `check` ends the wait.
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
    await sleep(LOOK_EVERY_MS);
  }
}

/** Resolves as `promise` does, or throws after `timeoutMs`; the promise itself goes on. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeoutError(what, timeoutMs)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function timeoutError(what: string, timeoutMs: number): JobError {
  return new JobError(`${what} did not happen within ${timeoutMs / 1000} s`);
}
