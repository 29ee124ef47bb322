// `coda jobs` and `coda stats` tell what a real node has recorded: while it runs, after it was killed, and after it was
// started again.
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { listJobs } from '../../../src/history/read.ts';
import type { JobRecord } from '../../../src/history/record.ts';
import { historyDirectory, nodeFolder } from '../../../src/state/layout.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import type { CodaProcess } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

/** Fails with 13 shots; a plugin notes something on each job after its run. */
const CONFIG = `
import { defineConfig, type Executor } from 'coda-node';

const executor: Executor = {
  async run(ir, shots) {
    if (shots === 13) throw new Error('the trap is warm', { cause: new Error('the pump has stopped') });
    return { counts: { '00': shots - 1, '11': 1 }, executionTimeMs: 1.5, shotsCompleted: shots };
  },
};
const notes = {
  name: 'notes',
  apply(node) {
    node.hooks.afterRun.tapPromise('notes', async (job) => job.annotate('calibration', 'c-17'));
  },
};
export default defineConfig({ executor: () => executor, plugins: [notes] });
`;
const ENV = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.2' };

interface Shown {
  readonly job_id: string;
  readonly outcome: string;
}

afterEach(() => cloud.heal());
after(() => assert.deepEqual(cloud.violations, []));

const folder = (): string => historyDirectory(nodeFolder(bench.stateDir));

async function startNode(): Promise<CodaProcess> {
  writeFileSync(join(bench.folder, 'coda.config.ts'), CONFIG);
  const isFirst = !readdirSync(bench.folder).includes('state');
  const node = bench.spawn(['start', ...(isFirst ? ['--token', cloud.issueToken()] : [])], ENV);
  await node.says('serving QPU');
  return node;
}

async function submit(jobId: string, shots = 100): Promise<void> {
  await cloud.submit({ ir: bell('cz').ir, shots, jobId });
}

/** Resolves with the record once the history says so. */
async function recorded(
  jobId: string,
  isRight: (job: JobRecord) => boolean = () => true,
): Promise<JobRecord> {
  let found: JobRecord | undefined;
  await waitUntil(`the record of ${jobId}`, async () => {
    found = (await listJobs(folder(), { search: jobId })).jobs.find((job) => job.jobId === jobId);
    return found !== undefined && isRight(found);
  });
  assert.ok(found);
  return found;
}

const isDelivered = ({ delivery }: JobRecord): boolean => delivery.state === 'delivered';

async function listed(...args: string[]): Promise<Shown[]> {
  const output = await bench.ends(0, ['jobs', '--json', ...args]);
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Shown);
}

const idsOf = (jobs: readonly Shown[]): string[] => jobs.map(({ job_id }) => job_id);

describe('coda jobs', () => {
  it('shows each job with its times, error, circuit, counts and deliveries, also after a kill', async () => {
    const node = await startNode();
    await submit('good-0001');
    await recorded('good-0001', isDelivered);
    await submit('warm-0002', 13);
    await recorded('warm-0002', isDelivered);
    cloud.fail('webhook', { status: 503, times: 2 });
    await submit('late-0003');
    await recorded('late-0003', isDelivered);
    cloud.fail('webhook', { status: 410, times: 1 });
    await submit('shut-0004');
    await recorded('shut-0004', ({ delivery }) => delivery.state === 'refused');
    const redis = new Redis(cloud.redisUrl);
    const letter = await redis.xadd(`qpu:${cloud.qpuId}:jobs`, '*', 'no', 'job');
    redis.disconnect();
    await recorded(letter ?? '');
    const order = ['good-0001', 'warm-0002', 'late-0003', 'shut-0004', letter ?? ''];
    assert.deepEqual(idsOf(await listed()), order);

    node.child.kill('SIGKILL');
    await node.ended;
    const [newest = ''] = readdirSync(folder())
      .filter((name) => name.startsWith('jobs-'))
      .toSorted()
      .toReversed();
    appendFileSync(join(folder(), newest), 'not JSON\n{"j":"torn-0005","o":"c","t":17');
    assert.deepEqual(idsOf(await listed('--limit', '3')), order.slice(-3));
    assert.deepEqual(idsOf(await listed('--failed')), ['warm-0002']);
    assert.deepEqual(idsOf(await listed('--outcome', 'dead-letter')), [letter]);
    assert.deepEqual(idsOf(await listed('--search', 'TRAP')), ['warm-0002']);
    assert.deepEqual(idsOf(await listed('--until', '1h')), []);
    assert.equal(await bench.ends(0, ['jobs', '--limit', '0']), '');
    assert.deepEqual(idsOf(await listed('--since', '1h')), order);

    const text = await bench.ends(0, ['jobs', '--failed']);
    assert.match(text, /^ENDED +JOB +OUTCOME +WAIT +RUN +SHOTS +DELIVERY\n/);
    assert.match(
      text,
      /warm-0002 +failed +[\d.]+ m?s +[\d.]+ m?s +13 +delivered\n {2}in the executor \(.*the trap is warm/,
    );

    const failed = await bench.ends(0, ['jobs', 'show', 'warm-0']);
    assert.match(failed, /^outcome +failed in the executor/m);
    assert.match(failed, /^ *Error: the trap is warm$/m);
    assert.match(failed, /^caused by Error: the pump has stopped$/m);
    assert.match(failed, /^annotations +\{"calibration":"c-17"\}$/m);
    const late = await bench.ends(0, ['jobs', 'show', 'late-0003']);
    assert.match(late, /^2 +\S+ \S+ +failed, to be repeated +.*503/m);
    assert.match(late, /^3 +\S+ \S+ +delivered$/m);
    assert.match(
      late,
      /written to the stream[^]*taken by the node[^]*ready for the device[^]*run began[^]*run ended[^]*delivered/,
    );
    assert.match(late, /^q0: .*rz\(π\)/m, 'the circuit is drawn');
    assert.match(late, /^00 .* 99 +99\.0 %$/m);
    assert.match(await bench.ends(1, ['jobs', 'show', 'nothing']), /no job 'nothing' is in the history/);
    for (const wrong of [
      ['jobs', 'nonsense'],
      ['jobs', 'show'],
      ['jobs', '--since', 'soon'],
      ['stats', '--until', '1x'],
      ['stats', '--since', '1h', '--until', '2h'],
    ]) {
      await bench.ends(2, wrong);
    }
    const elsewhere = { CODA_STATE_DIR: bench.folder };
    assert.match(
      await bench.ends(1, ['jobs'], elsewhere),
      /there is no history of jobs in .*\n {2}→ A node that runs keeps one/,
    );
    assert.match(await bench.ends(0, ['jobs', 'show', 'shut-0004']), /^1 +\S+ \S+ +refused +.*410/m);

    const stats = JSON.parse(await bench.ends(0, ['stats', '--since', '1h', '--json'])) as Record<
      string,
      unknown
    >;
    const { completed, failed: failures, dead_letters, delivered, refused } = stats;
    assert.deepEqual(
      { completed, failures, dead_letters, delivered, refused },
      {
        completed: 3,
        failures: 1,
        dead_letters: 1,
        delivered: 3,
        refused: 1,
      },
    );
    const words = await bench.ends(0, ['stats']);
    assert.match(words, /^jobs +4: 3 completed, 1 failed \(25 %\), 0 cancelled; 1 dead letter$/m);
    assert.match(words, /^no jobs +[\d.]+ m?s +[\d.]+ % +[\d.]+ m?s +\S+ \S+ +there were no jobs$/m);

    const again = await startNode();
    const following = bench.spawn(['jobs', '-f', '--limit', '1']);
    await following.says(letter ?? '');
    await submit('next-0006');
    await recorded('next-0006', isDelivered);
    await following.says('next-0006');
    following.child.kill('SIGINT');
    assert.equal(await following.ended, 0);
    assert.equal(following.output().split('next-0006').length, 2, 'shown once');
    assert.deepEqual(idsOf(await listed()), [...order, 'next-0006']);
    for (const name of readdirSync(folder()))
      assert.equal(statSync(join(folder(), name)).mode & 0o777, 0o600);
    assert.equal(statSync(folder()).mode & 0o777, 0o700);
    again.child.kill('SIGTERM');
    assert.equal(await again.ended, 0, again.output());
  });

  it('has a record of a job whose process was killed before it wrote one, once it is delivered', async () => {
    const node = await startNode();
    cloud.fail('webhook', { status: 503 });
    await submit('lost-0001', 13);
    await recorded('lost-0001');
    node.child.kill('SIGKILL');
    await node.ended;
    rmSync(folder(), { recursive: true });
    const second = await startNode();
    cloud.heal();
    const job = await recorded('lost-0001', isDelivered);
    assert.equal(job.outcome, 'failed');
    assert.match(job.error ?? '', /the trap is warm/);
    assert.equal(job.startedAt, null);
    second.child.kill('SIGTERM');
    assert.equal(await second.ended, 0, second.output());
  });
});
