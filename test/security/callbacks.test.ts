// Callbacks that never answer: they take no room from others, and the operator sees them and gives them up.
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';

const NOBODY = 'http://127.0.0.1:1';
const job = { ir: bell('cz').ir, shots: 5 };
const ROOM = 20;
const env = {
  CODA_OUTBOX_MAX_JOBS: String(ROOM),
  CODA_EXECUTOR_FACTORY: 'simulator',
  CODA_LEASE_SEC: '3',
  // What is taken ahead before the half is full runs all the same.
  CODA_PREFETCH: '1',
};

const submitTo = (callback: string): Promise<string> =>
  cloud.submit({ ...job, raw: { callback_url: callback } });

async function completes(): Promise<void> {
  const jobId = await cloud.submit(job);
  assert.equal((await cloud.outcome(jobId)).status, 'completed');
}

interface Waiting {
  readonly job_id: string;
  readonly callback_origin: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly to_be_dropped: boolean;
}

async function waiting(): Promise<Waiting[]> {
  const { waiting: found } = JSON.parse(await bench.ends(0, ['results', '--waiting', '--json'])) as {
    waiting: Waiting[];
  };
  return found;
}

/** Accepts connections and never answers. */
async function silentServer(t: TestContext): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('callbacks that do not answer', () => {
  it('fill half of the outbox at most; other jobs go on, also after a restart, and they can be dropped', async () => {
    const first = bench.spawn(['start', '--token', cloud.issueToken()], env);
    await completes();
    for (let i = 0; i < 2 * ROOM; i += 1) await submitTo(`${NOBODY}/x`);
    // Further ones, so that none is known.
    for (let i = 0; i < 5; i += 1) await submitTo(`http://127.0.0.1:${i + 2}/x`);
    await completes();
    await first.says('jobs whose callback goes where nothing answers wait in Redis');
    await first.says('coda results drop --waiting --all --origin http://127.0.0.1:');
    for (let i = 0; i < ROOM; i += 1) await completes();
    const saved = await waiting();
    // One run and one check may be under way when the half is full.
    assert.ok(saved.length >= ROOM / 2 && saved.length < ROOM, String(saved.length));
    await waitUntil('the attempts', async () => (await waiting()).every(({ attempts }) => attempts > 0));
    for (const { callback_origin, last_error } of await waiting()) {
      assert.match(callback_origin, /^http:\/\/127\.0\.0\.1:\d$/);
      assert.match(last_error ?? '', /./);
    }
    first.child.kill('SIGKILL');
    await first.ended;

    const second = bench.spawn(['start'], env);
    await second.says('reading jobs');
    for (let i = 0; i < 3; i += 1) await completes();
    assert.match(await bench.ends(0, ['results', '--waiting']), /GOES TO .*COUNT[^]*127\.0\.0\.1:1 /);
    assert.match(await bench.ends(1, ['results', 'drop', '--waiting', '--all']), /--yes/);
    // With each drop the next ones have room.
    await waitUntil(
      'dropping all',
      async () => {
        if ((await waiting()).length > 0) await bench.run(['results', 'drop', '--waiting', '--all', '--yes']);
        return (await cloud.pending()) === 0 && (await waiting()).length === 0;
      },
      { timeoutMs: 60_000 },
    );
    assert.match(bench.outputs.join('\n'), /dropped \d+ results?; the node \(PID \d+\) has each in its log/);
    assert.match(second.output(), /was dropped by the operator/);
    await completes();
    second.child.kill('SIGTERM');
    assert.equal(await second.ended, 0);
  });

  it('are dropped by origin or job, also while no node runs: before anything is posted', async () => {
    const short = { ...env, CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0' };
    const first = bench.spawn(['start', '--token', cloud.issueToken()], short);
    await completes();
    const kept = await submitTo(`${NOBODY}/kept`);
    const one = await submitTo(`${NOBODY}/one`);
    await submitTo('http://127.0.0.1:2/other');
    await waitUntil('saving', async () => (await waiting()).length === 3);
    first.child.kill('SIGTERM');
    await first.ended;
    const says = await bench.ends(0, ['results', 'drop', one.slice(0, 8), '--waiting', '--yes']);
    assert.match(says, /no node is running: 1 result will be dropped at the next/);
    await bench.ends(0, [
      'results',
      'drop',
      '--all',
      '--waiting',
      '--yes',
      '--origin',
      'http://127.0.0.1:2/x',
    ]);
    assert.equal((await waiting()).filter(({ to_be_dropped }) => to_be_dropped).length, 2);
    await bench.ends(1, ['results', 'drop', 'nobody-here', '--waiting', '--yes']);
    await bench.ends(2, ['results', 'show', 'nobody-here', '--waiting']);
    await bench.ends(2, ['results', 'list', '--origin', NOBODY]);
    const second = bench.spawn(['start'], short);
    await second.says('reading jobs');
    await waitUntil('dropping', async () => (await waiting()).length === 1);
    assert.deepEqual(
      (await waiting()).map(({ job_id }) => job_id),
      [kept],
    );
    second.child.kill('SIGTERM');
    await second.ended;
  });

  it('occupy some of the lanes only, if each attempt lasts', async (t) => {
    const silent = await silentServer(t);
    const test = await startTestNode({
      cloud,
      executor: 'simulator',
      env: { CODA_WEBHOOK_TIMEOUT_SEC: '600', CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0' },
    });
    t.after(() => test.stop());
    for (let i = 0; i < 100; i += 1) await submitTo(`${silent}/${i}`);
    for (let i = 0; i < 3; i += 1) await completes();
  });
});
