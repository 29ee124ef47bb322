// The job table: where a job is, how much waits, and who is called when that changes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CheckingJob, Circuit } from '../../src/jobs/job.ts';
import { JobTable } from '../../src/jobs/job-table.ts';

const circuit: Circuit = {
  ir: {
    version: '1.0',
    target: 'cz',
    num_qubits: 1,
    gates: [],
    measurements: [0],
    metadata: { source_hash: '', compiled_at: '', compiler_version: '', optimization_level: 0 },
  },
  shots: 1,
};

function job(jobId: string): CheckingJob {
  return {
    jobId,
    callbackUrl: 'http://cloud/',
    messageIds: [`${jobId}-0`],
    bytes: 10,
    heldSince: 0,
    leaseSince: 0,
    stage: 'checking',
  };
}

describe('the job table', () => {
  /** A table with these jobs in its queue, and how often it announced something since. */
  function tableOf(...jobs: CheckingJob[]): { table: JobTable; announced: { queued: number; room: number } } {
    const table = new JobTable();
    for (const one of jobs) {
      table.add(one);
      table.enqueue(one, circuit);
    }
    const announced = { queued: 0, room: 0 };
    table.onQueued(() => (announced.queued += 1));
    table.onRoom(() => (announced.room += 1));
    return { table, announced };
  }

  it('announces a queued job once it is in the queue', () => {
    const table = new JobTable();
    const fronts: (string | undefined)[] = [];
    table.onQueued(() => fronts.push(table.front?.jobId));
    const one = job('a');
    table.add(one);
    assert.deepEqual([table.waiting, table.queued, fronts], [1, 0, []]);
    table.enqueue(one, circuit);
    assert.deepEqual([table.waiting, table.queued, fronts], [1, 1, ['a']]);
    assert.equal(table.front, one);
  });

  it('announces room when a job is released, at whatever stage it is, and only once', () => {
    const [running, queued, checking] = [job('a'), job('b'), job('c')];
    const { table, announced } = tableOf(running, queued);
    table.add(checking);
    table.dequeue(1);
    assert.deepEqual([table.size, table.waiting, table.bytes, announced.room], [3, 2, 30, 0]);
    for (const [i, one] of [running, checking, queued].entries()) {
      table.release(one);
      table.release(one);
      assert.equal(announced.room, i + 1);
    }
    assert.deepEqual([table.size, table.waiting, table.queued, table.bytes], [0, 0, 0, 0]);
    assert.equal(table.ofMessage('b-0'), undefined);
  });

  it('leaves it to the runner to announce the room of jobs that it has started', () => {
    const { table, announced } = tableOf(job('a'), job('b'));
    assert.equal(table.dequeue(2).length, 2);
    assert.equal(announced.room, 0);
    table.announceRoom();
    assert.equal(announced.room, 1);
  });

  it('puts a failed batch back in front, without the jobs that were released meanwhile, each to run alone', () => {
    const { table, announced } = tableOf(job('a'), job('b'), job('c'), job('d'));
    const batch = table.dequeue(3);
    const [, cancelled] = batch;
    assert.ok(cancelled !== undefined);
    table.release(cancelled);
    table.requeue(batch, true);
    assert.deepEqual(
      table.peek(9).map(({ jobId, runsAlone, stage }) => [jobId, runsAlone, stage]),
      [
        ['a', true, 'queued'],
        ['c', true, 'queued'],
        ['d', undefined, 'queued'],
      ],
    );
    assert.deepEqual([table.waiting, announced.queued], [3, 0]);
  });

  it('finds a job by each of its entries, and forgets them with it', () => {
    const one = job('a');
    const { table } = tableOf(one);
    table.addMessage(one, 'a-1');
    assert.equal(table.ofMessage('a-1'), one);
    table.release(one);
    assert.equal(table.ofMessage('a-0'), undefined);
    assert.equal(table.ofMessage('a-1'), undefined);
  });
});
