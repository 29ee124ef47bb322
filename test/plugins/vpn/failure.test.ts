// What an operator reads when the tunnel does not come up: the reason, the log's end without secrets, the remedy.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { masked, notInstalled, vpnFailure } from '../../../plugins/vpn/failure.ts';
import { vpn } from '../../../plugins/vpn/index.ts';
import { VPNError } from '../../../src/index.ts';
import { findOpenvpn } from '../../../src/kit.ts';
import { makePki, clientProfile } from './lab/pki.ts';
import { standIn, testSession } from '../../support/harness.ts';

const isMissing = ['openvpn', 'openssl'].find(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);

describe('a tunnel that does not come up', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'coda-vpn-failure-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is explained by the signs in the log', () => {
    const log = join(folder, 'log');
    const cases = [
      ['ERROR: Cannot open TUN/TAP dev /dev/net/tun: No such file or directory (errno=2)', /modprobe tun/],
      ['ERROR: Cannot ioctl TUNSETIFF coda: Operation not permitted (errno=1)', /CAP_NET_ADMIN/],
      ['RESOLVE: Cannot resolve host address: vpn.example:443 (Name or service not known)', /DNS/],
      ['VERIFY ERROR: depth=0, error=certificate has expired: CN=x', /clock/],
      ['TLS Error: TLS key negotiation failed to occur within 60 seconds', /firewall/],
      ['AUTH: Received control message: AUTH_FAILED', /new profile/],
    ] as const;
    for (const [line, remedy] of cases) {
      writeFileSync(log, `before\n${line}\nExiting due to fatal error\n`);
      const error = vpnFailure('no tunnel', log);
      assert.match(error.remedy ?? '', remedy);
      assert.ok(error.message.includes(line));
    }
    assert.match(vpnFailure('no tunnel', join(folder, 'none')).message, /none/);
  });

  it('says nothing that would open the tunnel to others', () => {
    const pushed =
      "PUSH_REPLY,route-gateway 10.98.0.1,auth-token SESS_ID_AT_x7/+9=,ping 10,password 'hunter22'";
    assert.equal(masked(pushed), "PUSH_REPLY,route-gateway 10.98.0.1,auth-token ***,ping 10,password '***'");
    assert.equal(masked(`key ${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(2)}`), 'key ***');
  });

  it('names the missing program and its remedy', () => {
    assert.equal(findOpenvpn({ PATH: folder }, [folder]), undefined);
    assert.match(
      notInstalled().message,
      /OpenVPN is not installed on this machine\n.*apt-get install openvpn/s,
    );
  });

  it(
    'fails the start after the time for it, with the log; and nothing is left running',
    { skip: isMissing === undefined ? false : `not run: ${isMissing} is not installed` },
    async (t) => {
      const node = standIn(t, vpn({ upWithinMs: 1_500 }), { settings: { stateDir: folder } });
      // A process that has the number of an earlier OpenVPN, and even speaks of its profile: not ours to end.
      const words = [
        '-e',
        'setInterval(() => {}, 1000)',
        '--',
        '--config',
        join(folder, 'coda-node.ovpn'),
        'x',
      ];
      const stranger = spawn(process.execPath, words, { stdio: 'ignore' });
      t.after(() => stranger.kill('SIGKILL'));
      writeFileSync(join(folder, 'coda-node-openvpn.pid'), `${stranger.pid}\n`);
      const pki = mkdtempSync(join(folder, 'pki-'));
      const profile = clientProfile(makePki(pki), '127.0.0.1', 9);
      const session = await testSession({
        vpn: { required: true, checkIntervalSec: 1, interfaceHint: null, probeTargets: [], profile },
      });
      await assert.rejects(node.hooks.network.promise(session), (thrown: unknown) => {
        assert.ok(thrown instanceof VPNError);
        assert.match(thrown.message, /did not come up within 1.5 s: there is no interface coda/);
        assert.match(thrown.message, /link remote: \[AF_INET\]127.0.0.1:9/);
        assert.match(thrown.remedy ?? '', /firewall|whole log/);
        return true;
      });
      assert.equal(stranger.exitCode ?? stranger.signalCode, null);
      const pid = Number(readFileSync(join(folder, 'coda-node-openvpn.pid'), 'utf8'));
      assert.equal(statSync(join(folder, 'coda-node.ovpn')).mode & 0o777, 0o600);
      await node.close();
      assert.throws(() => process.kill(pid, 0), /ESRCH/);
      assert.equal(existsSync(join(folder, 'coda-node-openvpn.pid')), false);
    },
  );

  it('writes nothing from a profile that is refused', async (t) => {
    const node = standIn(t, vpn(), { settings: { stateDir: folder } });
    const terms = { required: true, checkIntervalSec: 1, interfaceHint: null, probeTargets: [] };
    const session = await testSession({ vpn: { ...terms, profile: 'up /x' } });
    await assert.rejects(node.hooks.network.promise(session), /'up' is refused: .*it runs a program/);
    await node.close();
    assert.deepEqual(readdirSync(folder), []);
  });
});
