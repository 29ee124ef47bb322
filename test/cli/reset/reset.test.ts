// `coda reset` and `coda stop-vpn`, as processes.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { hasEnded, readOr } from '../operator.ts';
import { bench, cloud } from '../workbench.ts';

describe('coda reset', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const path = (name: string): string => join(bench.stateDir, name);

  /** A process that looks like the node's OpenVPN, as far as the system shows. */
  async function startOpenVpn(profile: string): Promise<ChildProcess> {
    const binary = join(bench.folder, 'openvpn');
    if (!existsSync(binary)) copyFileSync(process.execPath, binary);
    const child = spawn(binary, ['-e', 'setInterval(() => {}, 1000)', '--', '--config', profile], {
      stdio: 'ignore',
    });
    children.push(child);
    await waitUntil('the stand-in to run', () =>
      readOr(`/proc/${child.pid}/cmdline`, '').includes('--config'),
    );
    return child;
  }

  it('stops the node and removes exactly what it made', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const { pid } = bench;
    writeFileSync(path('keep.txt'), 'mine');
    writeFileSync(path('coda-node.log.1'), 'old');
    writeFileSync(path('.coda.config.1.abc.tmp'), 'half');
    const { removed, stopped } = JSON.parse(await bench.ends(0, ['reset', '--json'])) as {
      removed: string[];
      stopped: number;
    };
    assert.equal(stopped, pid);
    assert.equal(hasEnded(pid), true);
    assert.deepEqual(readdirSync(bench.stateDir), ['keep.txt']);
    for (const name of ['coda.config', 'coda-private-key', 'coda-node.log', 'coda-node-spool']) {
      assert.ok(removed.includes(path(name)), name);
    }
    assert.match(await bench.ends(0, ['--reset']), /nothing to remove/);
  });

  it('asks before it loses results', async () => {
    await bench.ends(0, ['start', '-d'], {
      CODA_NODE_TOKEN: cloud.issueToken(),
      CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.1',
    });
    cloud.fail('webhook', { status: 503 });
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 2 });
    await cloud.whenState(jobId, 'completed');
    assert.match(await bench.ends(1, ['reset']), /1 result that the cloud does not have; nothing is removed/);
    assert.equal(existsSync(path('coda.config')), true);
    assert.match(await bench.ends(0, ['reset', '--yes']), /removed .*coda-node-spool/);
    cloud.heal();
  });

  it('works on a broken state file, follows no link, and leaves files elsewhere alone', async () => {
    const elsewhere = join(bench.folder, 'elsewhere.pem');
    writeFileSync(elsewhere, 'precious');
    mkdirSync(bench.stateDir);
    mkdirSync(path('sub'));
    writeFileSync(path('sub/profile.ovpn'), 'old');
    symlinkSync(elsewhere, path('coda-private-key'));
    const state = {
      jwt_private_key_path: elsewhere,
      node_vpn_profile_path: path('sub/profile.ovpn'),
      num_qubits: 'x',
    };
    writeFileSync(path('coda.config'), JSON.stringify(state), { mode: 0o600 });
    const said = await bench.ends(0, ['reset']);
    for (const name of ['elsewhere.pem', 'sub/profile.ovpn']) {
      assert.match(said, new RegExp(`left .*${name}: only the files that the node makes itself are removed`));
    }
    assert.equal(readFileSync(elsewhere, 'utf8'), 'precious');
    assert.deepEqual(readdirSync(bench.stateDir), ['sub']);
    assert.deepEqual(readdirSync(path('sub')), ['profile.ovpn']);
  });

  it('stop-vpn ends the OpenVPN of this state directory, and no other', async () => {
    assert.match(await bench.ends(1, ['stop-vpn']), /no OpenVPN/);
    mkdirSync(bench.stateDir);
    const stranger = await startOpenVpn('/etc/openvpn/other.conf');
    for (const text of [`${stranger.pid}\n`, '-1', 'garbage', `${process.pid}\n`]) {
      writeFileSync(path('coda-node-openvpn.pid'), text);
      await bench.ends(1, ['stop-vpn']);
    }
    assert.equal(hasEnded(stranger.pid ?? 0), false);
    const own = await startOpenVpn(path('coda-node.ovpn'));
    writeFileSync(path('coda-node-openvpn.pid'), `${own.pid}\n`);
    const status = JSON.parse((await bench.run(['status', '--json'])).output) as Record<string, unknown>;
    assert.equal(status['openvpn_pid'], own.pid);
    assert.match(await bench.ends(0, ['stop-vpn']), new RegExp(`stopped OpenVPN, PID ${own.pid}`));
    assert.equal(existsSync(path('coda-node-openvpn.pid')), false);
    assert.equal(hasEnded(stranger.pid ?? 0), false);
  });
});
