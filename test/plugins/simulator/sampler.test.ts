// The random streams and the discrete sampler, with fixed seeds: a result here never changes by chance.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { discreteSampler, randomStream } from '../../../plugins/simulator/sampler.ts';

it('is sfc32: the numbers of a C implementation with 32-bit unsigned words', () => {
  const random = randomStream(Number.MAX_SAFE_INTEGER, 4_000_000_000);
  assert.deepEqual(
    [random(), random(), random(), random()],
    [0.68705589684499668, 0.084991380532891125, 0.38304375168394567, 0.91677264515808632],
  );
});

it('gives every pair of seed and stream its own numbers', () => {
  const firsts = new Set<number>();
  for (const seed of [0, 1, 2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
    for (let stream = 0; stream < 50; stream++) firsts.add(randomStream(seed, stream)());
  }
  assert.equal(firsts.size, 300);
});

it('is uniform in [0, 1), also across the first numbers of neighbouring streams', () => {
  const streams = Array.from({ length: 20_000 }, (_, stream) => randomStream(7, stream)());
  const one = randomStream(7, 0);
  const single = Array.from({ length: 20_000 }, () => one());
  for (const numbers of [streams, single]) {
    const bins = new Float64Array(100);
    for (const number of numbers) bins[Math.floor(number * 100)] = bins[Math.floor(number * 100)]! + 1;
    assert.equal(bins.length, 100);
    assert.equal(
      bins.reduce((sum, count) => sum + count, 0),
      20_000,
    );
    // 99 degrees of freedom: 160 is more than four standard deviations above the mean.
    const chiSquare = bins.reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    assert.ok(chiSquare < 160, `chi-square ${chiSquare}`);
  }
});

it('draws the same as a linear search through the cumulative distribution', () => {
  // A guide table could fail for zeros and for weights over twenty orders of magnitude.
  const weight = fc.oneof(fc.constant(0), fc.double({ min: 1e-20, max: 1, noNaN: true }));
  const weights = fc
    .integer({ min: 0, max: 6 })
    .chain((bits) => fc.array(weight, { minLength: 2 ** bits, maxLength: 2 ** bits }))
    .filter((drawn) => drawn.some((each) => each > 0));
  const edge = fc.constantFrom(0, 2 ** -53, 0.5, 0.25, 1 - 2 ** -53);
  const uniform = fc.oneof(edge, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
  fc.assert(
    fc.property(weights, uniform, (drawn, u) => {
      const cumulative: number[] = [];
      drawn.forEach((each, k) => cumulative.push((cumulative[k - 1] ?? 0) + each));
      const expected = cumulative.findIndex((sum) => sum > u * cumulative.at(-1)!);
      const index = discreteSampler(Float64Array.from(drawn), () => u)();
      assert.equal(index, expected);
      assert.ok(drawn[index]! > 0, 'an outcome of weight zero was drawn');
    }),
    { numRuns: 2000 },
  );
});
