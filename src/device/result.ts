// Checks what an executor returned, before anything says `completed` (PROTOCOL §4, Counts).
// Executors are other people's code: each message names the wrong field, what it holds and what it should hold.
import { ExecutorError } from '../errors.ts';
import type { ExecutionResult } from './executor.ts';
import type { NativeGateIR } from '../protocol/ir.ts';
import { isPlainObject, isRecord, kindOf, shown } from '../protocol/text.ts';

const SHAPE = 'return { counts, executionTimeMs, shotsCompleted }, counts like { "00": 512, "11": 512 }';

/**
 * A fresh ExecutionResult from whatever `run` returned for `ir`. Takes camelCase and the wire's snake_case names;
 * keys of `counts` are bitstrings as long as `ir.measurements`, their order is the executor's.
 * Throws an ExecutorError (below 500 characters) for anything else. Whether the counts add up to
 * `shotsCompleted` is not checked: devices may discard shots.
 */
export function checkResult(value: unknown, ir: NativeGateIR): ExecutionResult {
  if (!isRecord(value)) throw fault(`the executor returned ${kindOf(value)} instead of a result`);
  return {
    counts: checkCounts(value['counts'], ir.measurements.length),
    executionTimeMs: checkTime(value['executionTimeMs'] ?? value['execution_time_ms']),
    shotsCompleted: checkShots(value['shotsCompleted'] ?? value['shots_completed']),
  };
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
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  const got = value === undefined ? 'it is missing' : `got ${shown(value)}`;
  throw fault(`the result's executionTimeMs must be a finite number of milliseconds, 0 or more; ${got}`);
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
