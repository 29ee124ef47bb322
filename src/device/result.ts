// Checks what an executor returned, before anything says `completed` (PROTOCOL §4, Counts).
// Executors are other people's code: each message names the wrong field, what it holds and what it should hold.
import { ExecutorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ExecutionResult } from './executor.ts';
import { deepFrozen } from '../kernel/frozen.ts';
import { jsonCopy, type Json } from '../jobs/annotations.ts';
import type { Circuit } from '../jobs/job.ts';
import type { Outcome } from '../protocol/webhook.ts';
import { isPlainObject, isRecord, kindOf, shown } from '../protocol/text.ts';

const KNOWN: ReadonlySet<string> = new Set([
  'counts',
  'executionTimeMs',
  'execution_time_ms',
  'shotsCompleted',
  'shots_completed',
  'memory',
  'metadata',
]);
const MOST_SHOTS_IN_MEMORY = 1_000_000;
const MOST_METADATA_CHARACTERS = 64 * 1024;

/** An outcome with what the executor returned beyond it. The wire has no place for that. */
export type RunOutcome = Outcome & Readonly<Pick<ExecutionResult, 'memory' | 'metadata'>>;

const SHAPE =
  'return { counts, executionTimeMs, shotsCompleted } (in Python: counts, execution_time_ms, shots_completed), ' +
  'counts like { "00": 512, "11": 512 }';

/**
 * A fresh ExecutionResult from whatever `run` returned. Takes camelCase and the wire's snake_case names;
 * keys of `counts` are bitstrings of `bits` characters, or of any length, and their order is the executor's.
 * `withExtras`: with `memory` and `metadata`.
 * Throws an ExecutorError (below 500 characters) for anything else. A time below 0 becomes 0, and counts need not add
 * up to `shotsCompleted`, since devices may discard shots: `odd` hears of both, and of what is not taken.
 */
export function checkResult(
  value: unknown,
  bits: number | undefined,
  odd: OddResults | undefined,
  jobId: string,
  withExtras = false,
): ExecutionResult {
  // One job of a batch, of which its executor knows what went wrong.
  if (value instanceof Error) throw value;
  if (!isRecord(value)) throw fault(`the executor returned ${kindOf(value)} instead of a result`);
  const counts = checkCounts(value['counts'], bits);
  const timeMs = checkTime(value['executionTimeMs'] ?? value['execution_time_ms']);
  const shotsCompleted = checkShots(value['shotsCompleted'] ?? value['shots_completed']);
  if (timeMs < 0) odd?.negativeTime(jobId, timeMs);
  let sum = 0;
  for (const outcome in counts) sum += counts[outcome] ?? 0;
  if (sum !== shotsCompleted) odd?.otherSum(jobId, sum, shotsCompleted);
  if (odd?.hadOtherField === false)
    for (const field in value) if (!KNOWN.has(field)) odd.otherField(jobId, field);
  const result = { counts, executionTimeMs: Math.max(timeMs, 0), shotsCompleted };
  return withExtras ? { ...result, ...extrasOf(value, odd, jobId) } : result;
}

/** The result that a tap of `mapResult` answered with, checked but for its number of bits, as a frozen copy. */
export function takeResult(answer: unknown, [, job]: readonly unknown[]): unknown {
  if (!isRecord(answer)) throw new TypeError(`it returned ${kindOf(answer)} instead of a result`);
  const jobId = isRecord(job) ? String(job['jobId']) : '';
  return deepFrozen(checkResult(answer, undefined, undefined, jobId, true));
}

/** How many bits the cloud expects for each shot. */
export function bitsOf({ ir, bits }: Circuit): number {
  return bits ?? ir.measurements.length;
}

/** The part of an outcome that is saved and posted. */
export function savedPart(outcome: RunOutcome): Outcome {
  if (outcome.memory === undefined && outcome.metadata === undefined) return outcome;
  const { memory: _memory, metadata: _metadata, ...saved } = outcome;
  return saved;
}

/** What cannot be used is left out: the counts matter more. */
function extrasOf(
  { memory, metadata }: Readonly<Record<string, unknown>>,
  odd: OddResults | undefined,
  jobId: string,
): Pick<ExecutionResult, 'memory' | 'metadata'> {
  const extras: { memory?: readonly string[]; metadata?: Readonly<Record<string, Json>> } = {};
  if (memory !== undefined && memory !== null) {
    if (isMemory(memory)) extras.memory = [...memory];
    else odd?.unusable(jobId, `memory, which must be a list of at most ${MOST_SHOTS_IN_MEMORY} bitstrings`);
  }
  if (metadata !== undefined && metadata !== null) {
    const copy = isPlainObject(metadata)
      ? jsonCopy(metadata, MOST_METADATA_CHARACTERS)
      : 'is no plain object';
    if (typeof copy === 'string') odd?.unusable(jobId, `metadata, which ${copy}`);
    else extras.metadata = copy.value as Readonly<Record<string, Json>>;
  }
  return extras;
}

function isMemory(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length > MOST_SHOTS_IN_MEMORY) return false;
  return value.every((shot) => typeof shot === 'string' && /^[01]*$/.test(shot));
}

/** Results that are taken although they look wrong: what was measured counts. Each kind is named once an executor. */
export class OddResults {
  readonly #log: Logger;
  readonly #source: string;
  #hadNegativeTime = false;
  #hadOtherSum = false;
  #hadOtherField = false;
  #hadUnusable = false;

  constructor(log: Logger, source: string) {
    this.#log = log;
    this.#source = source;
  }

  get hadOtherField(): boolean {
    return this.#hadOtherField;
  }

  otherField(jobId: string, field: string): void {
    if (this.#hadOtherField) return;
    this.#hadOtherField = true;
    this.#log.warn(
      `the executor (${this.#source}) returned the field ${shown(field)} for job ${jobId}, which is left out. ` +
        'There is no line about the next ones. A result has counts, executionTimeMs, shotsCompleted, memory and metadata. ' +
        'Put it into metadata to have plugins see it',
      { job: jobId },
    );
  }

  unusable(jobId: string, what: string): void {
    if (this.#hadUnusable) return;
    this.#hadUnusable = true;
    this.#log.warn(
      `the result of job ${jobId}, from the executor (${this.#source}), has a ${what}; it is left out. ` +
        'There is no line about the next ones',
      { job: jobId },
    );
  }

  negativeTime(jobId: string, timeMs: number): void {
    if (this.#hadNegativeTime) return;
    this.#hadNegativeTime = true;
    this.#log.warn(
      `the executor (${this.#source}) returned an executionTimeMs of ${timeMs} for job ${jobId}; it is reported as 0. ` +
        'There is no line about the next ones. Measure with performance.now(), not with the wall clock',
      { job: jobId },
    );
  }

  otherSum(jobId: string, sum: number, shotsCompleted: number): void {
    if (this.#hadOtherSum) return;
    this.#hadOtherSum = true;
    this.#log.warn(
      `the executor (${this.#source}) returned counts of ${sum} shots with shotsCompleted ${shotsCompleted} for job ` +
        `${jobId}; both are reported as they are, here and from now on. If the device does not discard shots, check how ` +
        'the executor counts them',
      { job: jobId },
    );
  }
}

function checkCounts(counts: unknown, width: number | undefined): Record<string, number> {
  if (!isPlainObject(counts)) {
    const hint = counts instanceof Map ? '; Object.fromEntries(map) makes one of it' : '';
    throw fault(`the result's counts must be a plain object, got ${kindOf(counts)}${hint}`);
  }
  const checked: Record<string, number> = {};
  for (const [outcome, count] of Object.entries(counts)) {
    if (!/^[01]*$/.test(outcome) || (width !== undefined && outcome.length !== width)) {
      const bits =
        width === undefined
          ? 'zeros and ones'
          : `${width} ${width === 1 ? 'bit' : 'bits'}, one for each measurement`;
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
