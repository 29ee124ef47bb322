// After the death of a node, the next start knows which jobs had begun.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RunMarker } from '../../src/device/run-marker.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe('the marks of what runs', () => {
  /** A node that starts, after the one before has died or ended. */
  const starter = async (t: TestContext, maxDeliveries = 3): Promise<() => RunMarker> => {
    const folder = await temporaryFolder(t);
    return () => {
      const marker = new RunMarker(folder, maxDeliveries);
      t.after(() => marker.close());
      return marker;
    };
  };
  const IDS = ['1-0', '1-1', '2-0', '3-0', '4-0', '5-0', '6-0'];
  const found = (marker: RunMarker): string[] => IDS.filter((id) => marker.startsBefore(id) > 0);

  it('name the jobs that have begun', async (t) => {
    const start = await starter(t);
    const first = start();
    assert.deepEqual(found(first), []);
    first.begin(['1-0', '1-1']);
    assert.deepEqual(found(start()), ['1-0', '1-1']);
  });

  it('name a job that has begun after being marked ahead, also together with others', async (t) => {
    const start = await starter(t);
    const first = start();
    first.begin(['1-0']);
    first.next(['2-0'], 1);
    first.end('1-0');
    first.begin(['2-0']);
    first.next(['3-0', '4-0'], 2);
    first.end('2-0');
    first.begin(['3-0', '5-0']);
    assert.deepEqual(found(start()), ['3-0', '5-0']);
  });

  it('name the next job with the one that runs, but after a death only jobs that really start', async (t) => {
    const start = await starter(t);
    const first = start();
    first.begin(['1-0']);
    first.next(['2-0'], 1);
    const second = start();
    assert.deepEqual(found(second), ['1-0', '2-0']);
    second.begin(['1-0']);
    second.next(['2-0', '3-0'], 1);
    const third = start();
    assert.deepEqual(found(third), ['1-0', '2-0']);
    assert.deepEqual([third.startsBefore('1-0'), third.startsBefore('2-0')], [2, 1]);
    third.forget('1-0');
    third.begin(['2-0']);
    third.forget('2-0');
    third.close();
    const fourth = start();
    assert.deepEqual(found(fourth), []);
    fourth.begin(['3-0']);
    fourth.next(['4-0'], 1);
    assert.deepEqual(found(start()), ['3-0', '4-0']);
  });

  it('count the deaths of an executor as starts, also for the next node, until the job has its outcome', async (t) => {
    const start = await starter(t);
    const first = start();
    assert.equal(first.isWary, false);
    first.begin(['1-0']);
    assert.equal(first.died('1-0'), 1);
    assert.equal(first.isWary, true);
    first.begin(['1-0']);
    assert.equal(first.died('1-0'), 2);
    assert.equal(start().startsBefore('1-0'), 2);
    first.begin(['1-0']);
    const second = start();
    assert.equal(second.startsBefore('1-0'), 3);
    second.forget('1-0');
    assert.equal(second.startsBefore('1-0'), 0);
  });

  it('count the starts of a job over deaths before its turn, other starts, and a clean end', async (t) => {
    const start = await starter(t);
    start().begin(['1-0']);
    // It dies before it comes to the job.
    assert.equal(start().startsBefore('1-0'), 1);
    const second = start();
    second.begin(['2-0']);
    second.end('2-0');
    second.begin(['1-0']);
    const third = start();
    assert.deepEqual([third.startsBefore('1-0'), third.startsBefore('2-0')], [2, 0]);
    third.begin(['1-0']);
    // Given up on purpose: not blamed for that, and not acquitted.
    third.close();
    const fourth = start();
    assert.equal(fourth.startsBefore('1-0'), 2);
    fourth.keepPending(new Set(['3-0']));
    fourth.begin(['3-0']);
    assert.deepEqual(found(start()), ['3-0']);
  });

  it('take the starts at another node into account', async (t) => {
    const start = await starter(t);
    const first = start();
    first.startedElsewhere('1-0', 2);
    first.begin(['1-0']);
    assert.equal(start().startsBefore('1-0'), 3);
  });

  it('are written again only if the next jobs are not marked yet', async (t) => {
    const start = await starter(t);
    const first = start();
    first.begin(['1-0']);
    first.next(['2-0', '3-0', '4-0'], 1);
    first.begin(['2-0']);
    first.next(['3-0', '4-0', '5-0'], 1);
    assert.deepEqual(found(start()), ['1-0', '2-0', '3-0', '4-0'], 'not written again');
    const again = start();
    for (const id of IDS) again.forget(id);
    again.close();
    const second = start();
    second.begin(['1-0']);
    second.next(['2-0', '3-0'], 1);
    second.next(['3-0', '4-0', '5-0', '6-0'], 2);
    assert.deepEqual(found(start()), ['1-0', '3-0', '4-0', '5-0', '6-0'], 'a batch is there as a whole');
  });

  it('never name the next job if one death is enough to give a job up', async (t) => {
    const start = await starter(t, 1);
    const first = start();
    first.begin(['1-0']);
    first.next(['2-0'], 1);
    assert.deepEqual(found(start()), ['1-0']);
  });

  it('leave nothing of a longer text behind', async (t) => {
    const start = await starter(t);
    const first = start();
    const many = Array.from({ length: 50 }, (_, i) => `1700000000000-${i}`);
    first.begin(many);
    for (const messageId of many) first.end(messageId);
    first.begin(['2-0']);
    assert.deepEqual(found(start()), ['2-0']);
  });
});
