// Random schedules: the same in each run of the tests, so that one that fails says what has changed. `npm run test:schedules`
// plays other ones each time.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { playMany } from './many.ts';

const RUNS = 100_000;
const SEED = 20_261_128;
/** Another number would play others. */
const PROCESSES = 2;
/** On a machine that is busy it plays fewer. */
const MOST_SECONDS = 200;

it('keeps every promise in random schedules of steps and troubles', async (t) => {
  const { runs, seen, failures } = await playMany(RUNS, SEED, {
    mostSeconds: MOST_SECONDS,
    processes: PROCESSES,
  });
  t.diagnostic(`${runs} schedules, --seed ${SEED}`);
  assert.deepEqual(failures, []);
  for (const [what, jobs] of Object.entries(seen)) assert.ok(jobs > 0, `no job was ${what}`);
});
