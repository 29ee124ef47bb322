import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import plugin from 'coda-plugin-job-log';
import { testPlugin } from 'coda-node/testing';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-log-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const linesOf = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the job log', () => {
  it('has a line for each thing that happens to a job', async () => {
    const file = join(folder, 'new', 'jobs.jsonl');
    await testPlugin(plugin, {
      options: { file },
      jobs: [
        { result: { counts: { '00': 3, '11': 1 }, memory: ['00', '00', '11', '00'] }, answers: [503, 200] },
        { fails: 'the laser is off' },
        { answers: [422] },
        { cancel: 'queued' },
        { ir: 'no circuit' },
      ],
    });
    const lines = await linesOf(file);
    const seen = (jobId: string): unknown[] => lines.filter((line) => line['jobId'] === jobId);
    const [ran, delivered] = seen('job-1') as Record<string, unknown>[];
    assert.ok(Date.parse(String(ran?.['at'])) > 0);
    assert.deepEqual(
      { ...ran, at: '' },
      {
        at: '',
        event: 'ran',
        jobId: 'job-1',
        shots: 4,
        status: 'completed',
        counts: { '00': 3, '11': 1 },
        executionTimeMs: 1,
        shotsCompleted: 4,
        annotations: {},
      },
    );
    assert.deepEqual(
      { ...delivered, at: '' },
      {
        at: '',
        event: 'delivered',
        jobId: 'job-1',
        status: 'completed',
        attempt: 2,
      },
    );
    const eventsOf = (jobId: string): unknown[] =>
      seen(jobId).map((line) => (line as { event: string }).event);
    assert.deepEqual(eventsOf('job-2'), ['ran', 'delivered']);
    assert.deepEqual(eventsOf('job-3'), ['ran', 'refused']);
    assert.deepEqual(eventsOf('job-4'), ['cancelled']);
    assert.deepEqual(eventsOf('job-5'), ['delivered']);
  });

  it('is rotated, and loses no line but the oldest', async () => {
    const own = join(folder, 'rotated');
    const file = join(own, 'jobs.jsonl');
    await testPlugin(plugin, {
      options: { file, maxMb: 300 / 1024 / 1024, keep: 2, counts: false },
      jobs: Array.from({ length: 12 }, () => ({})),
    });
    assert.deepEqual((await readdir(own)).toSorted(), ['jobs.jsonl', 'jobs.jsonl.1', 'jobs.jsonl.2']);
    const lines = (await Promise.all(['.2', '.1', ''].map((end) => linesOf(`${file}${end}`)))).flat();
    const times = lines.map((line) => String(line['at']));
    assert.deepEqual(times, times.toSorted());
    assert.equal(lines.at(-1)?.['event'], 'delivered');
    assert.equal(lines[0]?.['counts'], undefined);
  });

  it('that cannot be written is named in the log of the node, and harms no job', async () => {
    const file = join(folder, 'a-folder');
    await mkdir(file);
    const { jobs, log } = await testPlugin(plugin, { options: { file } });
    assert.equal(jobs[0]?.ending, 'completed');
    assert.ok(log.some((line) => line.includes("plugin 'job-log' failed in afterRun: EISDIR")));
  });

  it('names an option that is wrong', async () => {
    await assert.rejects(
      testPlugin(plugin, { options: { maxMb: 0 } }),
      /maxMb in the test .* is 0, but must be a number, more than 0/,
    );
  });
});
