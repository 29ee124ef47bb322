// A cloud that requires a VPN, and no plugin that brings one up: the node says so and keeps its credentials (PROTOCOL §1).
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { VPNError } from '../../src/index.ts';
import { bell, startLocalCloud, startTestNode, type LocalCloud } from '../../src/testing/index.ts';

const vpn = { required: true, client_profile_ovpn: 'client\ndev tun\nremote vpn.example.org 1194\n' };
/** A node whose VPN plugin is not there. */
const CONFIG = "plugins: [['vpn', false]]\n";

describe('a VPN that is required and not there', () => {
  let cloud: LocalCloud;
  let stateDir: string;
  before(async () => {
    cloud = await startLocalCloud({ bundle: (bundle) => ({ ...bundle, vpn }) });
  });
  after(async () => {
    await cloud.close();
  });
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'coda-vpn-required-'));
    await writeFile(join(stateDir, 'coda.config.yaml'), CONFIG);
  });
  afterEach(async () => {
    await rm(stateDir, { recursive: true, force: true });
  });

  it('ends the start with a VPNError, and the next start needs no token', async () => {
    await assert.rejects(startTestNode({ cloud, stateDir, token: cloud.issueToken() }), (thrown) => {
      assert.ok(thrown instanceof VPNError);
      assert.match(thrown.message, /requires a VPN[^]*CODA_ALLOW_DEGRADED_STARTUP/);
      return true;
    });
    assert.match(await readFile(join(stateDir, 'coda-private-key'), 'utf8'), /BEGIN PRIVATE KEY/);
    await assert.rejects(startTestNode({ cloud, stateDir }), VPNError);
    assert.equal(cloud.connects.at(-1)?.mode, 'jwt');
    assert.equal(cloud.connects.at(-1)?.answer, 200);
  });

  it('is a warning with CODA_ALLOW_DEGRADED_STARTUP, and /ready says degraded', async () => {
    const test = await startTestNode({
      cloud,
      stateDir,
      token: cloud.issueToken(),
      env: { CODA_ALLOW_DEGRADED_STARTUP: 'yes' },
    });
    try {
      assert.ok(test.log.some((line) => /WARN .*requires a VPN/.test(line)));
      assert.equal(test.node.readiness().vpnState, 'degraded');
      const jobId = await cloud.submit({ ir: bell('cz').ir });
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await test.stop();
    }
  });
});
