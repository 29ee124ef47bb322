// What a connect leaves behind: a session, credentials on disk, and no secret in the log.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readState } from '../../../src/config/persisted.ts';
import { ConfigError } from '../../../src/index.ts';
import { KEY_PEM } from '../../support/harness.ts';
import { decodeJwt } from '../../support/http-server.ts';
import { answering, BUNDLE, connected, failure, nodeAt, RECONNECT, TOKEN } from './connecting.ts';

test('a token becomes a session, and credentials on disk', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const node = nodeAt(t, cloud, {
    settings: { nodeConnectHeaders: { 'X-Lab': '7', authorization: 'Bearer mine' } },
  });
  const session = await connected(node);

  const [request] = cloud.received;
  assert.equal(cloud.received.length, 1);
  assert.deepEqual([request?.method, request?.url], ['POST', '/api/internal/qpu/connect']);
  assert.equal(request?.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(request.headers['x-lab'], '7');
  assert.deepEqual(JSON.parse(request.body), { machine_fingerprint: session.machineFingerprint });
  assert.ok(session.machineFingerprint.startsWith(`${hostname()}-`));

  const { signer, ...facts } = session;
  assert.deepEqual(facts, {
    qpuId: 'qpu-7',
    qpuDisplayName: 'Seven',
    nativeGateSet: 'iswap',
    numQubits: 9,
    machineFingerprint: session.machineFingerprint,
    redisUrl: BUNDLE.redis_url,
    webappUrl: 'https://cloud.example',
    heartbeatPath: '/beat',
    vpn: {
      required: false,
      checkIntervalSec: 3,
      interfaceHint: null,
      probeTargets: ['https://probe.example/'],
    },
  });
  const { header, claims } = decodeJwt(await signer.token());
  assert.deepEqual([header['kid'], claims['sub']], ['key-7', 'qpu-7']);

  const { stateDir } = node.settings;
  assert.deepEqual(readdirSync(stateDir).toSorted(), ['coda-private-key', 'coda.config']);
  for (const file of readdirSync(stateDir))
    assert.equal(statSync(join(stateDir, file)).mode & 0o777, 0o600, file);
  const state = readState(stateDir);
  assert.equal(state?.jwtPrivateKey.trim(), KEY_PEM.trim());
  assert.equal(state.qpuId, 'qpu-7');
  assert.equal(state.nodeMachineFingerprint, session.machineFingerprint);
  assert.equal(state.vpnRequired, false);
  assert.equal(state.heartbeatPath, '/beat');
  assert.equal(state.webhookPath, node.settings.webhookPath);
});

test('the secrets of token and bundle are masked in the log from then on', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const node = nodeAt(t, cloud);
  await connected(node);
  const from = node.lines.length;
  for (const secret of [TOKEN, KEY_PEM, 's3cret%21password', 's3cret!password'])
    node.log.info(`leak ${secret}`);
  for (const line of node.lines.slice(from)) assert.match(line, /leak \*\*\*$/);
});

test('fields that the bundle leaves out keep their values', async (t) => {
  const { qpu_id, native_gate_set, redis_url, webapp_url } = BUNDLE;
  const cloud = await answering(t, [
    200,
    { qpu_id, native_gate_set, redis_url, webapp_url, qpu_label: 'Label' },
  ]);
  const node = nodeAt(t, cloud, {
    settings: {
      ...RECONNECT,
      numQubits: 4,
      heartbeatPath: '/mine',
      vpnRequired: false,
      vpnInterfaceHint: 'tun3',
      nodeMachineFingerprint: 'm-1',
    },
  });
  const session = await connected(node);
  assert.deepEqual(
    [
      session.numQubits,
      session.heartbeatPath,
      session.vpn.interfaceHint,
      session.machineFingerprint,
      session.qpuDisplayName,
    ],
    [4, '/mine', 'tun3', 'm-1', 'Label'],
  );
  const state = readState(node.settings.stateDir);
  assert.deepEqual([state?.jwtKeyId, state?.jwtPrivateKey.trim()], ['key-7', KEY_PEM.trim()]);
});

test('a VPN profile is handed on', async (t) => {
  const vpn = { required: true, client_profile_ovpn: 'client\n' };
  const cloud = await answering(t, [200, { ...BUNDLE, vpn }]);
  const session = await connected(nodeAt(t, cloud));
  assert.deepEqual([session.vpn.required, session.vpn.profile], [true, 'client\n']);
});

test('a state directory that cannot be written costs no token', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const file = join(mkdtempSync(join(tmpdir(), 'coda-connect-')), 'file');
  t.after(() => rmSync(join(file, '..'), { recursive: true }));
  writeFileSync(file, '');
  const error = await failure(nodeAt(t, cloud, { settings: { stateDir: join(file, 'state') } }));
  assert.ok(error instanceof ConfigError);
  assert.equal(cloud.received.length, 0);
});
