// Every breach of the contract gets a 4xx that names the broken rule, and is recorded as a violation.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { createSigner } from '../../src/protocol/jwt.ts';
import { bell, startLocalCloud, type LocalCloud } from '../../src/testing/index.ts';
import { FINGERPRINT, postJson, startTinyNode, type TinyNode } from './tiny-node.ts';

const CONNECT = '/api/internal/qpu/connect';
const HEARTBEAT = '/api/internal/qpu/heartbeat';
const WEBHOOK = '/api/internal/qpu/webhook';
const BEAT = { current_job: null, last_job_at: null, redis_healthy: true, connectivity: null };
const COMPLETED = {
  job_id: 'good',
  status: 'completed',
  counts: { '00': 50, '11': 50 },
  execution_time_ms: 1.5,
  shots_completed: 100,
};
const FAILED = { job_id: 'good', status: 'failed', error: 'broken' };

const keyPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
let cloud: LocalCloud;
let node: TinyNode;
before(async () => {
  cloud = await startLocalCloud({ keyPair });
  node = await startTinyNode({ url: cloud.url, token: cloud.issueToken(), takesJobs: false });
  await cloud.submit({ jobId: 'good', ir: bell('cz').ir, shots: 100 });
  await cloud.submit({ jobId: 'bad-circuit', ir: '{}', shots: 100 });
  await cloud.submit({ jobId: 'bad-shots', ir: bell('cz').ir, shots: '1e3' });
});
after(async () => {
  await node.close();
  await cloud.close();
});

/** Asserts that the answer is a 4xx whose error matches, and that exactly this violation was recorded. */
async function assertViolation(request: Promise<Response>, status: number, error: RegExp): Promise<void> {
  const known = cloud.violations.length;
  const answer = await request;
  const body = (await answer.json()) as { error: string };
  assert.match(body.error, error);
  assert.equal(answer.status, status, body.error);
  assert.equal(cloud.violations.length, known + 1);
  assert.match(cloud.violations.at(-1) ?? '', error);
}

const without = (body: object, name: string): object =>
  Object.fromEntries(Object.entries(body).filter(([key]) => key !== name));

const connectBreaches: [string, unknown, number, RegExp][] = [
  ['no JSON', '{', 400, /not JSON/],
  ['a list', [], 400, /must be a JSON object, got a list/],
  ['no fingerprint', {}, 422, /has no machine_fingerprint/],
  [
    'an empty fingerprint',
    { machine_fingerprint: ' ' },
    422,
    /machine_fingerprint must be a non-empty string/,
  ],
  ['a number as fingerprint', { machine_fingerprint: 5 }, 422, /machine_fingerprint/],
  [
    'connectivity null',
    { machine_fingerprint: FINGERPRINT, connectivity: null },
    422,
    /connectivity must be a list/,
  ],
  [
    'a triple',
    { machine_fingerprint: FINGERPRINT, connectivity: [[0, 1, 2]] },
    422,
    /connectivity\[0\] must be a pair/,
  ],
  ['a fraction', { machine_fingerprint: FINGERPRINT, connectivity: [[0, 0.5]] }, 422, /connectivity\[0\]/],
  ['an unknown key', { machine_fingerprint: FINGERPRINT, version: 1 }, 422, /unknown keys: 'version'/],
];
for (const [name, body, status, error] of connectBreaches) {
  test(`connect with ${name}`, () => assertViolation(node.post(CONNECT, body), status, error));
}

const heartbeatBreaches: [string, unknown, RegExp][] = [
  ...Object.keys(BEAT).map((key): [string, unknown, RegExp] => [
    `no ${key}`,
    without(BEAT, key),
    new RegExp(key),
  ]),
  ['a fifth key', { ...BEAT, vpn: true }, /unknown keys: 'vpn'/],
  ['a number as job', { ...BEAT, current_job: 1 }, /current_job/],
  ['an empty job', { ...BEAT, current_job: '' }, /current_job/],
  ['a local time', { ...BEAT, last_job_at: '2026-01-01T10:00:00' }, /last_job_at/],
  ['a time as number', { ...BEAT, last_job_at: 17 }, /last_job_at/],
  ['no boolean', { ...BEAT, redis_healthy: 'yes' }, /redis_healthy/],
  ['bad connectivity', { ...BEAT, connectivity: [1] }, /connectivity\[0\]/],
];
for (const [name, body, error] of heartbeatBreaches) {
  test(`heartbeat with ${name}`, () => assertViolation(node.post(HEARTBEAT, body), 422, error));
}

const webhookBreaches: [string, unknown, number, RegExp][] = [
  ...Object.keys(COMPLETED).map((key): [string, unknown, number, RegExp] => [
    `no ${key}`,
    without(COMPLETED, key),
    422,
    new RegExp(key),
  ]),
  ['no error', without(FAILED, 'error'), 422, /has no error/],
  ['an error of a completed job', { ...COMPLETED, error: 'x' }, 422, /unknown keys: 'error'/],
  ['a null', { ...FAILED, counts: null }, 422, /unknown keys: 'counts'/],
  ['an unknown job', { ...COMPLETED, job_id: 'other' }, 404, /no job 'other'/],
  ['another status', { ...COMPLETED, status: 'done' }, 422, /status must be/],
  ['counts as a list', { ...COMPLETED, counts: [] }, 422, /counts must be an object/],
  ['short bitstrings', { ...COMPLETED, counts: { '0': 100 } }, 422, /'0' is not a bitstring of 2/],
  ['letters', { ...COMPLETED, counts: { ab: 100 } }, 422, /'ab' is not a bitstring/],
  ['half counts', { ...COMPLETED, counts: { '00': 0.5 } }, 422, /counts\['00'\] must be an integer/],
  ['negative counts', { ...COMPLETED, counts: { '00': -1 } }, 422, /counts\['00'\]/],
  ['counts as text', { ...COMPLETED, counts: { '00': '1' } }, 422, /counts\['00'\]/],
  ['a null time', { ...COMPLETED, execution_time_ms: null }, 422, /execution_time_ms/],
  ['a negative time', { ...COMPLETED, execution_time_ms: -1 }, 422, /execution_time_ms/],
  [
    'negative shots',
    { ...COMPLETED, shots_completed: -1 },
    422,
    /shots_completed must be an integer of at least 0/,
  ],
  ['half shots', { ...COMPLETED, shots_completed: 1.5 }, 422, /shots_completed/],
  ['an empty error', { ...FAILED, error: '' }, 422, /error must be a non-empty/],
  ['a long error', { ...FAILED, error: 'x'.repeat(501) }, 422, /501 characters/],
  ['a completed bad circuit', { ...COMPLETED, job_id: 'bad-circuit' }, 422, /cannot have completed/],
  ['completed bad shots', { ...COMPLETED, job_id: 'bad-shots' }, 422, /cannot have completed/],
];
for (const [name, body, status, error] of webhookBreaches) {
  test(`webhook with ${name}`, () => assertViolation(node.post(WEBHOOK, body), status, error));
}

test('a wrong content type', async () => {
  for (const type of ['text/plain', 'application/jsonp', '']) {
    await assertViolation(node.post(WEBHOOK, FAILED, { 'content-type': type }), 415, /Content-Type/);
  }
});

test('a path that does not exist', async () => {
  await assertViolation(node.post('/api/internal/qpu/heartbeats', BEAT), 404, /no POST .*heartbeats/);
  const known = cloud.violations.length;
  assert.equal((await fetch(`${cloud.url}/favicon.ico`)).status, 404);
  assert.equal(cloud.violations.length, known);
});

test('tokens that break a rule', async () => {
  const { privateKey } = keyPair;
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const { keyId } = await cloud.issueKey();
  const now = Math.floor(Date.now() / 1000);
  const jwt = (header: object, claims: object): Promise<string> =>
    new SignJWT({ sub: cloud.qpuId, iss: 'coda', iat: now, exp: now + 3600, ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId, ...header })
      .sign(privateKey);
  const beat = (authorization: string): Promise<Response> =>
    postJson(cloud.url + HEARTBEAT, BEAT, authorization === '' ? {} : { authorization });

  assert.equal((await beat(`Bearer ${await jwt({}, {})}`)).status, 200);
  const stranger = await createSigner({ qpuId: cloud.qpuId, keyId: 'unknown', privateKeyPem });
  const [head, , signature] = (await jwt({}, {})).split('.');
  const swapped = Buffer.from(JSON.stringify({ sub: 'other' })).toString('base64url');
  for (const [authorization, error] of [
    ['', /no Authorization/],
    ['Basic eDp5', /no Authorization/],
    ['Bearer nonsense', /kid/],
    [`Bearer ${await stranger.token()}`, /kid/],
    [`Bearer ${head}.${swapped}.${signature}`, /not validly signed/],
    [`Bearer ${await jwt({ typ: 'at+jwt' }, {})}`, /typ/],
    [`Bearer ${await jwt({}, { sub: 'other' })}`, /sub/],
    [`Bearer ${await jwt({}, { iss: 'me' })}`, /iss/],
    [`Bearer ${await jwt({}, { exp: now + 60 })}`, /exp/],
    [`Bearer ${await jwt({}, { iat: now - 7200, exp: now - 3600 })}`, /expired/],
  ] as const) {
    await assertViolation(beat(authorization), 401, error);
  }
});

test('what a node sends to another cloud, which had this port before, is refused and breaks no rule', async () => {
  const privateKeyPem = keyPair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = await createSigner({ qpuId: 'qpu-elsewhere', keyId: 'key-elsewhere', privateKeyPem });
  const [known, heartbeats] = [cloud.violations.length, cloud.heartbeats.length];
  const answer = await postJson(cloud.url + HEARTBEAT, BEAT, {
    authorization: `Bearer ${await signer.token()}`,
  });
  assert.equal(answer.status, 401);
  assert.deepEqual([cloud.violations.length, cloud.heartbeats.length], [known, heartbeats]);
});

test('requests that follow the contract are accepted', async () => {
  const known = cloud.violations.length;
  for (const [index, body] of [
    { ...COMPLETED, execution_time_ms: 0, counts: {}, shots_completed: 0 },
    COMPLETED,
    { ...COMPLETED, counts: { '00': 128 }, shots_completed: 128 },
    { ...FAILED, error: '𝄞'.repeat(500) },
  ].entries()) {
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 100 });
    const path = index === 0 ? `/callback/${jobId}` : WEBHOOK;
    const answer = await node.post(
      path,
      { ...body, job_id: jobId },
      { 'content-type': 'application/json; charset=utf-8' },
    );
    assert.equal(answer.status, 200, await answer.text());
  }
  const beat = {
    current_job: 'x',
    last_job_at: '2026-01-01T10:00:00.123456+00:00',
    redis_healthy: false,
    connectivity: [[0, 1]],
  };
  assert.equal((await node.post(HEARTBEAT, beat)).status, 200);
  assert.equal(cloud.violations.length, known);
});

test('any JSON at all gets an answer with a reason', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(CONNECT, HEARTBEAT, WEBHOOK), fc.json(), async (path, body) => {
      const answer = await node.post(path, body);
      const { error } = (await answer.json()) as { error: string };
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      assert.ok(error.length > 0);
    }),
    { numRuns: 300 },
  );
});
