// Checks what an executor returned, before anything says `completed` (PROTOCOL §4, Counts).
// Executors are other people's code: each message names the wrong field, what it holds and what it should hold.
import { ExecutorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ExecutionResult } from './executor.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { isPlainObject, isRecord, kindOf, shown } from '../protocol/text.ts';

const SHAPE = 'return { counts, executionTimeMs, shotsCompleted }, counts like { "00": 512, "11": 512 }';

/**
 * A fresh ExecutionResult from whatever `run` returned for `ir`. Takes camelCase and the wire's snake_case names;
 * keys of `counts` are bitstrings as long as `ir.measurements`, their order is the executor's.
 * Throws an ExecutorError (below 500 characters) for anything else. A time below 0 becomes 0, and counts need not add
 * up to `shotsCompleted`, since devices may discard shots: `odd` hears of both.
 */
export function checkResult(
  value: unknown,
  ir: NativeGateIR,
  odd: OddResults,
  jobId: string,
): ExecutionResult {
  // One job of a batch, of which its executor knows what went wrong.
  if (value instanceof Error) throw value;
  if (!isRecord(value)) throw fault(`the executor returned ${kindOf(value)} instead of a result`);
  const counts = checkCounts(value['counts'], ir.measurements.length);
  const timeMs = checkTime(value['executionTimeMs'] ?? value['execution_time_ms']);
  const shotsCompleted = checkShots(value['shotsCompleted'] ?? value['shots_completed']);
  if (timeMs < 0) odd.negativeTime(jobId, timeMs);
  let sum = 0;
  for (const outcome in counts) sum += counts[outcome] ?? 0;
  if (sum !== shotsCompleted) odd.otherSum(jobId, sum, shotsCompleted);
  return { counts, executionTimeMs: Math.max(timeMs, 0), shotsCompleted };
}

/** Results that are taken although they look wrong: what was measured counts. Each kind is named once an executor. */
export class OddResults {
  readonly #log: Logger;
  readonly #source: string;
  #hadNegativeTime = false;
  #hadOtherSum = false;

  constructor(log: Logger, source: string) {
    this.#log = log;
    this.#source = source;
  }

  negativeTime(jobId: string, timeMs: number): void {
    if (this.#hadNegativeTime) return;
    this.#hadNegativeTime = true;
    this.#log.warn(
      `the executor (${this.#source}) returned an executionTimeMs of ${timeMs} for job ${jobId}; it is reported as 0, ` +
        'as any further one below 0 will be without another line. performance.now() in place of a wall clock helps',
    );
  }

  otherSum(jobId: string, sum: number, shotsCompleted: number): void {
    if (this.#hadOtherSum) return;
    this.#hadOtherSum = true;
    this.#log.warn(
      `the executor (${this.#source}) returned counts of ${sum} shots with shotsCompleted ${shotsCompleted} for job ` +
        `${jobId}; both are reported as they are, here and from now on. If the device does not discard shots, check how ` +
        'the executor counts them',
    );
  }
}

function checkCounts(counts: unknown, width: number): Record<string, number> {
  if (!isPlainObject(counts)) {
    const hint = counts instanceof Map ? '; Object.fromEntries(map) makes one of it' : '';
    throw fault(`the result's counts must be a plain object, got ${kindOf(counts)}${hint}`);
  }
  const checked: Record<string, number> = {};
  for (const [outcome, count] of Object.entries(counts)) {
    if (!/^[01]*$/.test(outcome) || outcome.length !== width) {
      const bits = `${width} ${width === 1 ? 'bit' : 'bits'}, one for each measurement`;
      throw fault(
        `the result's counts have the key ${shown(outcome, 60)}, which must be a bitstring of ${bits}`,
      );
    }
    checked[outcome] = wholeNumber(count, `counts['${outcome.slice(0, 60)}']`);
  }
  return checked;
}

function checkTime(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const got = value === undefined ? 'it is missing' : `got ${shown(value)}`;
  throw fault(`the result's executionTimeMs must be a finite number of milliseconds; ${got}`);
}

function checkShots(value: unknown): number {
  if (value === undefined) throw fault("the result's shotsCompleted is missing");
  return wholeNumber(value, 'shotsCompleted');
}

function wholeNumber(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const hint = typeof value === 'bigint' ? '; Number(value) makes one of it' : '';
  throw fault(`the result's ${field} must be a non-negative integer, got ${shown(value)}${hint}`);
}

function fault(text: string): ExecutorError {
  return new ExecutorError(text, { remedy: SHAPE });
}
