// A real OpenVPN server that pushes what it should not, or is not the one it says it is: the machine's routes and DNS
// stay as they were, but for what the tunnel is there for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { bell, waitUntil } from '../../../../src/testing/index.ts';
import { until } from './diagnosis.ts';
import { labIsMissing, openvpnsIn, PRIVATE, PUBLIC, startLab, type Lab } from './lab.ts';
import { endNodes, newHome, startVpnNode, type VpnNode } from './node-process.ts';

const { ir } = bell('cz');
const missing = labIsMissing();
const push = (option: string): string => `push "${option.replaceAll('"', '\\"')}"`;

const HOSTILE_PUSHES = [
  'route 0.0.0.0 128.0.0.0',
  ' route 128.0.0.0 128.0.0.0',
  '"route" 64.0.0.0 192.0.0.0',
  '--route 32.0.0.0 224.0.0.0',
  'route 0.0.0.0 0.0.0.0',
  'route 169.254.169.254 255.255.255.255',
  'route 127.0.0.0 255.0.0.0',
  'route 10.97.0.1 255.255.255.255',
  'route 10.97.0.0 255.255.255.128',
  'route 172.16.0.0 255.240.0.0 net_gateway',
  'route-ipv6 2000::/3',
  'route-ipv6 ::/0',
  'route-ipv6 ::/1',
  'redirect-gateway def1 ipv6 bypass-dhcp',
  'redirect-private local',
  'dhcp-option DNS 6.6.6.6',
  'dhcp-option DOMAIN-ROUTE .',
  'dns server 1 address 6.6.6.6',
  'block-outside-dns',
  'block-ipv6',
  'script-security 2',
  'setenv-safe x y',
  'up /bin/true',
];
/** Everything that is no reserved address, in pieces that each are narrow enough. */
const MANY_PIECES = Array.from({ length: 222 }, (_, i) => `route ${i + 1}.0.0.0 255.0.0.0`).filter(
  (route) => !/ (10|127)\./.test(route),
);

describe('a hostile VPN server', { skip: missing === undefined ? false : `not run: ${missing}` }, () => {
  let lab: Lab;
  const running: VpnNode[] = [];
  before(async () => {
    lab = await startLab();
    await lab.cloud.openPublic(PUBLIC);
    // The way into the world, which the tunnel must not take over.
    execFileSync('ip', ['-n', lab.client, 'route', 'add', 'default', 'via', PUBLIC]);
  });
  after(() => lab.close());
  afterEach(async () => {
    await endNodes(lab, running);
    await lab.killServer();
  });

  async function start(home: string, vpn: object = {}): Promise<VpnNode> {
    await lab.cloud.setVpn({
      required: true,
      check_interval_sec: 2,
      client_profile_ovpn: lab.profile,
      ...vpn,
    });
    const node = startVpnNode(lab, { home, token: await lab.cloud.issueToken() });
    running.push(node);
    return node;
  }

  async function serving(home: string, vpn: object = {}): Promise<VpnNode> {
    const node = await start(home, vpn);
    await node.says('serving QPU');
    const jobId = await lab.cloud.submit(PRIVATE, ir);
    await until(lab, running, 'a result', async () => (await lab.cloud.result(jobId)) === 'completed');
    return node;
  }

  function routes(): string[] {
    return ['-4', '-6'].flatMap((family) =>
      execFileSync('ip', ['-n', lab.client, family, 'route'], { encoding: 'utf8' })
        .split('\n')
        .map((line) =>
          line
            .replace(/ dev coda\w+/, ' dev TUN')
            .replace(/ src \S+/, '')
            .trim(),
        )
        .filter((line) => line !== '' && !line.startsWith('fe80::')),
    );
  }
  const ALLOWED = [`${PRIVATE} via 10.98.0.1 dev TUN`, '10.98.0.0/24 dev TUN proto kernel scope link'];

  it('changes no route and no DNS but the way to the cloud, whatever it pushes', async () => {
    await lab.startServer({ lines: HOSTILE_PUSHES.map(push) });
    const untouched = routes();
    // What the node finds at /etc/resolv.conf.
    const path = join('/etc/netns', lab.client, 'resolv.conf');
    const resolver = readFileSync(path, 'utf8');
    const node = await serving(newHome(lab));
    assert.deepEqual(routes().toSorted(), [...untouched, ...ALLOWED].toSorted());
    assert.equal(readFileSync(path, 'utf8'), resolver);
    const said = node
      .output()
      .split('\n')
      .filter((line) => line.includes('pushes what this node does not take'));
    assert.equal(said.length, 1, node.output());
    assert.match(String(said[0]), /redirect-gateway, redirect-private, dhcp-option, dns, block-outside-dns/);
    assert.match(node.output(), /the VPN server pushes 1 routes that are allowed/);
  });

  it('cannot cover the internet with many small routes', async () => {
    await lab.startServer({ lines: MANY_PIECES.map(push) });
    const untouched = routes();
    const node = await serving(newHome(lab));
    assert.deepEqual(routes().toSorted(), [...untouched, ...ALLOWED].toSorted());
    assert.match(node.output(), /route 1\.0\.0\.0\/8 \(together with the others it covers too much/);
  });

  it('pushes more routes than any network needs to no effect, and the node is up at once', async () => {
    const many = Array.from({ length: 14_719 }, (_, n) => push(`route 10.${n >> 8}.${n & 255}.0`));
    await lab.startServer({ lines: many });
    const untouched = routes();
    const node = await serving(newHome(lab));
    assert.deepEqual(routes().toSorted(), [...untouched, ...ALLOWED.slice(1)].toSorted());
    assert.match(node.output(), /does not take: more than 1000 routes, and so none of them$/m);
  });

  it('cannot do later what it could not do at first', async () => {
    await lab.startServer({ lines: [] });
    const untouched = routes();
    const node = await serving(newHome(lab));
    await lab.killServer();
    await waitUntil('the outage', async () => (await node.ready()).vpn_state === 'vpn_unavailable');
    await lab.startServer({ lines: [...HOSTILE_PUSHES, ...MANY_PIECES].map(push) });
    await waitUntil('ready', async () => (await node.ready()).ready);
    await node.says('pushes what this node does not take');
    assert.deepEqual(routes().toSorted(), [...untouched, ...ALLOWED].toSorted());
  });

  it('loses its client for good if it gives it an address whose mask covers the internet', async () => {
    const folder = join(lab.folder, 'clients');
    mkdirSync(folder);
    writeFileSync(join(folder, 'DEFAULT'), 'ifconfig-push 70.98.0.9 192.0.0.0\n');
    await lab.startServer({ lines: [`client-config-dir ${folder}`] });
    const untouched = routes();
    const node = await start(newHome(lab));
    await node.says('OpenVPN is ended, since the tunnel takes the traffic to 64.0.0.0/2');
    assert.equal(await node.ended, 1, node.output());
    assert.deepEqual(openvpnsIn(lab.client), []);
    assert.deepEqual(routes(), untouched);
  });

  it('is not believed if it shows the certificate of a client, also if the profile checks nothing', async () => {
    await lab.startServer({ as: 'client' });
    const profile = lab.profile.replace('remote-cert-tls server\n', '');
    const node = await start(newHome(lab), { client_profile_ovpn: profile });
    await node.says("'remote-cert-tls server' is added, since nothing in it checks");
    await waitUntil('the end of the node', () => node.child.exitCode !== null, { timeoutMs: 60_000 });
    assert.match(node.output(), /certificate is not marked as one of a server/);
  });

  it('costs one further start of OpenVPN, and only the first time', async () => {
    await lab.startServer({ lines: [] });
    const home = newHome(lab);
    const first = await serving(home);
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0);
    assert.equal(first.output().split('OpenVPN started').length - 1, 2, first.output());
    assert.match(
      readFileSync(join(first.stateDir, 'coda-node.ovpn'), 'utf8'),
      new RegExp(`\\nroute ${PRIVATE} `),
    );
    const second = await serving(home);
    assert.equal(second.output().split('OpenVPN started').length - 1, 1, second.output());
  });
});
