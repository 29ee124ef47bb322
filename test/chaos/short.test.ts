// The chaos suite in its short form: the same scenarios, small enough for every run of the tests.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SCENARIOS } from './scenarios/index.ts';

const SEED = 1;

// They mostly wait: for restarts, for leases, for dead connections to be noticed.
describe('under chaos, with seed 1', { concurrency: 3 }, () => {
  for (const scenario of SCENARIOS) {
    it(`${scenario.name}: ${scenario.promise}`, async (t) => {
      const { broken, skipped } = await scenario.run(SEED, 'short');
      assert.deepEqual(broken, []);
      if (skipped !== undefined) t.skip(skipped);
    });
  }
});
