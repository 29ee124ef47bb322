// The minutes say how the device spent its time and how long jobs took, at any rate of jobs.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AgeWatch } from '../../src/history/age.ts';
import { DeviceWatch, parseMinute, Tally } from '../../src/history/minute.ts';
import { readPeriod } from '../../src/history/read.ts';
import { Histogram } from '../../src/history/spread.ts';
import { ended, saved, testHistory } from './ended.ts';

describe('a histogram of durations', () => {
  it('has percentiles to within 5 %, and the exact maximum', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (durations) => {
          const histogram = new Histogram();
          for (const ms of durations) histogram.add(ms);
          const again = new Histogram();
          again.addNumbers(histogram.toNumbers() ?? []);
          const sorted = durations.toSorted((a, b) => a - b);
          const spread = again.spread();
          assert.ok(spread !== null);
          for (const [share, value] of [
            [0.5, spread.p50],
            [0.95, spread.p95],
            [0.99, spread.p99],
          ] as const) {
            const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
            assert.ok(Math.abs(value - exact) <= 0.05 * exact + 0.001, `${value} is not ${exact}`);
          }
          assert.ok(Math.abs(spread.max - (sorted.at(-1) ?? 0)) <= 0.001);
          assert.equal(spread.count, durations.length);
        },
      ),
    );
  });
});

describe('the minutes', () => {
  it('count each idle time once, also one that lasts over several of them', () => {
    const tally = new Tally();
    const watch = new DeviceWatch(tally);
    const now = Date.now();
    const idle = { reason: 'no jobs', text: 'there were no jobs' } as const;
    watch.look({ since: now - 60_000, busyMs: 1_000, idle: { since: now - 40_000, ...idle } });
    const first = parseMinute(tally.line(now)) ?? assert.fail();
    assert.equal(first.busyMs, 1_000);
    assert.ok(Math.abs((first.idle[0]?.ms ?? 0) - 40_000) < 1_000);
    tally.clear();
    watch.gap({ startedAt: now - 40_000, endedAt: now + 5_000, ...idle });
    watch.gap({
      startedAt: now + 5_000,
      endedAt: now + 5_000.5,
      reason: 'between runs',
      text: 'the next job was ready',
    });
    watch.look({ since: now - 60_000, busyMs: 3_500, idle: null });
    const second = parseMinute(tally.line(now)) ?? assert.fail();
    assert.equal(second.busyMs, 2_500);
    const [long, short] = second.idle;
    assert.ok(Math.abs((long?.ms ?? 0) - 5_000) < 1_000, `${long?.ms}`);
    assert.deepEqual(long?.longest, { startedAt: now - 40_000, ms: 45_000, text: 'there were no jobs' });
    assert.deepEqual([short?.reason, short?.longest?.ms], ['between runs', 0.5]);
    assert.equal(parseMinute('{"t":1,"ms":'), undefined);
    assert.equal(parseMinute('[1]'), undefined);
  });

  it('are written while they last, are complete after a restart, and add up', async (t) => {
    const { open, folder } = await testHistory(t);
    const since = Date.now() - 1_000;
    const figures = { since, busyMs: 5, idle: null };
    for (const round of [1, 2, 3]) {
      const history = open();
      history.start(() => figures);
      for (let i = 0; i < 10; i++) history.ended(ended(`job-${round}-${i}`));
      history.attempted(saved('job', { endedAt: new Date().toISOString() }), 1, { kind: 'delivered' });
      const half = await history.trend(since, 60_000);
      assert.equal(
        half.reduce((sum, { completed }) => sum + completed, 0),
        10 * round,
      );
      history.ended(ended(`more-${round}`, { outcome: { status: 'failed', error: 'x' }, startedAt: null }));
      history.deadLetter(`1795000000000-${round}`, 'no job_id');
      await history.close();
      const period = await readPeriod(folder, since, Date.now() + 1_000);
      assert.deepEqual([period.completed, period.failed, period.deadLetters], [10 * round, round, round]);
      assert.equal(period.run?.count, 10 * round);
      assert.ok(Math.abs((period.wait?.p50 ?? 0) - 8) < 1, `${period.wait?.p50}`);
      // The second look says the same as the first: it was at work for 5 ms in all.
      assert.equal(period.busyMs, 5 * round);
    }
  });
});

describe('the look for old files', () => {
  it('is due every ten minutes, but not after the clock was set', (t) => {
    let unix = 1_795_000_000_000;
    let monotonic = 1_000;
    t.mock.method(Date, 'now', () => unix);
    t.mock.method(performance, 'now', () => monotonic);
    const watch = new AgeWatch();
    const after = (minutes: number, setBy = 0): boolean => {
      monotonic += minutes * 60_000;
      unix += minutes * 60_000 + setBy;
      return watch.isDue();
    };
    const years = 20 * 365 * 86_400_000;
    assert.deepEqual([after(9), after(2), after(9)], [false, true, false]);
    assert.deepEqual([after(2, years), after(11), after(11, -years), after(11)], [false, true, false, true]);
  });
});
