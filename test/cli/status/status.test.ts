// `coda status` as the night shift asks it, as a process.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };
type Fields = Readonly<Record<string, unknown>>;

async function statusOf(code = 0): Promise<{ status: Fields; live: Fields }> {
  const status = JSON.parse(await bench.ends(code, ['status', '--json'])) as Fields;
  return { status, live: status['live'] as Fields };
}

const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));

describe('coda status', () => {
  after(() => assert.deepEqual(cloud.violations, []));

  it('says version, restarts, the job and since when, what is done, and what waits', async () => {
    bench.holdRuns();
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const first = await statusOf();
    assert.equal(first.status['restarts'], 0);
    assert.match(String(first.status['version']), /^\d+\.\d+\.\d+/);
    assert.equal(first.live['version'], first.status['version']);
    assert.deepEqual(
      [
        'completed',
        'failed',
        'refused',
        'last_delivery_at',
        'oldest_undelivered_at',
        'current_job_since',
        'not_ready_since',
      ].map((field) => first.live[field]),
      [0, 0, 0, null, null, null, null],
    );
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    assert.ok(isTime((await statusOf()).live['current_job_since']));
    assert.match(await bench.ends(0, ['status']), new RegExp(`job +${jobId}, for \\d+ s`));

    cloud.fail('webhook', { status: 503 });
    bench.endRuns();
    await waitUntil('the outcome to wait', async () => (await statusOf()).live['undelivered'] === 1);
    assert.ok(isTime((await statusOf()).live['oldest_undelivered_at']));
    assert.match(await bench.ends(0, ['status']), /undelivered +1, the oldest for \d+ s/);
    cloud.heal();
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await waitUntil('the delivery', async () => isTime((await statusOf()).live['last_delivery_at']));
    const said = await bench.ends(0, ['status']);
    assert.match(said, /done +1 completed, 0 failed since the start/);
    assert.match(said, /delivered +last \d+ s ago/);
    assert.match(said, /node +running, PID \d+, daemon, version \d/);

    cloud.fail('webhook', { status: 410 });
    await cloud.submit(job);
    await waitUntil('the refusal', async () => (await statusOf()).status['refused_results'] === 1);
    assert.match(await bench.ends(0, ['status']), /refused +1, set aside; coda results list/);
    cloud.heal();

    await bench.ends(0, ['stop']);
    await bench.ends(0, ['start', '-d']);
    const again = await statusOf();
    assert.deepEqual([again.status['restarts'], again.status['recent_restarts']], [1, 1]);
    assert.match(await bench.ends(0, ['status']), /restarts +1, of these 1 in the 24 h/);
  });

  it('says since when the node is not ready, and --ready exits with 1 for it', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await bench.ends(0, ['status', '--ready']);
    await bench.ends(0, ['pause']);
    await bench.ends(0, ['status']);
    assert.match(await bench.ends(1, ['status', '--ready']), /ready +no: paused[^]*\nnot ready +for \d+ s/);
    const since = (await statusOf()).live['not_ready_since'];
    assert.ok(isTime(since));
    assert.equal((await statusOf()).live['not_ready_since'], since);
    await bench.ends(0, ['resume']);
    await bench.ends(0, ['status', '--ready']);
    await bench.ends(0, ['stop']);
    await bench.ends(1, ['status', '--ready']);
  });

  const skip = process.geteuid?.() !== 0 && 'needs root, to be another user';
  const NOBODY = 65534;
  const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

  it('run by another user says that the node runs, and as whom', { skip }, async () => {
    chmodSync(bench.folder, 0o755);
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    for (const [args, code, says] of [
      [['status'], 0, /running, .*as user root[^]*belongs to user root; for more: sudo -u root coda status/],
      [['stop'], 1, /belongs to user root, whose node runs\n.*sudo -u root coda stop/],
    ] as const) {
      const command = bench.spawn(args, {}, asNobody);
      assert.equal(await command.ended, code, command.output());
      assert.match(command.output(), says);
    }
    await bench.ends(0, ['stop']);
    const stopped = bench.spawn(['status'], {}, asNobody);
    assert.equal(await stopped.ended, 1, stopped.output());
  });

  it('run by root names the user of a node', { skip }, async () => {
    chmodSync(bench.folder, 0o755);
    mkdirSync(bench.stateDir, { mode: 0o700 });
    chownSync(bench.stateDir, NOBODY, NOBODY);
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() }, asNobody);
    await node.says('serving QPU');
    assert.match(await bench.ends(0, ['status']), /running, PID \d+, as user nobody/);
    node.child.kill('SIGTERM');
    await node.ended;
  });
});
