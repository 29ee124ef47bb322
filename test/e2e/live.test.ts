// A smoke test against the live cloud (PROTOCOL §14): does it know us, does it take a heartbeat, do we get to read jobs?
// Opt-in, since it uses up a one-time token: CODA_RUN_E2E=1 CODA_E2E_NODE_TOKEN=<token> npm test -- live
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { waitUntil } from '../../src/testing/index.ts';
import { coda } from '../cli/process.ts';

const token = process.env['CODA_E2E_NODE_TOKEN'] ?? '';
const wanted = process.env['CODA_RUN_E2E'] === '1' && token !== '';
const withVpn = process.env['CODA_RUN_VPN_E2E'] === '1';
const skip = wanted
  ? false
  : 'needs CODA_RUN_E2E=1 and CODA_E2E_NODE_TOKEN, a one-time token of the live cloud';
/** The machine's variables that decide whether the cloud can be reached. */
const NETWORK = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'];

it('a node connects to the live cloud, is heard and becomes ready', { skip, timeout: 110_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coda-live-'));
  const network = NETWORK.flatMap((name) =>
    [name, name.toLowerCase()].map((spelling) => [spelling, process.env[spelling] ?? ''] as const),
  );
  const node = coda(['start', '--host', '127.0.0.1', '--port', '0'], {
    cwd: folder,
    env: {
      ...Object.fromEntries(network.filter(([, value]) => value !== '')),
      CODA_NODE_TOKEN: token,
      CODA_STATE_DIR: folder,
      // Without the tunnel only connect and heartbeat can be tested.
      ...(withVpn ? {} : { CODA_ALLOW_DEGRADED_STARTUP: 'true' }),
    },
  });
  try {
    await node.says('connected as');
    await node.says('serving QPU');
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(node.output()) ?? [];
    const ready = async (): Promise<Record<string, unknown>> => {
      const answer = await fetch(`${url}/ready`);
      return (await answer.json()) as Record<string, unknown>;
    };
    await waitUntil('an accepted heartbeat', async () => (await ready())['last_heartbeat_at'] !== null);
    const { vpn_state: vpnState } = await ready();
    if (vpnState === 'ready') await waitUntil('being ready', async () => (await ready())['ready'] === true);
    else assert.ok(!withVpn, `the tunnel is ${String(vpnState)}: ${node.output()}`);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0, node.output());
  } finally {
    node.child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});
