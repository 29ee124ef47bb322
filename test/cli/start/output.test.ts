// Logs that are moved, terminals that close, readers that go away and disks that are full: a node continues, a command
// ends quietly.
import assert from 'node:assert/strict';
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { readOr } from '../operator.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };
const FULL_ERRORS = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'];
const FULL_OUTPUT = ['sh', '-c', 'exec "$@" >/dev/full', 'sh'];

const TALKING_EXECUTOR = `export default { executor: () => ({
  run: async (ir, shots, { jobId }) => {
    console.log('measured ' + jobId);
    return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
}) };`;

async function measured(): Promise<string> {
  const jobId = await cloud.submit(job);
  assert.equal((await cloud.outcome(jobId)).status, 'completed');
  return `measured ${jobId}`;
}

describe('the log of a daemon', () => {
  const path = (name: string): string => join(bench.stateDir, name);
  const log = (): string => readOr(path('coda-node.log'), '');

  async function startDaemon(): Promise<void> {
    writeFileSync(join(bench.folder, 'coda.config.js'), TALKING_EXECUTOR);
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken(), CODA_LOG_LEVEL: 'debug' });
  }

  it('is opened again on SIGHUP, and the daemon continues', async () => {
    await startDaemon();
    const { pid } = bench;
    renameSync(path('coda-node.log'), path('old.log'));
    process.kill(pid, 'SIGHUP');
    await waitUntil('the new log', () => log().includes('SIGHUP'));
    const first = await measured();
    assert.ok(log().includes(first), 'what the executor prints is in the new log, too');
    assert.equal(bench.pid, pid);
    // Without a move, nothing is lost or written twice.
    process.kill(pid, 'SIGHUP');
    await waitUntil('the second line', () => log().split('SIGHUP').length === 3);
    const second = await measured();
    assert.equal(log().split(second).length, 2);
  });

  it('is made again within seconds if it was moved or removed, and coda logs -f follows it', async () => {
    await startDaemon();
    const following = bench.spawn(['logs', '-f']);
    await following.says('serving QPU');
    const size = statSync(path('coda-node.log')).size;
    renameSync(path('coda-node.log'), path('old.log'));
    await waitUntil('a new log', () => existsSync(path('coda-node.log')));
    assert.equal(statSync(path('coda-node.log')).mode & 0o777, 0o600);
    const first = await measured();
    assert.ok(log().includes(first), log());
    await following.says(first);
    assert.ok(statSync(path('old.log')).size < size + 500);
    rmSync(path('coda-node.log'));
    await waitUntil('another log', () => existsSync(path('coda-node.log')));
    const second = await measured();
    assert.ok(log().includes(second), log());
    await following.says(second);
  });
});

describe('a node in a terminal', () => {
  after(() => assert.deepEqual(cloud.violations, []));

  it('finishes its job if the terminal closes, however many signals that sends', async () => {
    bench.holdRuns();
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await node.says('serving QPU');
    const jobId = await cloud.submit(job);
    await cloud.whenState(jobId, 'executing');
    node.child.kill('SIGHUP');
    await node.says('SIGHUP: finishing the running job');
    node.child.kill('SIGHUP');
    node.child.stderr?.destroy();
    bench.endRuns();
    assert.equal(await node.ended, 0);
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
  });

  for (const [where, under] of [
    ['standard error', FULL_ERRORS],
    ['standard output', FULL_OUTPUT],
  ] as const) {
    it(`continues if the disk under ${where} is full`, async () => {
      writeFileSync(join(bench.folder, 'coda.config.js'), TALKING_EXECUTOR);
      const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() }, under);
      await measured();
      await measured();
      node.child.kill('SIGTERM');
      assert.equal(await node.ended, 0, node.output());
    });
  }
});

describe('a command', () => {
  it('ends without a word, and with its own exit code, if nobody reads its output', async () => {
    const commands = [
      [0, ['--help']],
      [0, ['start', '--help']],
      [0, ['config', '--json']],
      [0, ['results', 'list']],
      [1, ['status']],
      [1, ['status', '--json']],
      [1, ['logs']],
      [0, ['service', 'print']],
      [2, ['strat']],
    ] as const;
    for (const [code, args] of commands) {
      const command = bench.spawn(args);
      command.child.stdout?.destroy();
      assert.equal(await command.ended, code, `${args.join(' ')}: ${command.output()}`);
      assert.doesNotMatch(command.output(), /EPIPE|^ +at /m, args.join(' '));
      const deaf = bench.spawn(args);
      deaf.child.stdout?.destroy();
      deaf.child.stderr?.destroy();
      assert.equal(await deaf.ended, code, args.join(' '));
    }
  });

  it('says in one line that its output is lost if the disk is full', async () => {
    for (const args of [['--help'], ['config', '--json'], ['results', 'list']]) {
      const command = bench.spawn(args, {}, FULL_OUTPUT);
      assert.equal(await command.ended, 1, args.join(' '));
      assert.match(command.output(), /the output cannot be written: .*ENOSPC/);
      assert.doesNotMatch(command.output(), /^ +at /m);
    }
  });

  it('that runs until it is stopped ends if nobody reads its output', async () => {
    const dev = bench.spawn(['dev', '--shots', '10'], { CODA_WEBAPP_URL: '' });
    await dev.says('cloud ');
    dev.child.stdout?.destroy();
    await dev.ended;
    assert.doesNotMatch(dev.output(), /EPIPE|^ +at /m);
  });
});
