// The timeline: what it says agrees with what the device did, and it stays small at any rate.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Span } from '../../../plugins/page/api.ts';
import { Timeline } from '../../../plugins/page/timeline.ts';
import type { EndedJob, IdleGap } from '../../../src/index.ts';

const START = 1_800_000_000_000;

function gap(startedAt: number, endedAt: number, reason: IdleGap['reason'] = 'between runs'): IdleGap {
  return { startedAt, endedAt, reason, text: `because: ${reason}` };
}

function ended(startedAt: number | null, endedAt: number, jobId: string, status = 'completed'): EndedJob {
  return { jobId, startedAt, endedAt, outcome: { status } } as EndedJob;
}

/** Plays runs that follow one another, each with the gap before it. The end of a run is told when the next one has begun. */
function play(
  timeline: Timeline,
  runs: readonly { readonly idleMs: number; readonly runMs: number }[],
): { readonly now: number; readonly busyMs: number } {
  let now = START;
  let busyMs = 0;
  let last: EndedJob | undefined;
  for (const [i, { idleMs, runMs }] of runs.entries()) {
    timeline.gap(gap(now, now + idleMs, idleMs > 5 ? 'no jobs' : 'between runs'));
    if (last !== undefined) timeline.ended(last);
    now += idleMs;
    last = ended(now, now + runMs, `job-${i}`);
    now += runMs;
    busyMs += runMs;
  }
  if (last !== undefined) timeline.ended(last);
  return { now, busyMs };
}

function busyMsOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to, busy }) => sum + (to - from) * busy, 0);
}

describe('the timeline', () => {
  it('has every job once and all the time that the device was at work, in order', () => {
    const run = fc.record({
      idleMs: fc.double({ min: 0, max: 300, noNaN: true }),
      runMs: fc.double({ min: 0.01, max: 300, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 150 }), (runs) => {
        const timeline = new Timeline();
        const { now, busyMs } = play(timeline, runs);
        const spans = timeline.spans(now);
        for (const [i, span] of spans.entries()) {
          assert.ok(span.from <= span.to && span.busy >= 0 && span.busy <= 1);
          assert.ok(span.from >= (spans[i - 1]?.to ?? 0) - 0.2, `${i} overlaps the one before`);
        }
        assert.equal(
          spans.reduce((sum, { jobs }) => sum + jobs, 0),
          runs.length,
        );
        // Shares and times are rounded.
        assert.ok(Math.abs(busyMsOf(spans) - busyMs) <= 0.2 * spans.length + busyMs / 500 + 0.1);
        for (const { jobs, jobId } of spans) assert.equal(jobId !== null, jobs === 1);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what the events say equal to what it says itself', () => {
    const timeline = new Timeline();
    const seen = new Map<number, Span>();
    let change = 0;
    let now = START;
    for (let i = 0; i < 2_000; i += 1) {
      timeline.gap(gap(now, now + 0.5));
      if (i > 0) timeline.ended(ended(now - 5, now, `job-${i}`));
      now += 5.5;
      if (i % 7 !== 0) continue;
      for (const span of timeline.spans(now, change)) seen.set(span.from, span);
      change = timeline.change;
    }
    for (const span of timeline.spans(now, change)) seen.set(span.from, span);
    assert.deepEqual([...seen.values()], timeline.spans(now));
  });

  it('shows a long run and a long gap each as they were, with the reason', () => {
    const timeline = new Timeline();
    timeline.gap(gap(START, START + 4_000, 'no jobs'));
    timeline.ended(ended(START + 4_000, START + 6_000, 'a', 'failed'));
    timeline.gap(gap(START + 6_000, START + 9_000, 'redis'));
    timeline.ended(ended(null, START + 9_000, 'without a run', 'failed'));
    assert.deepEqual(timeline.spans(START + 9_000), [
      {
        ...{ from: START, to: START + 4_000, busy: 0, jobs: 0, failed: 0, jobId: null },
        ...{ reason: 'no jobs', text: 'because: no jobs' },
      },
      {
        ...{ from: START + 4_000, to: START + 6_000, busy: 1, jobs: 1, failed: 1, jobId: 'a' },
        ...{ reason: null, text: null },
      },
      {
        ...{ from: START + 6_000, to: START + 9_000, busy: 0, jobs: 0, failed: 0, jobId: null },
        ...{ reason: 'redis', text: 'because: redis' },
      },
    ]);
    assert.deepEqual(timeline.lastMinute(START + 10_000, true), { busyMs: 3_000, jobs: 1 });
  });

  it('has few spans of 100,000 jobs, and forgets what is older than ten minutes', () => {
    const timeline = new Timeline();
    const { now } = play(
      timeline,
      Array.from({ length: 100_000 }, () => ({ idleMs: 1, runMs: 9 })),
    );
    const spans = timeline.spans(now);
    assert.ok(spans.length > 500 && spans.length < 2_500, String(spans.length));
    const [first] = spans;
    assert.ok(first !== undefined && first.to > now - 600_000 && first.from < now - 590_000);
    const jobs = spans.reduce((sum, span) => sum + span.jobs, 0);
    assert.ok(jobs >= 59_900 && jobs <= 60_300, String(jobs));
    assert.ok(Math.abs(timeline.lastMinute(now, false).jobs - 6_000) < 50);
  });

  it('begins once more if the clock is set back', () => {
    const timeline = new Timeline();
    timeline.gap(gap(START, START + 1_000, 'no jobs'));
    const before = START - 3_600_000;
    timeline.gap(gap(before, before + 1_000, 'closed'));
    assert.deepEqual(
      timeline.spans(before + 1_000).map(({ from, reason }) => [from, reason]),
      [[before, 'closed']],
    );
  });
});
