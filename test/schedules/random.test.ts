// Random schedules, other ones in each run of the tests.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { playMany } from './many.ts';

const RUNS = 100_000;
/** On a machine that is busy it plays fewer. */
const MOST_SECONDS = 200;

it('keeps every promise in random schedules of steps and troubles', async (t) => {
  const seed = Math.trunc(Math.random() * 1_000_000);
  const { runs, seen, failures } = await playMany(RUNS, seed, MOST_SECONDS);
  t.diagnostic(`${runs} schedules, --seed ${seed}`);
  assert.deepEqual(failures, []);
  for (const [what, jobs] of Object.entries(seen)) assert.ok(jobs > 0, `no job was ${what}`);
});
