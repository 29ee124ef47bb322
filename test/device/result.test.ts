// What executors return: the spellings that are taken, and a clear refusal of everything else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { ExecutorError } from '../../src/errors.ts';
import type { ExecutionResult } from '../../src/device/executor.ts';
import { checkResult as check, OddResults } from '../../src/device/result.ts';
import { createLogger, silentLogger } from '../../src/log.ts';
import type { NativeGateIR } from '../../src/protocol/ir.ts';
import { BELL, measuring, mutated } from '../protocol/arbitraries.ts';

const GOOD = { counts: { '00': 512, '11': 488 }, executionTimeMs: 12.5, shotsCompleted: 1000 };

const checkResult = (value: unknown, ir: NativeGateIR): ExecutionResult =>
  check(value, ir.measurements.length, new OddResults(silentLogger, 'the test'), 'job-1');

describe('checkResult', () => {
  it('takes a result in camelCase and in snake_case', () => {
    assert.deepEqual(checkResult(GOOD, BELL), GOOD);
    assert.deepEqual(
      checkResult({ counts: GOOD.counts, execution_time_ms: 12.5, shots_completed: 1000 }, BELL),
      GOOD,
    );
  });

  it('returns a copy with the known fields only', () => {
    const counts: Record<string, number> = { ...GOOD.counts };
    const checked = checkResult({ ...GOOD, counts, extra: 1 }, BELL);
    counts['00'] = -1;
    assert.deepEqual(checked, GOOD);
  });

  it('takes plain objects of every origin, and class instances as results', () => {
    assert.deepEqual(
      checkResult({ ...GOOD, counts: Object.assign(Object.create(null), GOOD.counts) }, BELL),
      GOOD,
    );
    assert.deepEqual(checkResult({ ...GOOD, counts: runInNewContext('({"00":512,"11":488})') }, BELL), GOOD);
    class Result {
      readonly counts = GOOD.counts;
      readonly shotsCompleted = 1000;
      get executionTimeMs(): number {
        return 12.5;
      }
    }
    assert.deepEqual(checkResult(new Result(), BELL), GOOD);
  });

  it('leaves sums and shares to the executor', () => {
    assert.equal(checkResult({ ...GOOD, shotsCompleted: 7 }, BELL).shotsCompleted, 7);
    assert.deepEqual(checkResult({ counts: {}, executionTimeMs: 0, shotsCompleted: 0 }, BELL).counts, {});
    assert.deepEqual(checkResult({ ...GOOD, counts: { '': 1000 } }, measuring(0)).counts, { '': 1000 });
  });

  it('takes a negative time as 0, and counts of another sum, and names each once', () => {
    const lines: string[] = [];
    const log = createLogger({ write: (line) => lines.push(line) });
    const odd = new OddResults(log, './qpu.ts');
    for (const jobId of ['job-1', 'job-2']) {
      const result = check({ ...GOOD, executionTimeMs: -1.5, shotsCompleted: 1001 }, 2, odd, jobId);
      assert.deepEqual(result, { ...GOOD, executionTimeMs: 0, shotsCompleted: 1001 });
    }
    check(GOOD, 2, odd, 'job-3');
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.match(lines[0] ?? '', /WARN .*\.\/qpu\.ts.*executionTimeMs of -1\.5 for job job-1/);
    assert.match(lines[1] ?? '', /WARN .*\.\/qpu\.ts.*1000 shots with shotsCompleted 1001 for job job-1/);
  });

  it('takes thousands of outcomes', () => {
    const counts = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, k) => [k.toString(2).padStart(20, '0'), k]),
    );
    assert.deepEqual(checkResult({ ...GOOD, counts }, measuring(20)).counts, counts);
  });

  const refused: [string, unknown, RegExp][] = [
    ['nothing', undefined, /the executor returned undefined instead of a result/],
    ['null', null, /the executor returned null/],
    ['a list', [GOOD], /the executor returned a list of 1/],
    ['a string', 'done', /the executor returned a string/],
    ['no counts', { ...GOOD, counts: undefined }, /counts must be a plain object, got undefined/],
    ['counts as a Map', { ...GOOD, counts: new Map([['00', 1]]) }, /got a Map; Object\.fromEntries\(map\)/],
    ['counts as a list', { ...GOOD, counts: [1, 2] }, /plain object, got a list of 2/],
    ['counts as a class', { ...GOOD, counts: new (class Counts {})() }, /got an instance of a class/],
    ['a short key', { ...GOOD, counts: { '0': 1 } }, /the key '0', which must be a bitstring of 2 bits/],
    ['a long key', { ...GOOD, counts: { '000': 1 } }, /the key '000'/],
    ['a key with other characters', { ...GOOD, counts: { '0x': 1 } }, /the key '0x'/],
    ['a key with a line break', { ...GOOD, counts: { '0\n': 1 } }, /the key '0\\n'/],
    [
      'a negative count',
      { ...GOOD, counts: { '00': -1 } },
      /counts\['00'\] must be a non-negative integer, got -1/,
    ],
    ['a share for a count', { ...GOOD, counts: { '00': 0.5 } }, /counts\['00'\] .* got 0\.5/],
    ['a count as string', { ...GOOD, counts: { '00': '5' } }, /counts\['00'\] .* got '5'/],
    [
      'a count as BigInt',
      { ...GOOD, counts: { '00': 5n } },
      /counts\['00'\] .* got a BigInt; Number\(value\)/,
    ],
    ['a count as wrapper', { ...GOOD, counts: { '00': Object(5) } }, /counts\['00'\] .* got a Number/],
    [
      'a count as array',
      { ...GOOD, counts: { '00': new Int32Array([5]) } },
      /counts\['00'\] .* got an Int32Array/,
    ],
    ['a count past 2^53', { ...GOOD, counts: { '00': 2 ** 53 } }, /counts\['00'\]/],
    [
      'no time',
      { ...GOOD, executionTimeMs: undefined },
      /executionTimeMs must be a finite number.*; it is missing/,
    ],
    ['less than any time', { ...GOOD, executionTimeMs: -Infinity }, /executionTimeMs .* got -Infinity/],
    ['an infinite time', { ...GOOD, executionTimeMs: Infinity }, /executionTimeMs .* got Infinity/],
    ['NaN for a time', { ...GOOD, executionTimeMs: NaN }, /executionTimeMs .* got NaN/],
    ['a time as string', { ...GOOD, executionTimeMs: '5' }, /executionTimeMs .* got '5'/],
    ['a time as BigInt', { ...GOOD, executionTimeMs: 5n }, /executionTimeMs .* got a BigInt/],
    ['no shots', { ...GOOD, shotsCompleted: undefined }, /shotsCompleted is missing/],
    [
      'half a shot',
      { ...GOOD, shotsCompleted: 0.5 },
      /shotsCompleted must be a non-negative integer, got 0\.5/,
    ],
    ['negative shots', { ...GOOD, shotsCompleted: -1 }, /shotsCompleted .* got -1/],
  ];
  for (const [name, value, pattern] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => checkResult(value, BELL),
        (error) => {
          assert.ok(error instanceof ExecutorError);
          assert.match(error.message, pattern);
          assert.match(error.remedy ?? '', /return \{ counts, executionTimeMs, shotsCompleted \}/);
          return true;
        },
      );
    });
  }

  it('answers anything with a result or a short ExecutorError', () => {
    const results = fc.record({
      counts: fc.dictionary(fc.constantFrom('00', '01', '10', '11'), fc.maxSafeNat()),
      executionTimeMs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      shotsCompleted: fc.maxSafeNat(),
    });
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    });
    const dressed = fc.record({ counts: anything, executionTimeMs: anything, shotsCompleted: anything });
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(results, mutated(results), anything, dressed), (value) => {
        try {
          const { counts, executionTimeMs, shotsCompleted } = checkResult(value, BELL);
          for (const [key, count] of Object.entries(counts)) {
            assert.match(key, /^[01]{2}$/);
            assert.ok(Number.isSafeInteger(count) && count >= 0);
          }
          assert.ok(Number.isFinite(executionTimeMs) && executionTimeMs >= 0);
          assert.ok(Number.isSafeInteger(shotsCompleted) && shotsCompleted >= 0);
          accepted += 1;
        } catch (error) {
          assert.ok(error instanceof ExecutorError, String(error));
          assert.ok(error.message.length <= 500);
        }
      }),
      { numRuns: 4000 },
    );
    assert.ok(accepted > 500, 'the property hardly saw a good result');
  });
});
