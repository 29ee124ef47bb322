// Connecting to a real HTTP server in the cloud's place: what is sent, what is kept, and what each failure says.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newFingerprint } from '../../../plugins/connect/fingerprint.ts';
import { connect } from '../../../plugins/connect/index.ts';
import { readState, type PersistedState } from '../../../src/config/state.ts';
import {
  AuthError,
  CodaError,
  ConfigError,
  NodeError,
  type Executor,
  type Session,
  type Settings,
} from '../../../src/index.ts';
import { waitUntil } from '../../../src/testing/wait.ts';
import {
  decodeJwt,
  json,
  KEY_PEM,
  serve,
  standIn,
  type StandIn,
  type StandInOptions,
  type TestServer,
} from '../harness.ts';

const TOKEN = 'one-time-token-4711';
const BUNDLE = {
  qpu_id: 'qpu-7',
  qpu_display_name: 'Seven',
  native_gate_set: 'iswap',
  num_qubits: 9,
  redis_url: 'redis://:s3cret%21password@127.0.0.1:6379',
  webapp_url: 'https://cloud.example',
  jwt_private_key: KEY_PEM,
  jwt_key_id: 'key-7',
  heartbeat_path: '/beat',
  vpn: {
    required: false,
    check_interval_sec: 3,
    probe_targets: ['https://probe.example/'],
    interface_hint: null,
  },
  unknown_field: { ignored: true },
};
const SAVED: PersistedState = {
  qpuId: 'qpu-old',
  jwtKeyId: 'key-old',
  jwtPrivateKey: KEY_PEM,
  nodeMachineFingerprint: 'old-machine-1',
};

type Options = Omit<StandInOptions, 'settings'> & { settings?: Partial<Settings> };

function nodeAt(t: TestContext, cloud: Pick<TestServer, 'url'>, options: Options = {}): StandIn {
  const stateDir = mkdtempSync(join(tmpdir(), 'coda-connect-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const settings = { webappUrl: cloud.url, stateDir, nodeToken: TOKEN, ...options.settings };
  return standIn(t, connect(), { ...options, settings });
}

async function connected(node: StandIn): Promise<Session> {
  const session = await node.hooks.connect.promise();
  assert.ok(session !== undefined);
  return session;
}

async function failure(node: StandIn): Promise<CodaError> {
  const thrown: unknown = await node.hooks.connect.promise().then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof CodaError && thrown.plugin === 'connect', String(thrown));
  assert.ok(!thrown.message.includes(TOKEN), 'no token in the error');
  return thrown;
}

const answering = (
  t: TestContext,
  ...answers: readonly (readonly [number, unknown])[]
): Promise<TestServer> =>
  serve(t, (response, _, number) => {
    const [status, body] = answers[Math.min(number, answers.length) - 1] ?? [500, {}];
    json(response, status, body);
  });

/** A start without a token, with the credentials of an earlier one. */
const RECONNECT: Partial<Settings> = {
  nodeToken: '',
  qpuId: 'qpu-7',
  jwtKeyId: 'key-7',
  jwtPrivateKey: KEY_PEM,
};

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

test('what the bundle leaves out stays as it is', async (t) => {
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

test('without a token the node signs a JWT, a new one for each attempt', async (t) => {
  const cloud = await answering(t, [503, {}], [200, BUNDLE]);
  const node = nodeAt(t, cloud, { settings: RECONNECT });
  await connected(node);
  assert.equal(cloud.received.length, 2);
  const [first, second] = cloud.received.map(({ headers }) => decodeJwt(headers.authorization));
  assert.deepEqual([first?.claims['sub'], first?.header['kid']], ['qpu-7', 'key-7']);
  assert.notEqual(second?.claims['iat'], first?.claims['iat'], 'signed a second later');
});

test('the connectivity of the device is sent along', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const executor: Executor = {
    run: () => Promise.reject(new Error('unused')),
    device: {
      logicalEdges: [
        [0, 1],
        [1, 2],
      ],
    },
  };
  await connected(nodeAt(t, cloud, { executor }));
  assert.deepEqual(JSON.parse(cloud.received[0]?.body ?? '').connectivity, [
    [0, 1],
    [1, 2],
  ]);
});

test('beforeConnect is fired once and may change headers and body, but not the credentials', async (t) => {
  const cloud = await answering(t, [503, {}], [200, BUNDLE]);
  const node = nodeAt(t, cloud);
  const modes: string[] = [];
  node.hooks.beforeConnect.tap('lab', (request) => {
    modes.push(request.mode);
    request.headers['x-room'] = 'B12';
    request.headers['Authorization'] = 'Bearer stolen';
    request.body.machine_fingerprint += '-b12';
  });
  await connected(node);
  assert.deepEqual(modes, ['token']);
  for (const { headers, body } of cloud.received) {
    assert.deepEqual([headers['x-room'], headers.authorization], ['B12', `Bearer ${TOKEN}`]);
    assert.match(JSON.parse(body).machine_fingerprint, /-b12$/);
  }
});

test('a token that is used already falls back to the credentials of an earlier start, with a warning', async (t) => {
  const cloud = await serve(t, (response, { headers }) => {
    if (headers.authorization === `Bearer ${TOKEN}`) json(response, 401, { error: 'token already used' });
    else json(response, 200, BUNDLE);
  });
  const node = nodeAt(t, cloud, { state: { ...SAVED, webappUrl: cloud.url, connectPath: '/again' } });
  let fired = 0;
  node.hooks.beforeConnect.tap('count', () => void fired++);
  const session = await connected(node);
  assert.equal(session.qpuId, 'qpu-7');
  assert.equal(session.machineFingerprint, 'old-machine-1');
  const [, again] = cloud.received;
  assert.equal(again?.url, '/again');
  assert.deepEqual(decodeJwt(again.headers.authorization).claims['sub'], 'qpu-old');
  assert.equal(fired, 1);
  assert.match(node.logged('WARN').join('\n'), /does not take the token.*as qpu-old/);
});

test('a refused token without credentials, or with a broken key, is a NodeError', async (t) => {
  const cloud = await answering(t, [401, { error: `token ${TOKEN} was used\nbefore` }]);
  for (const state of [undefined, { ...SAVED, jwtPrivateKey: 'nonsense' }]) {
    const error = await failure(nodeAt(t, cloud, state === undefined ? {} : { state }));
    assert.ok(error instanceof NodeError);
    assert.equal(error.status, 401);
    assert.match(error.message, /refused the connect with 401: token \*\*\* was used\\nbefore/);
    assert.match(error.remedy ?? '', /Get a new token/);
  }
});

test('a 4xx is final and carries the words of the cloud; only 401 falls back', async (t) => {
  const cloud = await answering(t, [403, { message: 'QPU is disabled' }]);
  const error = await failure(nodeAt(t, cloud, { state: SAVED }));
  assert.ok(error instanceof NodeError);
  assert.match(error.message, /403: QPU is disabled/);
  assert.equal(cloud.received.length, 1);
});

test('5xx answers are tried again as often as configured, with growing waits, and each attempt is logged', async (t) => {
  const cloud = await answering(t, [500, {}], [502, {}], [503, { error: 'maintenance' }]);
  const started = performance.now();
  const error = await failure(nodeAt(t, cloud, { settings: { nodeConnectRetries: 3 } }));
  assert.ok(performance.now() - started >= 2_990, 'one second, then two');
  assert.ok(error instanceof NodeError);
  assert.equal(error.status, 503);
  assert.match(error.message, /could not be reached in 3 attempts: it answered 503: maintenance/);
  assert.equal(cloud.received.length, 3);
});

test('an unreachable cloud and a hanging one are NodeErrors', async (t) => {
  const settings = { nodeConnectRetries: 1, nodeTimeoutSec: 0.1 };
  const refused = await failure(nodeAt(t, { url: 'http://127.0.0.1:1' }, { settings }));
  assert.ok(refused instanceof NodeError);
  assert.match(refused.message, /http:\/\/127\.0\.0\.1:1 could not be reached in 1 attempt: .*ECONNREFUSED/);
  const hanging = await serve(t, () => {});
  assert.match((await failure(nodeAt(t, hanging, { settings }))).message, /no whole answer within 0\.1 s/);
});

test('a token that an unanswered attempt may have used up is explained', async (t) => {
  const cloud = await serve(t, (response, _, number) => {
    if (number === 1) response.destroy();
    else json(response, 401, { error: 'token already used' });
  });
  const error = await failure(nodeAt(t, cloud));
  assert.match(error.remedy ?? '', /An earlier attempt may have used the token up/);
});

const strange: [string, (response: ServerResponse) => void, RegExp][] = [
  [
    'a redirect',
    (response) => response.writeHead(302, { location: 'https://login.example/x?secret=1' }).end(),
    /302, a redirect to https:\/\/login\.example; redirects are not followed/,
  ],
  ['a page', (response) => response.end('<html>welcome</html>'), /200, but not with a JSON object/],
  ['a list', (response) => response.end('[]'), /not with a JSON object/],
  ['nothing', (response) => response.writeHead(204).end(), /204, but not with a JSON object/],
  ['too much', (response) => response.end(`{"x":"${'a'.repeat(1_100_000)}"}`), /longer than 1048576 bytes/],
  [
    'a bundle without qpu_id',
    (response) => json(response, 200, { ...BUNDLE, qpu_id: '' }),
    /'qpu_id' is missing/,
  ],
];
for (const [what, respond, expected] of strange) {
  test(`${what} in answer is a NodeError, and nothing is saved`, async (t) => {
    const cloud = await serve(t, respond);
    const node = nodeAt(t, cloud, { settings: { nodeConnectRetries: 1 } });
    const error = await failure(node);
    assert.ok(error instanceof NodeError);
    assert.match(error.message, expected);
    assert.equal(cloud.received.length, 1);
    assert.deepEqual(readdirSync(node.settings.stateDir), []);
  });
}

test('without any credentials the error says how to get going', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const nothing = await failure(nodeAt(t, cloud, { settings: { nodeToken: '' } }));
  assert.ok(nothing instanceof ConfigError);
  assert.match(nothing.message, /no credentials yet[^]*coda start --token/);
  const half = await failure(nodeAt(t, cloud, { settings: { ...RECONNECT, jwtKeyId: '' } }));
  assert.ok(half instanceof ConfigError);
  assert.match(half.message, /CODA_JWT_KEY_ID is missing/);
  const broken = await failure(nodeAt(t, cloud, { settings: { ...RECONNECT, jwtPrivateKey: 'nonsense' } }));
  assert.ok(broken instanceof AuthError);
  assert.equal(cloud.received.length, 0);
});

test('a header or token that cannot be sent is a ConfigError that names it, not its value', async (t) => {
  const cloud = await answering(t, [200, BUNDLE]);
  const header = await failure(
    nodeAt(t, cloud, { settings: { nodeConnectHeaders: { 'x-lab': 'se\ncret' } } }),
  );
  assert.ok(header instanceof ConfigError);
  assert.match(header.message, /the header 'x-lab' cannot be sent/);
  assert.doesNotMatch(header.message, /se\ncret/);
  const token = await failure(nodeAt(t, cloud, { settings: { nodeToken: 'to\nken' } }));
  assert.ok(token instanceof ConfigError);
  assert.match(token.message, /CODA_NODE_TOKEN/);
  assert.equal(cloud.received.length, 0);
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

test('closing the node ends a wait and a hanging attempt at once', async (t) => {
  const failing = await answering(t, [503, {}]);
  const waiting = nodeAt(t, failing, { settings: { nodeConnectRetries: 100 } });
  const given = failure(waiting);
  await waitUntil('the first wait', () => waiting.logged('next attempt in').length > 0);
  await waiting.close();
  assert.match((await given).message, /given up: the node is closing/);

  const silent = await serve(t, () => {});
  const hanging = nodeAt(t, silent);
  const cut = failure(hanging);
  await waitUntil('the attempt', () => silent.received.length > 0);
  await hanging.close();
  assert.match((await cut).message, /given up: the node is closing/);
});

test('a new fingerprint is the same each time on one machine', () => {
  assert.match(newFingerprint(), /^.+-\d{1,15}$/);
  assert.equal(newFingerprint(), newFingerprint());
});
