// The memory of the jobs that were done last: it knows the newest, and does not grow without end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ending } from '../../src/jobs/job.ts';
import { RecentlyDone } from '../../src/outbox/recently-done.ts';

function ending(number: number, messageIds = [`${number}-0`]): Ending {
  return { jobId: `job-${number}`, messageIds, endedAt: '', outcome: { status: 'completed' } };
}

describe('a recently done job', () => {
  it('is found by any of its entries, and only together with its job', () => {
    const done = new RecentlyDone();
    done.add(ending(1, ['1-0', '1-1']));
    assert.equal(done.find('job-1', '1-1')?.jobId, 'job-1');
    assert.equal(done.find('job-1', '2-0'), undefined);
    assert.equal(done.find('job-2', '1-0'), undefined);
  });

  it('is one of the last 5,000 at least, and 10,000 at most', () => {
    const done = new RecentlyDone();
    const count = 27_300;
    for (let i = 0; i < count; i++) done.add(ending(i));
    const known = Array.from({ length: count }, (_, i) => i).filter((i) => done.find(`job-${i}`, `${i}-0`));
    assert.ok(known.length >= 5_000 && known.length <= 10_000, `${known.length} are known`);
    assert.deepEqual(
      known,
      Array.from({ length: known.length }, (_, i) => count - known.length + i),
    );
  });
});
