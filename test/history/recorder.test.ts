// What is recorded is read again as it was, and found, also if the clock was wrong.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { HistoryEntry } from '../../src/history/history.ts';
import { findJob, idsBeginning, listJobs, readPeriod } from '../../src/history/read.ts';
import { createLogger } from '../../src/log.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { ended, saved, testHistory } from './ended.ts';

const RETRY = { kind: 'retry', reason: 'answered 503', sent: false } as const;
const DELIVERED = { kind: 'delivered' } as const;

describe('the history', () => {
  it('gives a job back as it was: times, circuit, counts, error, and what came later', async (t) => {
    const history = (await testHistory(t)).open();
    const at = 1_795_000_000_000.25;
    const job = ended('job-"1"\u{1F4A7}', { endedAt: at, annotations: { calibration: 'c-1' } });
    history.ended(job);
    const error = new Error('too warm');
    const failure = {
      outcome: { status: 'failed', error: 'too warm' },
      where: 'in the executor',
      thrown: error,
    } as const;
    history.ended(ended('job-2', { endedAt: at, ...failure, startedAt: null, circuit: null, job: null }));
    history.ended(
      ended('job-3', { endedAt: at, outcome: { status: 'cancelled' }, startedAt: null, queuedAt: null }),
    );
    history.ended(ended('job-4', { endedAt: at, origin: 'local' }));
    history.ended(ended('job-5'));
    history.attempted(saved(job.jobId), 1, RETRY);
    history.attempted(saved(job.jobId, { annotations: { calibration: 'c-2' } }), 2, DELIVERED);
    history.attempted(saved('job-2'), 1, { kind: 'refused', reason: 'answered 410' });
    history.cancelled('job-5');
    history.deadLetter('1795000000000-7', 'no job_id');

    const [letter, five, four, three, two, one] = await history.recent(10);
    const { delivery, place, ...facts } = one ?? assert.fail();
    assert.deepEqual(facts, {
      ...{ jobId: job.jobId, origin: 'cloud', outcome: 'completed', error: null, where: null, stack: null },
      ...{
        sentAt: at - 18.25,
        takenAt: at - 13.25,
        queuedAt: at - 12.25,
        startedAt: at - 10.25,
        endedAt: at - 0.25,
      },
      ...{
        circuit: job.circuit,
        bytes: 500,
        executionTimeMs: 1.5,
        shotsCompleted: 100,
        executor: './qpu.ts',
      },
      annotations: { calibration: 'c-2' },
      ir: { num_qubits: 2, gates: job.job?.ir.gates, measurements: [0, 1] },
      counts: { '00': 60, '11': 40 },
    });
    assert.equal(delivery.state, 'delivered');
    assert.deepEqual(
      delivery.attempts.map(({ number, kind, reason }) => [number, kind, reason]),
      [
        [1, 'retry', 'answered 503'],
        [2, 'delivered', null],
      ],
    );
    assert.match(place, /^1\.\d+$/);
    assert.deepEqual(
      [two?.error, two?.where, two?.stack, two?.ir],
      ['too warm', 'in the executor', error.stack, null],
    );
    assert.deepEqual([two?.startedAt, two?.delivery.state], [null, 'refused']);
    assert.deepEqual([three?.outcome, three?.queuedAt, three?.delivery.state], ['cancelled', null, 'none']);
    assert.equal(three?.takenAt, at - 13.25);
    assert.deepEqual([four?.origin, four?.delivery.state], ['local', 'none']);
    assert.equal(five?.delivery.state, 'cancelled');
    assert.deepEqual(
      [letter?.outcome, letter?.jobId, letter?.error],
      ['dead-letter', '1795000000000-7', 'no job_id'],
    );
    assert.equal((await history.find(job.jobId))?.place, place);
    assert.equal(await history.find('job'), undefined);
  });

  it('lists by time, outcome and text, in pages, and tells what is new', async (t) => {
    const history = (await testHistory(t)).open();
    const heard: HistoryEntry[] = [];
    const end = history.onRecord((entry) => heard.push(entry));
    for (let i = 0; i < 20; i++) {
      const isFailed = i % 5 === 0;
      const outcome = isFailed ? ({ status: 'failed', error: `Trap ${i}` } as const) : undefined;
      history.ended(ended(`job-${i}`, { endedAt: 1_000_000 + i, ...(outcome && { outcome }) }));
    }
    history.attempted(saved('job-3'), 1, DELIVERED);
    end();
    history.ended(ended('last', { endedAt: 2_000_000 }));
    assert.equal(heard.length, 21);
    assert.deepEqual(heard.at(-1)?.kind, 'attempt');
    const ids = async (query: Parameters<typeof history.list>[0]): Promise<string[]> =>
      (await history.list(query)).jobs.map(({ jobId }) => jobId);
    assert.deepEqual(await ids({ outcome: 'failed' }), ['job-15', 'job-10', 'job-5', 'job-0']);
    assert.deepEqual(await ids({ search: 'tRAP 1' }), ['job-15', 'job-10']);
    assert.deepEqual(await ids({ search: 'JOB-19' }), ['job-19']);
    assert.deepEqual(await ids({ since: 1_000_005, until: 1_000_008 }), ['job-7', 'job-6', 'job-5']);
    const pages: string[] = [];
    for (let before: string | undefined; ;) {
      const { jobs, more } = await history.list({ limit: 8, ...(before !== undefined && { before }) });
      pages.push(...jobs.map(({ jobId }) => jobId));
      before = jobs.at(-1)?.place;
      if (jobs.some(({ jobId }) => jobId === 'job-3'))
        assert.equal(jobs.find(({ jobId }) => jobId === 'job-3')?.delivery.state, 'delivered');
      if (!more) break;
    }
    assert.deepEqual(pages, ['last', ...Array.from({ length: 20 }, (_, i) => `job-${19 - i}`)]);
    assert.deepEqual(await ids({ before: 'nonsense' }), []);
  });

  it('keeps circuit, counts and stack of fifty jobs a second, none that is large, and no secret', async (t) => {
    const log = createLogger({ write: () => {} });
    log.mask('hunter2-secret');
    const history = (await testHistory(t)).open({ limits: { gates: 8, counts: 2 }, log });
    const endedAt = 5_000_000;
    const large = { circuit: { shots: 1, qubits: 2, gates: 9, measurements: 0 } };
    const counts = { '00': 1, '01': 1, '11': 1 };
    history.ended(
      ended('large', {
        ...large,
        endedAt,
        outcome: { status: 'completed', counts, executionTimeMs: 1, shotsCompleted: 3 },
      }),
    );
    const text = `no hunter2-secret ${'x'.repeat(10_000)}`;
    history.ended(
      ended('failed', { endedAt, outcome: { status: 'failed', error: text }, thrown: new Error(text) }),
    );
    for (let i = 0; i < 60; i++)
      history.ended(
        ended(`small-${i}`, { ...{ circuit: { shots: 1, qubits: 2, gates: 1, measurements: 0 } }, endedAt }),
      );
    history.ended(
      ended('next', {
        ...{ circuit: { shots: 1, qubits: 2, gates: 1, measurements: 0 } },
        endedAt: endedAt + 1000,
      }),
    );
    history.ended(
      ended('set-back', {
        ...{ circuit: { shots: 1, qubits: 2, gates: 1, measurements: 0 } },
        endedAt: 1000,
      }),
    );
    const jobs = new Map((await history.recent(100)).map((job) => [job.jobId, job]));
    assert.deepEqual([jobs.get('large')?.ir, jobs.get('large')?.counts], [null, null]);
    const failed = jobs.get('failed');
    assert.match(failed?.error ?? '', /^no \*\*\* x{400,}…$/);
    assert.ok((failed?.stack?.length ?? 0) <= 4_000 && !failed?.stack?.includes('hunter2'));
    const kept = [...jobs.values()].filter(({ ir }) => ir !== null).map(({ jobId }) => jobId);
    assert.equal(kept.length, 48 + 2);
    assert.deepEqual(kept.slice(0, 3), ['set-back', 'next', 'small-47']);
  });

  it('has one record of a job that an earlier process ran, however it is delivered', async (t) => {
    const { open } = await testHistory(t);
    const first = open();
    first.ended(ended('recorded'));
    await first.close();
    const second = open();
    const before = { endedAt: new Date(Date.now() - 60_000).toISOString() };
    second.attempted(saved('recorded', before), 1, RETRY);
    second.attempted(saved('not recorded', before), 1, RETRY);
    second.attempted(saved('recorded', before), 2, DELIVERED);
    second.attempted(saved('not recorded', before), 2, DELIVERED);
    // The clock is set back by an hour.
    const late = new Date(Date.now() - 3_600_000);
    second.ended(ended('set back', { endedAt: late.getTime() + 0.5 }));
    second.attempted(saved('set back', { endedAt: late.toISOString() }), 1, DELIVERED);
    await second.close();
    const jobs = await open().recent(10);
    assert.deepEqual(
      jobs.map(({ jobId, bytes, delivery }) => [jobId, bytes, delivery.attempts.length, delivery.state]),
      [
        ['not recorded', null, 2, 'delivered'],
        ['set back', 500, 1, 'delivered'],
        ['recorded', 500, 2, 'delivered'],
      ],
    );
  });

  it('finds old jobs although the clock was wrong for a while', async (t) => {
    const history = (await testHistory(t)).open();
    const now = Date.now();
    history.ended(ended('before', { endedAt: now - 2_000 }));
    history.ended(ended('in 1970', { endedAt: 1_000 }));
    history.ended(ended('in 2100', { endedAt: 4_102_444_800_000 }));
    history.ended(ended('after', { endedAt: now - 1_000 }));
    const { jobs } = await history.list({ since: now - 3_600_000, until: now });
    assert.deepEqual(
      jobs.map(({ jobId }) => jobId),
      ['after', 'before'],
    );
  });

  it('reads the last of many jobs, and finds one among all of them', async (t) => {
    const { open, folder } = await testHistory(t);
    const history = open();
    for (let i = 0; i < 20_000; i++) {
      history.ended(ended(`job-${i}`));
      history.attempted(saved(`job-${i}`), 1, DELIVERED);
      if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // One question at a time, however many ask.
    const answered: string[] = [];
    await Promise.all([
      history.list({ search: 'in none of them' }).then(() => answered.push('the long one')),
      history.list({ limit: 1 }).then(() => answered.push('the short one')),
    ]);
    assert.deepEqual(answered, ['the long one', 'the short one']);
    await history.close();
    const size = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    assert.ok(size < 6 * 1024 * 1024, `${size} bytes`);
    const { jobs, more } = await listJobs(folder, { limit: 20 });
    assert.deepEqual(
      [jobs.length, more, jobs[0]?.jobId, jobs[0]?.delivery.state],
      [20, true, 'job-19999', 'delivered'],
    );
    assert.equal((await listJobs(folder, { search: 'job-12345' })).jobs.length, 1);
    assert.equal((await findJob(folder, 'job-12345'))?.delivery.state, 'delivered');
    assert.equal(await findJob(folder, 'job-'), undefined);
    assert.equal((await idsBeginning(folder, 'job-')).size, 20_000);
    assert.deepEqual([...(await idsBeginning(folder, 'job-1998'))].toSorted(), [
      'job-1998',
      ...Array.from({ length: 10 }, (_, i) => `job-1998${i}`),
    ]);
  });

  it('finds jobs with odd ids, whole or by their begin', async (t) => {
    const { open, folder } = await testHistory(t);
    const history = open();
    const ids = ['odd"id', 'odd",id', 'odd\\id', 'odd\u{1F4A7}id', 'odd', 'odd-1'];
    for (const id of ids) {
      history.ended(ended(id));
      history.attempted(saved(id), 1, DELIVERED);
    }
    for (const id of ids) {
      const found = await history.find(id);
      assert.deepEqual([found?.jobId, found?.delivery.state], [id, 'delivered']);
      assert.ok((await idsBeginning(folder, Array.from(id).slice(0, 4).join(''))).has(id), id);
    }
    assert.deepEqual([...(await idsBeginning(folder, 'odd'))].toSorted(), ids.toSorted());
    assert.equal(await history.find('od'), undefined);
    assert.equal((await idsBeginning(folder, 'dd')).size, 0);
  });

  it('soon says that the node runs, also if nothing happens', async (t) => {
    const { open, folder } = await testHistory(t);
    const since = Date.now() - 60_000;
    open().start(() => ({ since: Date.now(), busyMs: 0, idle: null }));
    await waitUntil(
      'the first minute',
      async () => (await readPeriod(folder, since, Infinity)).coveredMs > 0,
    );
  });
});
