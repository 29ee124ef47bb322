// Shared by the tests of connect: a cloud with scripted answers, a node that connects to it, and a bundle.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect } from '../../../plugins/connect/index.ts';
import type { PersistedState } from '../../../src/config/persisted.ts';
import { CodaError, type Executor, type Settings } from '../../../src/index.ts';
import type { Session } from '../../../src/kit.ts';
import { KEY_PEM, standIn, type StandIn, type StandInOptions } from '../../support/harness.ts';
import { json, serve, type TestServer } from '../../support/http-server.ts';

export const TOKEN = 'one-time-token-4711';
export const BUNDLE = {
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
/** What an earlier start has left. */
export const SAVED: PersistedState = {
  qpuId: 'qpu-old',
  jwtKeyId: 'key-old',
  jwtPrivateKey: KEY_PEM,
  nodeMachineFingerprint: 'old-machine-1',
};

type Options = Omit<StandInOptions, 'settings'> & { settings?: Partial<Settings> };

export function nodeAt(t: TestContext, cloud: Pick<TestServer, 'url'>, options: Options = {}): StandIn {
  const stateDir = mkdtempSync(join(tmpdir(), 'coda-connect-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const settings = { webappUrl: cloud.url, stateDir, nodeToken: TOKEN, ...options.settings };
  return standIn(t, connect(), { ...options, settings });
}

/** Without `executor`: as on a first start, where it is made later. */
export async function connected(node: StandIn, executor?: Executor): Promise<Session> {
  const session = await node.hooks.connect.promise(executor);
  assert.ok(session !== undefined);
  return session;
}

export async function failure(node: StandIn): Promise<CodaError> {
  const thrown: unknown = await node.hooks.connect.promise(undefined).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof CodaError && thrown.plugin === 'connect', String(thrown));
  assert.ok(!thrown.message.includes(TOKEN), 'no token in the error');
  return thrown;
}

/** A cloud that gives these answers, one for each request, and the last one from then on. */
export const answering = (
  t: TestContext,
  ...answers: readonly (readonly [number, unknown])[]
): Promise<TestServer> =>
  serve(t, (response, _, number) => {
    const [status, body] = answers[Math.min(number, answers.length) - 1] ?? [500, {}];
    json(response, status, body);
  });

/** A start without a token, with the credentials of an earlier one. */
export const RECONNECT: Partial<Settings> = {
  nodeToken: '',
  qpuId: 'qpu-7',
  jwtKeyId: 'key-7',
  jwtPrivateKey: KEY_PEM,
};
