// Which process is the node of a state directory: what another user wrote there is not believed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { describe, it } from 'node:test';
import { startTimeOf } from '../../src/state/process.ts';
import { hasEnded } from '../cli/operator.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { asStranger, giveAway, giveFolder, needsRoot, STRANGER } from '../support/second-user.ts';
import { inState, path, put, shareState } from './shared.ts';

describe('the lock of another user', needsRoot, () => {
  /** Prepares `state` as the other user would, with the numbers of a node that runs elsewhere. */
  async function prepared(): Promise<number> {
    const env = { CODA_NODE_TOKEN: cloud.issueToken(), CODA_STATE_DIR: path('real') };
    await bench.ends(0, ['start', '-d'], env);
    const pid = Number(readFileSync(path('real/coda-node.pid'), 'utf8'));
    const lock = readFileSync(path('real/coda-node-spool/lock'), 'utf8');
    const running = readFileSync(path('real/coda-node-spool/running.json'), 'utf8');
    put(inState('coda-node-spool/lock'), lock);
    put(inState('coda-node-spool/running.json'), running);
    put(inState('coda-node.pid'), `${pid}\n`);
    chmodSync(inState('coda-node-spool'), 0o700);
    return pid;
  }

  it('ends no node, and shows none: by lock, PID file, link and folder', async () => {
    const pid = await prepared();
    const real = { CODA_STATE_DIR: path('real') };
    try {
      // A copy of one's own names the node, too, and is not what it uses.
      await nothingRuns(pid);
      put(inState('coda-node-spool/lock'), `${pid} ${startTimeOf(pid)}\n`);
      await nothingRuns(pid);
      giveAway(bench.stateDir);
      await nothingRuns(pid);
      put(inState('coda-node.pid'), `${pid}\n`);
      giveAway(bench.stateDir);
      await nothingRuns(pid);
      rmSync(inState('coda-node-spool'), { recursive: true });
      put(inState('coda-node.pid'), `${pid}\n`);
      await nothingRuns(pid);
      put(inState('coda-node.pid'), `${pid}\n`);
      giveAway(bench.stateDir);
      await nothingRuns(pid);
      rmSync(bench.stateDir, { recursive: true });
      shareState();
      symlinkSync(path('real/coda-node-spool'), inState('coda-node-spool'));
      giveAway(inState('coda-node-spool'));
      await nothingRuns(pid);
      rmSync(bench.stateDir, { recursive: true });
      symlinkSync(path('real'), bench.stateDir);
      giveAway(bench.stateDir);
      for (const args of [['stop'], ['status']]) {
        assert.match(
          await bench.ends(1, args),
          /the link .*state, which leads to it, belongs to user nobody/,
        );
      }
      assert.equal(hasEnded(pid), false);
    } finally {
      await bench.ends(0, ['stop'], real);
    }
    assert.equal(hasEnded(pid), true);
  });

  async function nothingRuns(pid: number): Promise<void> {
    const status = JSON.parse(await bench.ends(1, ['status', '--json'])) as Record<string, unknown>;
    assert.deepEqual([status['running'], status['pid'], status['live']], [false, null, null]);
    assert.match(await bench.ends(1, ['stop', '--timeout', '1']), /no node runs with/);
    assert.equal(hasEnded(pid), false);
  }

  it('keeps no command waiting as a pipe, and lends no file as a link', async () => {
    shareState();
    mkdirSync(inState('coda-node-spool'), { mode: 0o700 });
    const secret = put(path('secret'), 'hunter2\n');
    const paths = [
      'coda-node-spool/lock',
      'coda-node-spool/paused.json',
      'coda-node.pid',
      'coda-node.log',
    ].map(inState);
    for (const make of [
      (name: string) => void execFileSync('mkfifo', [name]),
      (name: string) => symlinkSync(secret, name),
      (name: string) => mkdirSync(name),
    ]) {
      for (const name of paths) make(name);
      giveAway(inState('coda-node-spool'));
      for (const args of [['status'], ['stop'], ['logs'], ['pause'], ['resume'], ['reset', '--yes']]) {
        const { output } = await bench.run(args);
        assert.doesNotMatch(output, /hunter2/, args.join());
      }
      for (const name of paths) rmSync(name, { recursive: true, force: true });
    }
    assert.equal(readFileSync(secret, 'utf8'), 'hunter2\n');
  });

  it('is believed of that user’s own node', async () => {
    chmodSync(bench.folder, 0o755);
    mkdirSync(bench.stateDir, { mode: 0o700 });
    giveFolder(bench.stateDir);
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() }, asStranger);
    await node.says('serving QPU');
    assert.match(await bench.ends(0, ['status']), /running, PID \d+, as user nobody[^]*ready +yes/);
    // Root may pause it; the file then belongs to that user, whose next start would refuse it else.
    assert.match(await bench.ends(0, ['pause', '--reason', 'cooling']), /^paused/);
    assert.equal(statSync(inState('coda-node-spool/paused.json')).uid, STRANGER);
    assert.match(await bench.ends(0, ['status']), /paused by the operator: cooling/);
    assert.match(await bench.ends(0, ['resume']), /resumed/);
    assert.match(await bench.ends(0, ['stop']), /stopped PID/);
    assert.equal(await node.ended, 0);
  });
});

describe('the port of another program', needsRoot, () => {
  it('is not asked how a node is', async () => {
    const stranger: Server = createServer((_, response) =>
      response.end(JSON.stringify({ ready: true, reasons: [], vpn_interface: 'from-a-stranger' })),
    ).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const address = stranger.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
      const presence = inState('coda-node-spool/running.json');
      const found = JSON.parse(readFileSync(presence, 'utf8')) as object;
      put(presence, JSON.stringify({ ...found, address: { host: '127.0.0.1', port } }));
      const said = await bench.ends(0, ['status', '--json']);
      assert.doesNotMatch(said, /from-a-stranger/);
      assert.equal((JSON.parse(said) as Record<string, unknown>)['live'], null);
      await bench.ends(0, ['stop']);
    } finally {
      stranger.close();
    }
  });
});
