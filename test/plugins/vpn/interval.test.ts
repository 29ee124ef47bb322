// The probes of the tunnel come at the interval that the cloud asks for (PROTOCOL §12).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vpn } from '../../../plugins/vpn/index.ts';
import { waitUntil } from '../../../src/local-cloud/wait.ts';
import { standIn, testJobs, testSession } from '../../support/harness.ts';
import { json, serve } from '../../support/http-server.ts';

const INTERVAL_SEC = 1;

test('the time that a probe takes is part of the interval, which is neither shortened nor prolonged', async (t) => {
  const at: number[] = [];
  const target = await serve(t, (response) => {
    at.push(performance.now());
    setTimeout(() => json(response, 200, {}), 200);
  });
  const session = await testSession({
    vpn: {
      required: true,
      checkIntervalSec: INTERVAL_SEC,
      // No machine has it, so the VPN is degraded: its probes get through all the same.
      interfaceHint: 'coda-none0',
      probeTargets: [target.url],
    },
  });
  const settings = { nodeAutoVpn: false, allowDegradedStartup: true };
  const node = standIn(t, vpn({ upWithinMs: 50 }), { session, settings, jobs: testJobs() });
  await node.hooks.network.promise(session);
  assert.equal(node.readiness().vpnState, 'degraded');
  const atBoot = at.length;
  await node.hooks.start.promise();
  await waitUntil('four probes', () => at.length >= atBoot + 4, { timeoutMs: 20_000 });
  const [first = 0, , , fourth = 0] = at.slice(atBoot);
  const meanSec = (fourth - first) / 3_000;
  assert.ok(meanSec > INTERVAL_SEC * 0.95, `every ${meanSec} s`);
});
