// Counts as bars: aligned, longest first, and never more than fits on a screen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { histogram } from '../../../src/cli/terminal/histogram.ts';
import { paint } from '../../../src/cli/terminal/output.ts';
import { memoryOutput } from './memory-output.ts';

const plain = memoryOutput();

test('a Bell pair', () => {
  assert.deepEqual(histogram({ '11': 250, '00': 750 }, plain), [
    '00  ████████████████████████  750   75.0 %',
    '11  ████████                  250   25.0 %',
  ]);
});

test('shows the eight most frequent outcomes, and the rest as one', () => {
  const counts = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [index.toString(2).padStart(4, '0'), 100 - index]),
  );
  const lines = histogram(counts, plain);
  assert.equal(lines.length, 9);
  assert.match(lines[0] ?? '', /^0000   +█{24}  100   10\.5 %$/);
  assert.match(lines[8] ?? '', /^2 more +183   19\.2 %$/);
});

test('the smallest count still shows, nothing shows as nothing', () => {
  const [, rare, never] = histogram({ '0': 100_000, '1': 1, '2': 0 }, plain);
  assert.match(rare ?? '', /^1  ▏ +1    0\.0 %$/);
  assert.match(never ?? '', /^2   +0    0\.0 %$/);
});

test('no counts, no measurements, all zeros', () => {
  assert.deepEqual(histogram({}, plain), ['no counts']);
  assert.match(histogram({ '': 7 }, plain)[0] ?? '', /^\(nothing measured\)  █{24}  7  100\.0 %$/);
  assert.match(histogram({ '0': 0 }, plain)[0] ?? '', /^0   +0    0\.0 %$/);
});

test('uses colours only if they are wanted', () => {
  const [line] = histogram({ '0': 1 }, { ...plain, colour: true });
  assert.equal(line, `0  ${paint({ ...plain, colour: true }, 'cyan', '█'.repeat(24))}  1  100.0 %`);
  assert.notEqual(line, histogram({ '0': 1 }, plain)[0]);
});

test('any counts: all lines equally wide, all counts accounted for', () => {
  const counts = fc.dictionary(fc.stringMatching(/^[01]{5}$/), fc.nat(1_000_000), { minKeys: 1 });
  fc.assert(
    fc.property(counts, (given) => {
      const lines = histogram(given, plain);
      assert.equal(new Set(lines.map((line) => line.length)).size, 1);
      const shown = lines.map((line) => Number(/(\d+) +[\d.]+ %$/.exec(line)?.[1]));
      const total = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
      assert.equal(total(shown), total(Object.values(given)));
    }),
  );
});
