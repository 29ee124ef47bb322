// The arithmetic of the soak: known values, how often its intervals are right, and its verdicts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFrom } from '../../chaos/random.ts';
import { series, slopeOf, verdictOf, type Point } from './slope.ts';

const SERIES = [10, 12, 11, 15, 14, 18, 17, 16, 21, 20, 24, 22];

function inOneGroup(values: readonly number[]): Point[] {
  return values.map((y, x) => ({ x, y, group: 0 }));
}

/** Four days of 24 hours that grow by `slope` an hour, with a course of the day and neighbours that are alike. */
function days(seed: number, likeness: number, slope: number): Point[] {
  const noise = series(96, likeness, randomFrom(seed));
  return noise.map((rest, x) => ({ x, y: slope * x + 50 * Math.sin((x % 24) / 4) + rest, group: x % 24 }));
}

describe('the slope of samples', () => {
  // From statsmodels 0.14: OLS(y, x).fit(cov_type='HAC', cov_kwds={'maxlags': n, 'use_correction': True}).
  for (const [memory, error] of [
    [0, 0.11042900588802976],
    [1, 0.059919477237826244],
    [3, 0.04696662674190543],
  ] as const) {
    it(`has the error of Newey and West for a memory of ${memory}`, () => {
      const found = slopeOf(inOneGroup(SERIES), memory);
      assert.ok(found !== undefined);
      assert.ok(Math.abs(found.slope - 1.181818181818182) < 1e-12, String(found.slope));
      assert.ok(Math.abs(found.error - error) < 1e-12, String(found.error));
    });
  }

  for (const likeness of [0, 0.9]) {
    it(`is in its interval about as often as it says, with a likeness of ${likeness}`, () => {
      const [runs, slope] = [30, 0.05];
      const right = Array.from({ length: runs }, (_, seed) =>
        slopeOf(days(1_000 + seed, likeness, slope), 24),
      );
      const share = right.filter((one) => one !== undefined && one.low <= slope && slope <= one.high).length;
      assert.ok(share / runs >= 0.9, `${share} of ${runs}`);
    });
  }

  it('does not take the hours of a day for growth', () => {
    // A day and a half more of noon than of midnight: a plain line would rise.
    const points = Array.from({ length: 60 }, (_, x) => ({ x, y: 100 * (x % 24), group: x % 24 }));
    const found = slopeOf(points, 24);
    assert.ok(found !== undefined && Math.abs(found.slope) < 1e-9, String(found?.slope));
  });

  it('is not told from too few points, or from one moment', () => {
    assert.equal(slopeOf(inOneGroup(SERIES.slice(0, 7)), 1), undefined);
    assert.equal(
      slopeOf(
        Array.from({ length: 12 }, (_, y) => ({ x: 3, y, group: 0 })),
        1,
      ),
      undefined,
    );
  });

  it('gives one of three verdicts', () => {
    const flat = slopeOf(days(1, 0.5, 0), 24);
    const rising = slopeOf(days(1, 0.5, 0.5), 24);
    assert.equal(verdictOf(flat, 0.1), 'does not grow');
    assert.equal(verdictOf(rising, 0.1), 'grows');
    assert.equal(verdictOf(rising, 0.5), 'cannot be told');
    assert.equal(verdictOf(undefined, 1), 'cannot be told');
  });
});
