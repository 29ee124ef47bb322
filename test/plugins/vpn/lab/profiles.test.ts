// What operators bring: profiles as other programs export them, and names of which not every address can be reached. Each
// through a whole node, with a real OpenVPN server at the other end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { bell } from '../../../../src/testing/index.ts';
import { EXPORTS, STATIC_KEY } from '../exports.ts';
import { until } from './diagnosis.ts';
import { labIsMissing, openvpnsIn, PRIVATE, PUBLIC, startLab, type Lab } from './lab.ts';
import { endNodes, newHome, startVpnNode, type VpnNode } from './node-process.ts';
import type { Pki } from './pki.ts';

const missing = labIsMissing();
const VPN = 'vpn.lab';
const CLOUD = 'cloud.lab';
/** On the cable, and with nobody behind it. */
const DEAD = '2001:db8:97:0:0:0:0:66';

const AUTH = `key-direction 0\n<tls-auth>\n${STATIC_KEY}\n</tls-auth>`;
const CRYPT = `<tls-crypt>\n${STATIC_KEY}\n</tls-crypt>`;
/** What the server on the other side of each has in its configuration. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  pfSense: ['auth SHA256', AUTH],
  'OpenVPN Access Server': ['comp-lzo no', AUTH],
  'the openvpn-install script with easy-rsa': ['auth SHA256', CRYPT],
  'the short road warrior script': ['auth SHA512', CRYPT],
};

/** The profile with the names, the ports and the certificates of the lab, and otherwise as it is. */
function ofLab(text: string, { ca, client }: Pki): string {
  const spaced = /^-----BEGIN .*\n\n/m.test(text);
  const pem = (item: string): string => (spaced ? item.replace(/(-----BEGIN .*-----)\n/g, '$1\n\n') : item);
  const blocks = { ca, cert: client.cert, key: client.key };
  const inline = Object.entries(blocks).map(([tag, item]) => `<${tag}>\n${pem(item)}</${tag}>\n`);
  return text
    .replace(/<ca>[^]*<\/key>\n/, inline.join(''))
    .replace(/^remote \S+/gm, `remote ${VPN}`)
    .replace(/^(remote \S+|rport) 443$/gm, '$1 1194')
    .replace(/^verify-x509-name .* name$/gm, 'verify-x509-name lab-server name');
}

describe('with what operators bring', { skip: missing === undefined ? false : `not run: ${missing}` }, () => {
  let lab: Lab;
  const running: VpnNode[] = [];
  before(async () => {
    lab = await startLab();
    await lab.cloud.openPublic(PUBLIC);
    await lab.cloud.serveNames(PUBLIC, { [VPN]: [PUBLIC], [CLOUD]: [PUBLIC, DEAD] });
  });
  after(async () => {
    assert.deepEqual(await lab.cloud.violations(), []);
    await lab.close();
  });
  afterEach(async () => {
    await endNodes(lab, running);
  });

  async function start(vpn: object, env: Readonly<Record<string, string>> = {}): Promise<VpnNode> {
    await lab.cloud.setVpn({ check_interval_sec: 2, ...vpn });
    const node = startVpnNode(lab, { home: newHome(lab), token: await lab.cloud.issueToken(), env });
    running.push(node);
    return node;
  }

  for (const [style, { text, warned }] of Object.entries(EXPORTS)) {
    it(`a node comes up with a profile from ${style}`, async () => {
      await lab.startServer({ lines: SERVERS[style] ?? [] });
      const node = await start({ required: true, client_profile_ovpn: ofLab(text, lab.pki) });
      await until(lab, running, 'serving', () => {
        assert.equal(node.child.exitCode, null, 'the node has ended');
        return node.output().includes('serving QPU');
      });
      for (const directive of warned)
        assert.match(node.output(), new RegExp(`WARN .* the VPN profile: '${directive}`), directive);
    });
  }

  it('a node names all lines that it refuses, starts no OpenVPN, and keeps its credentials', async () => {
    const lines = {
      'auth-user-pass': 'the node has no user name and password',
      'redirect-gateway def1': 'the node does not let a profile redirect all traffic',
      'up /etc/openvpn/update-resolv-conf': 'it runs a program',
      'pkcs12 user.p12': 'it reads or writes a file',
      'route 0.0.0.0 128.0.0.0': 'it covers too much of the internet',
      'route 128.0.0.0 128.0.0.0': 'it covers too much of the internet',
    };
    const text = `${Object.keys(lines).join('\n')}\n${EXPORTS['pfSense']?.text}`;
    const node = await start({ required: true, client_profile_ovpn: ofLab(text, lab.pki) });
    assert.equal(await node.ended, 1, node.output());
    assert.match(node.output(), /6 lines of the VPN profile are refused/);
    for (const [i, [line, why]] of Object.entries(lines).entries()) {
      const [directive] = line.split(' ');
      assert.match(node.output(), new RegExp(`line ${i + 1}: '${directive}' is refused: .*${why}`));
    }
    assert.match(node.output(), /Correct the profile in Coda/);
    assert.deepEqual(openvpnsIn(lab.client), []);
    assert.ok(existsSync(join(node.stateDir, 'coda-private-key')));
  });

  it('a node reaches the cloud and Redis by a name whose first address is dead', async () => {
    const ip = (...words: string[]): void => void execFileSync('ip', ['-n', lab.client, '-6', ...words]);
    ip('address', 'add', '2001:db8:97::2/64', 'dev', lab.cable, 'nodad');
    ip('neighbour', 'add', DEAD, 'lladdr', '02:00:00:00:00:66', 'nud', 'permanent', 'dev', lab.cable);
    assert.deepEqual(await lab.probe.resolve(CLOUD), ['2001:db8:97::66', PUBLIC]);
    await lab.cloud.setHost(CLOUD);
    try {
      const { port } = new URL(lab.publicUrl);
      const node = await start({ required: false }, { CODA_WEBAPP_URL: `http://${CLOUD}:${port}` });
      await node.says('reading jobs');
      const jobId = await lab.cloud.submit(CLOUD, bell('cz').ir);
      const isDone = async (): Promise<boolean> => (await lab.cloud.result(jobId)) === 'completed';
      await until(lab, running, 'the result', isDone);
    } finally {
      await lab.cloud.setHost(PRIVATE);
    }
  });
});
