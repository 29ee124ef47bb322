// A whole node and a real OpenVPN server: cloud API, Redis and webhooks can be reached through the tunnel only.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import { bell } from '../../../../src/testing/index.ts';
import { coda } from '../../../cli/process.ts';
import { until } from './diagnosis.ts';
import { labIsMissing, openvpnsIn, PRIVATE, PUBLIC, startLab, type Lab } from './lab.ts';
import {
  endNodes,
  hiding,
  newHome,
  startVpnNode,
  unprivileged,
  type VpnNode,
  type VpnNodeOptions,
} from './node-process.ts';

const { ir } = bell('cz');
const CHECK_INTERVAL_SEC = 2;
const missing = labIsMissing();

describe('a node behind a VPN', { skip: missing === undefined ? false : `not run: ${missing}` }, () => {
  let lab: Lab;
  const running: VpnNode[] = [];
  before(async () => {
    lab = await startLab();
  });
  after(async () => {
    assert.deepEqual(await lab.cloud.violations(), []);
    await lab.close();
  });
  afterEach(async () => {
    await endNodes(lab, running);
    await lab.startServer();
  });

  function start(options: VpnNodeOptions): VpnNode {
    const node = startVpnNode(lab, options);
    running.push(node);
    return node;
  }

  /** A node that has come up by token; from then on the cloud is behind the tunnel only. */
  async function provision(options: Omit<VpnNodeOptions, 'token'>, vpn: object = {}): Promise<VpnNode> {
    await lab.cloud.setVpn({
      required: true,
      interface_hint: null,
      check_interval_sec: CHECK_INTERVAL_SEC,
      probe_targets: [],
      client_profile_ovpn: lab.profile,
      ...vpn,
    });
    await lab.cloud.openPublic(PUBLIC);
    try {
      const node = start({ ...options, token: await lab.cloud.issueToken() });
      await node.says('serving QPU');
      return node;
    } finally {
      await lab.cloud.closePublic(PUBLIC);
    }
  }

  const happens = <T>(what: string, check: () => T | Promise<T>): Promise<NonNullable<T>> =>
    until(lab, running, what, check);

  async function done(jobId: string): Promise<void> {
    await happens(`the result of ${jobId}`, async () => (await lab.cloud.result(jobId)) === 'completed');
  }

  async function stop(node: VpnNode): Promise<void> {
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0, node.output());
  }

  it('goes from the token through the tunnel to the webhook, and takes the tunnel down at its end', async (t) => {
    assert.equal((await lab.probe.get(lab.privateUrl)).status, 0);
    const since = performance.now();
    const node = await provision({ home: newHome(lab) });
    figure(t, 'token to serving', since);
    const ready = await happens('ready', async () => {
      const answer = await node.ready();
      return answer.ready ? answer : undefined;
    });
    assert.equal(ready.vpn_state, 'ready');
    assert.match(String(ready.vpn_interface), /^coda[0-9a-f]{6}$/);
    const submitted = performance.now();
    await done(await lab.cloud.submit(PRIVATE, ir));
    figure(t, 'job to webhook', submitted);
    for (const file of ['coda-node.ovpn', 'coda-node-openvpn.pid', 'coda-node-openvpn.log']) {
      assert.equal(statSync(join(node.stateDir, file)).mode & 0o777, 0o600, file);
    }
    const [pid] = openvpnsIn(lab.client);
    assert.equal(readFileSync(join(node.stateDir, 'coda-node-openvpn.pid'), 'utf8'), `${pid}\n`);
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    assert.deepEqual(environment.toSorted(), ['LC_ALL=C', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']);
    await stop(node);
    assert.deepEqual(openvpnsIn(lab.client), []);
    assert.equal(existsSync(join(node.stateDir, 'coda-node-openvpn.pid')), false);
    assert.equal((await lab.probe.get(lab.privateUrl)).status, 0);
  });

  it('leaves its tunnel up when it is killed, for `coda status` to see and `coda stop-vpn` to stop', async () => {
    const node = await provision({ home: newHome(lab) });
    const [pid] = openvpnsIn(lab.client);
    node.child.kill('SIGKILL');
    await node.ended;
    const options = { cwd: node.stateDir, env: { CODA_STATE_DIR: node.stateDir } };
    const status = coda(['status', '--json'], options);
    assert.equal(await status.ended, 1);
    assert.equal((JSON.parse(status.output()) as { openvpn_pid: unknown }).openvpn_pid, pid);
    assert.equal(await coda(['stop-vpn'], options).ended, 0);
    assert.deepEqual(openvpnsIn(lab.client), []);
    assert.ok(existsSync(join(node.stateDir, 'coda-private-key')));
    assert.equal(await coda(['stop-vpn'], options).ended, 1);
  });

  it('notices a dead server with the next check, keeps the result, and continues when it is back', async (t) => {
    const home = newHome(lab, true);
    const node = await provision({ home });
    const [atWork, queued] = [await lab.cloud.submit(PRIVATE, ir), await lab.cloud.submit(PRIVATE, ir)];
    await happens('a running job', async () => (await lab.cloud.state(atWork)) === 'executing');
    await lab.killServer();
    const killed = performance.now();
    await happens('503', async () => (await node.ready()).vpn_state === 'vpn_unavailable');
    const noticedMs = figure(t, 'server killed to /ready 503', killed);
    assert.equal((await node.ready()).status, 503);
    writeFileSync(join(home, 'go'), '');
    const later = await lab.cloud.submit(PRIVATE, ir);
    await happens('the saved result', () => journal(node).includes(atWork));
    assert.equal(await lab.cloud.result(atWork), 'none');
    assert.equal(await lab.cloud.state(later), 'queued');
    await lab.startServer();
    const back = performance.now();
    await happens('consuming', async () => (await lab.cloud.state(later)) !== 'queued');
    const recoveredMs = figure(t, 'server up to consuming', back);
    for (const jobId of [atWork, queued, later]) await done(jobId);
    figure(t, 'server up to all delivered', back);
    assert.ok(noticedMs < 10_000, `noticed after ${noticedMs} ms`);
    assert.ok(recoveredMs < 10_000, `recovered after ${recoveredMs} ms`);
    await stop(node);
  });

  it('adopts a running tunnel after a kill -9, and reconnects through it', async (t) => {
    const home = newHome(lab);
    const first = await provision({ home });
    const earlier = openvpnsIn(lab.client);
    assert.equal(earlier.length, 1);
    first.child.kill('SIGKILL');
    await first.ended;
    assert.deepEqual(openvpnsIn(lab.client), earlier);
    const since = performance.now();
    const second = start({ home });
    await second.says('serving QPU');
    figure(t, 'restart to serving over a running tunnel', since);
    assert.deepEqual(openvpnsIn(lab.client), earlier);
    assert.match(second.output(), /adopted a running OpenVPN/);
    await done(await lab.cloud.submit(PRIVATE, ir));
    await stop(second);
    assert.deepEqual(openvpnsIn(lab.client), []);
  });

  it('brings the saved tunnel up before it reconnects, and applies a changed profile', async (t) => {
    const home = newHome(lab);
    await stop(await provision({ home }));
    const since = performance.now();
    const second = start({ home });
    await second.says('serving QPU');
    figure(t, 'restart to serving with a new tunnel', since);
    const profile = join(second.stateDir, 'coda-node.ovpn');
    assert.doesNotMatch(readFileSync(profile, 'utf8'), /mssfix/);
    await stop(second);
    const changed = lab.profile.replace('verb 3', 'verb 3\nmssfix 1300');
    await lab.cloud.setVpn({ required: true, check_interval_sec: 2, client_profile_ovpn: changed });
    const third = start({ home });
    await third.says('serving QPU');
    assert.match(readFileSync(profile, 'utf8'), /mssfix 1300/);
    assert.match(third.output(), /changed the VPN profile/);
    assert.equal(openvpnsIn(lab.client).length, 1);
    await done(await lab.cloud.submit(PRIVATE, ir));
    await stop(third);
  });

  it('starts OpenVPN again when it is killed', async (t) => {
    const node = await provision({ home: newHome(lab), env: { CODA_LOG_LEVEL: 'debug' } });
    const [pid] = openvpnsIn(lab.client);
    assert.ok(pid);
    const changes = (): number => node.output().split('the network has changed: ').length - 1;
    assert.equal(changes(), 0);
    const since = performance.now();
    process.kill(pid, 'SIGKILL');
    await happens('another OpenVPN', () => openvpnsIn(lab.client).some((other) => other !== pid));
    await happens('ready', async () => (await node.ready()).ready);
    figure(t, 'OpenVPN killed to ready', since);
    // Otherwise the silence of the old connections is waited for, 5 s or more.
    const seen = changes();
    assert.ok(seen > 0);
    const [later] = openvpnsIn(lab.client);
    assert.ok(later);
    assert.equal(openvpnsIn(lab.client).length, 1);
    // It reconnects by itself, and gets another address: perhaps before a check finds the tunnel down.
    process.kill(later, 'SIGUSR1');
    await happens('another change', () => changes() > seen);
    await happens('ready', async () => (await node.ready()).ready);
    await stop(node);
  });

  it('runs as a user who has CAP_NET_ADMIN and nothing else', async () => {
    const home = newHome(lab);
    const node = await provision({ home, wrapper: unprivileged(lab, home) });
    const [pid] = openvpnsIn(lab.client);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /^Uid:\t65534\t65534/m);
    // CAP_NET_ADMIN is number 12.
    assert.match(status, /^CapEff:\t0000000000001000$/m);
    await done(await lab.cloud.submit(PRIVATE, ir));
    await stop(node);
    assert.deepEqual(openvpnsIn(lab.client), []);
  });

  it('takes no job with it when it stops while its cable is out', async () => {
    const first = await provision({ home: newHome(lab) });
    await first.says('reading jobs');
    const cable = (state: string): void =>
      void execFileSync('ip', ['-n', lab.client, 'link', 'set', lab.cable, state]);
    cable('down');
    await stop(first).finally(() => cable('up'));
    const jobId = await lab.cloud.submit(PRIVATE, ir);
    const second = await provision({ home: newHome(lab) });
    await done(jobId);
    await stop(second);
  });

  it('says what to do if the device, the rights or the program are missing, and keeps the credentials', async () => {
    const cases = [
      { wrapper: hiding('mount -t tmpfs none /dev/net'), says: /modprobe tun/ },
      { wrapper: hiding('mount --bind /dev/null /usr/sbin/openvpn'), says: /apt-get install openvpn/ },
      {
        wrapper: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'],
        says: /CAP_NET_ADMIN/,
      },
    ];
    for (const { wrapper, says } of cases) {
      const home = newHome(lab);
      await assert.rejects(provision({ home, wrapper }), (thrown: Error) => {
        assert.match(thrown.message, says);
        return true;
      });
      assert.ok(existsSync(join(home, 'state', 'coda-private-key')));
      assert.deepEqual(openvpnsIn(lab.client), []);
      // The way to the cloud is not through the tunnel yet: that of the first connect is, for this one, still open.
      await lab.cloud.openPublic(PUBLIC);
      const again = start({ home, env: { CODA_WEBAPP_URL: lab.publicUrl } });
      await again.says('serving QPU');
      await lab.cloud.closePublic(PUBLIC);
      await stop(again);
    }
  });

  it('starts degraded if that is allowed, and says that it is not ready', async () => {
    await lab.killServer();
    const home = newHome(lab);
    const refused = lab.profile.replace('remote-cert-tls server', 'remote-cert-tls server\nup /bin/true');
    const env = { CODA_ALLOW_DEGRADED_STARTUP: 'true' };
    const node = await provision({ home, env }, { client_profile_ovpn: refused });
    assert.match(node.output(), /'up' is refused/);
    const ready = await node.ready();
    assert.equal(ready.status, 503);
    assert.equal(ready.vpn_state, 'vpn_unavailable');
    await stop(node);
  });

  it('touches nothing if the cloud asks for no VPN', async () => {
    const home = newHome(lab);
    await lab.cloud.setVpn({ required: false });
    await lab.cloud.openPublic(PUBLIC);
    // Redis is behind the tunnel, so the node waits for it: that there is no tunnel is the point.
    const node = start({ home, token: await lab.cloud.issueToken() });
    await node.says('serving QPU');
    await lab.cloud.closePublic(PUBLIC);
    assert.equal((await node.ready()).vpn_state, 'ready');
    assert.deepEqual(openvpnsIn(lab.client), []);
    const left = readdirSync(node.stateDir).filter((name) => /openvpn|ovpn/.test(name));
    assert.deepEqual(left, []);
    await stop(node);
  });

  it("leaves the operator's own tunnel alone, and takes its name exactly", async () => {
    const home = newHome(lab);
    const first = await provision({ home });
    // The tunnel of a killed node serves as the operator's.
    const device = (await node_interface(first)) ?? '';
    first.child.kill('SIGKILL');
    await first.ended;
    const earlier = openvpnsIn(lab.client);
    const env = { CODA_NODE_AUTO_VPN: 'false' };
    await lab.cloud.setVpn({
      required: true,
      check_interval_sec: 2,
      interface_hint: device.slice(0, -1),
      client_profile_ovpn: lab.profile,
    });
    const wrong = start({ home, env });
    assert.equal(await wrong.ended, 1);
    assert.match(wrong.output(), new RegExp(`there is no interface ${device.slice(0, -1)}\n?`));
    await lab.cloud.setVpn({
      required: true,
      check_interval_sec: 2,
      interface_hint: device,
      client_profile_ovpn: lab.profile,
    });
    const right = start({ home, env });
    await right.says('serving QPU');
    await done(await lab.cloud.submit(PRIVATE, ir));
    await stop(right);
    assert.deepEqual(openvpnsIn(lab.client), earlier);
  });
});

async function node_interface(node: VpnNode): Promise<string | null | undefined> {
  return (await node.ready()).vpn_interface;
}

/** Prints a figure, and returns it in milliseconds. */
function figure(t: TestContext, what: string, since: number): number {
  const ms = performance.now() - since;
  t.diagnostic(`figure: VPN, ${what}: ${(ms / 1000).toFixed(2)} s`);
  return ms;
}

function journal(node: VpnNode): string {
  return readFileSync(join(node.stateDir, 'coda-node-spool', 'outbox.journal'), 'utf8');
}
