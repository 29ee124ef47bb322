// Two nodes, one state directory, and process ids that mean nothing to each other: containers and machines.
// A container is played by a PID namespace of its own, a machine by another boot id as well.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import type { CodaProcess } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

const UNSHARE = ['unshare', '--pid', '--uts', '--mount', '--fork', '--kill-child', '--mount-proc'];
const [unshare = '', ...options] = UNSHARE;
const skip =
  spawnSync(unshare, [...options, 'true']).status !== 0 && 'this user cannot make PID namespaces (root can)';

const job = { ir: bell('cz').ir, shots: 6 };

function inContainer(host: string): string[] {
  return [...UNSHARE, 'sh', '-c', `hostname ${host}; exec "$@"`, 'sh'];
}

function onMachine(host: string): string[] {
  const file = join(bench.folder, `boot-id-${host}`);
  writeFileSync(file, `${host}\n`);
  const mount = `mount --bind ${file} /proc/sys/kernel/random/boot_id`;
  return [...UNSHARE, 'sh', '-c', `hostname ${host}; ${mount}; exec "$@"`, 'sh'];
}

function start(under: readonly string[], env: Readonly<Record<string, string>> = {}): CodaProcess {
  return bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env }, under);
}

async function refused(node: CodaProcess): Promise<string> {
  assert.equal(await node.ended, 1, node.output());
  assert.match(node.output(), /another node \(PID 1 .*\) uses the state directory/);
  assert.match(node.output(), /→ .*CODA_STATE_DIR/);
  return node.output();
}

async function kill(node: CodaProcess): Promise<void> {
  node.child.kill('SIGKILL');
  await node.ended;
}

describe('a state directory that containers share', { skip }, () => {
  after(() => assert.deepEqual(cloud.violations, []));

  it('has one node, and loses no result if that one is killed', async () => {
    cloud.fail('webhook', { status: 503 });
    const jobs = await Promise.all(Array.from({ length: 30 }, () => cloud.submit(job)));
    const env = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1' };
    const first = start(inContainer('pod-a'), env);
    await Promise.all(jobs.map((id) => cloud.whenState(id, 'completed')));
    const second = start(inContainer('pod-b'), env);
    assert.match(await refused(second), /in another container or PID namespace, host name pod-a\)/);
    await kill(first);
    const third = start(inContainer('pod-c'), env);
    await third.says('serving QPU');
    assert.doesNotMatch(third.output(), /waiting up to/, 'the kernel says at once that the first has ended');
    cloud.heal();
    for (const id of jobs) assert.equal((await cloud.outcome(id)).status, 'completed');
    await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
    await kill(third);
    // The node of this namespace clears up after a dead one, too.
    const last = start([]);
    await last.says('serving QPU');
    const sockets = readdirSync(join(bench.stateDir, 'coda-node-spool')).filter((name) =>
      name.endsWith('.sock'),
    );
    assert.equal(sockets.length, 1);
    const refusedThere = start(inContainer('pod-d'));
    assert.equal(await refusedThere.ended, 1);
    assert.match(refusedThere.output(), new RegExp(`another node \\(PID ${last.child.pid} in another`));
  });

  it('has a node that the commands see, and leave alone', async () => {
    const node = start(inContainer('pod-a'));
    await node.says('serving QPU');
    assert.match(
      await bench.ends(0, ['status']),
      /running, PID 1 in another container or PID namespace, host name pod-a/,
    );
    const status = JSON.parse(await bench.ends(0, ['status', '--json'])) as Record<string, unknown>;
    assert.deepEqual([status['running'], status['pid'], status['url']], [true, 1, null]);
    assert.match(await bench.ends(1, ['stop']), /cannot be signalled from here\n.*Stop it where it runs/);
    assert.match(await bench.ends(1, ['reset', '--yes']), /cannot be signalled from here/);
    assert.match(await bench.ends(1, ['start', '--daemon']), /another node \(PID 1 in another/);
    assert.equal(existsSync(join(bench.stateDir, 'coda.config')), true);
    await kill(node);
    assert.match(await bench.ends(1, ['status']), /stopped/);
    assert.match(await bench.ends(0, ['reset', '--yes']), /removed/);
  });

  it('has one node also if its path is too long for a socket', async () => {
    const stateDir = join(bench.folder, 'x'.repeat(150));
    mkdirSync(stateDir, { mode: 0o700 });
    const env = { CODA_STATE_DIR: stateDir };
    const first = start(inContainer('pod-a'), env);
    await first.says('serving QPU');
    await refused(start(inContainer('pod-b'), env));
    await kill(first);
    const second = start(inContainer('pod-b'), env);
    await second.says('serving QPU');
    assert.doesNotMatch(second.output(), /waiting up to/);
  });
});

describe('a state directory that machines share', { skip }, () => {
  it('has one node, until that one has shown no sign of life for 15 s', async () => {
    const first = start(onMachine('lab-a'));
    await first.says('serving QPU');
    // A pipe in its place refuses connections, as the socket of another machine does: that proves nothing.
    const folder = join(bench.stateDir, 'coda-node-spool');
    const socket = readdirSync(folder).find((name) => name.endsWith('.sock')) ?? '';
    spawnSync('sh', ['-c', `rm '${folder}/${socket}' && exec mknod '${folder}/${socket}' p`]);
    assert.match(await refused(start(onMachine('lab-b'))), /on the machine lab-a\)/);
    await kill(first);
    const second = start(onMachine('lab-b'));
    await second.says('last used by PID 1 on the machine lab-a: waiting up to 15 s');
    await second.says('serving QPU');
  });

  it('ends a node at once that wakes up after another has taken its place', async () => {
    const first = start([]);
    await first.says('serving QPU');
    writeFileSync(join(bench.stateDir, 'coda-node-spool', 'lock'), '1 1 pid:[1] other-boot lab-b -\n');
    assert.equal(await first.ended, 1, first.output());
    assert.match(first.output(), /another node \(PID 1 on the machine lab-b\) has taken the state directory/);
  });
});
