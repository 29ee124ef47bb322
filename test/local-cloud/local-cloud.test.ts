// The local cloud over real HTTP and a real Redis: what it issues and what it records.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { parseBundle } from '../../src/protocol/bundle.ts';
import { createSigner } from '../../src/protocol/jwt.ts';
import { groupName, streamKey } from '../../src/protocol/keys.ts';
import { bell, startLocalCloud, waitUntil } from '../../src/testing/index.ts';
import { FINGERPRINT, postJson, startTinyNode } from './tiny-node.ts';
import {
  BEAT,
  CONNECT,
  failedBody,
  HEARTBEAT,
  redisServer,
  WEBHOOK,
  withCloud,
  withNode,
} from './with-cloud.ts';

test('starts a redis-server of its own if it is given none', async () => {
  const cloud = await startLocalCloud();
  const pid = cloud.redisServer?.pid;
  assert.ok(pid !== undefined);
  assert.equal(await cloud.pending(), 0);
  await cloud.close();
  assert.equal(cloud.redisServer?.pid, undefined);
});

test('a job goes the whole way: submitted, run, reported, acknowledged', async () => {
  await withNode(async (cloud) => {
    const sample = bell('cz');
    const jobId = await cloud.submit({ ir: sample.ir, shots: 500 });
    const outcome = await cloud.outcome(jobId);
    assert.equal(outcome.job_id, jobId);
    assert.ok(outcome.status === 'completed');
    assert.equal(sample.expected(outcome.counts, 500).ok, true);
    assert.deepEqual(cloud.results.get(jobId), outcome);
    await cloud.whenState(jobId, 'completed');
    await waitUntil('the acknowledgement', async () => (await cloud.pending()) === 0);
    const heartbeat = await cloud.whenHeartbeat();
    assert.deepEqual(heartbeat.body, BEAT);
    assert.equal(cloud.connects[0]?.mode, 'token');
    assert.equal(cloud.deliveries.length, 1);
    assert.match(String(cloud.deliveries[0]?.headers.authorization), /^Bearer /);
    assert.deepEqual(cloud.violations, []);
  });
});

test('messages have all fields, and lack those that a test removes', async () => {
  await withCloud(async (cloud) => {
    const redis = new Redis(redisServer.url, { protocol: 2 });
    const { ir } = bell('cz');
    await cloud.submit({ jobId: 'a', ir, shots: 12 });
    await cloud.submit({
      jobId: 'b',
      ir: '{',
      shots: '1e3',
      raw: { callback_url: null, extra: Buffer.from('x') },
    });
    const entries = await redis.xrange(streamKey(cloud.qpuId), '-', '+');
    const callback = cloud.url + WEBHOOK;
    assert.deepEqual(
      entries.map(([, fields]) => fields),
      [
        ['job_id', 'a', 'callback_url', callback, 'shots', '12', 'ir_json', JSON.stringify(ir)],
        ['job_id', 'b', 'shots', '1e3', 'ir_json', '{', 'extra', 'x'],
      ],
    );
    await redis.xgroup('CREATE', streamKey(cloud.qpuId), groupName(cloud.qpuId), '0');
    await redis.xreadgroup(
      'GROUP',
      groupName(cloud.qpuId),
      'c',
      'COUNT',
      1,
      'STREAMS',
      streamKey(cloud.qpuId),
      '>',
    );
    assert.equal(await cloud.pending(), 1);
    await cloud.removeKeys();
    assert.equal(await redis.exists(streamKey(cloud.qpuId)), 0);
    redis.disconnect();
  });
});

test('a token works only once', async () => {
  await withCloud(async (cloud) => {
    const body = { machine_fingerprint: 'm-1', connectivity: [[0, 1]] };
    const token = cloud.issueToken();
    const connect = (bearer: string) =>
      postJson(cloud.url + CONNECT, body, { authorization: `Bearer ${bearer}` });
    const bundle = (await (await connect(token)).json()) as Record<string, unknown>;
    const parsed = parseBundle(bundle, { hasPrivateKey: false, hasKeyId: false });
    assert.equal(parsed.qpuId, cloud.qpuId);
    assert.equal(parsed.redisUrl, redisServer.url);
    assert.equal(parsed.webappUrl, cloud.url);
    assert.equal(parsed.vpn?.required, false);
    for (const bad of [token, 'made-up']) {
      const answer = await connect(bad);
      assert.equal(answer.status, 401);
      assert.match(JSON.stringify(await answer.json()), /unknown or has already been used/);
    }
    assert.deepEqual(
      cloud.connects.map(({ answer, body: sent }) => [answer, sent?.machine_fingerprint]),
      [
        [200, 'm-1'],
        [401, 'm-1'],
        [401, 'm-1'],
      ],
    );
    assert.deepEqual(cloud.violations, []);
  });
});

test('reconnects by JWT: the same bundle without the key, for the same machine only', async () => {
  await withNode(async (cloud, node) => {
    const answer = await node.post(CONNECT, { machine_fingerprint: FINGERPRINT });
    assert.equal(answer.status, 200);
    const bundle = (await answer.json()) as Record<string, unknown>;
    assert.equal(Object.hasOwn(bundle, 'jwt_private_key'), false);
    parseBundle(bundle, { hasPrivateKey: true, hasKeyId: true });
    assert.deepEqual(cloud.violations, []);
    const other = await node.post(CONNECT, { machine_fingerprint: 'another machine' });
    assert.equal(other.status, 403);
    assert.match(cloud.violations[0] ?? '', /^connect: machine_fingerprint is 'another machine'/);
  });
});

test('keys for a start without a token; a given key pair is used for all', async () => {
  const keyPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await withCloud(
    async (cloud) => {
      const { keyId, privateKeyPem } = await cloud.issueKey();
      const publicKey = createPublicKey(createPrivateKey(privateKeyPem));
      assert.ok(publicKey.equals(keyPair.publicKey));
      const signer = await createSigner({ qpuId: cloud.qpuId, keyId, privateKeyPem });
      const headers = { authorization: `Bearer ${await signer.token()}` };
      assert.equal((await postJson(cloud.url + HEARTBEAT, BEAT, headers)).status, 200);
    },
    { keyPair },
  );
});

test('bundles can be changed, paths too', async () => {
  await withCloud(
    async (cloud) => {
      const connect = async () =>
        (
          await postJson(
            `${cloud.url}/connect`,
            { machine_fingerprint: 'm' },
            { authorization: `Bearer ${cloud.issueToken()}` },
          )
        ).json() as Promise<Record<string, unknown>>;
      assert.equal((await connect())['num_qubits'], 99);
      cloud.overrideBundle(() => 'no bundle at all');
      assert.equal(await connect(), 'no bundle at all');
      cloud.overrideBundle(undefined);
      assert.equal((await connect())['connect_path'], '/connect');
      assert.deepEqual(cloud.violations, []);
    },
    { paths: { connect: '/connect' }, bundle: (bundle) => ({ ...bundle, num_qubits: 99 }) },
  );
});

test('the same outcome twice is a duplicate, a different one a violation', async () => {
  await withNode(
    async (cloud, node) => {
      const jobId = await cloud.submit({ ir: bell('cz').ir });
      const post = async (error: string) => (await node.post(WEBHOOK, failedBody(jobId, error))).status;
      assert.equal(await post('x'), 200);
      assert.equal(await post('x'), 200);
      assert.deepEqual(cloud.violations, []);
      assert.equal(await post('y'), 409);
      assert.match(cloud.violations[0] ?? '', /different outcome/);
      assert.deepEqual(
        cloud.deliveries.map(({ isDuplicate, answer }) => [isDuplicate, answer]),
        [
          [false, 200],
          [true, 200],
          [false, 409],
        ],
      );
      assert.deepEqual(cloud.results.get(jobId), failedBody(jobId, 'x'));
    },
    { takesJobs: false },
  );
});

test('the VPN probe is answered', async () => {
  await withCloud(async (cloud) => {
    const probe = () => fetch(`${cloud.url}/api/internal/qpu/health`, { method: 'HEAD' });
    assert.equal((await probe()).status, 200);
    cloud.fail('health', { status: 502 });
    assert.equal((await probe()).status, 502);
    assert.deepEqual(cloud.violations, []);
  });
});

test('waits end: at a cancel, at a signal, at a deadline, with a reason', async () => {
  await withNode(async (cloud) => {
    const never = new AbortController().signal;
    const cancelled = await startLocalCloud({ redisUrl: redisServer.url });
    try {
      const jobId = await cancelled.submit({ ir: bell('cz').ir });
      await cancelled.cancel(jobId);
      await assert.rejects(
        cancelled.outcome(jobId, { timeoutMs: 20 }),
        /webhook of job '.*' did not happen within 0.02 s/,
      );
      await assert.rejects(cancelled.whenState(jobId, 'cancelled', { timeoutMs: 20 }), /state 'cancelled'/);
      assert.equal(await cancelled.ended(jobId, AbortSignal.abort()), undefined);
      const ended = cancelled.ended(jobId, never);
      const node = await startTinyNode({ url: cancelled.url, token: cancelled.issueToken() });
      assert.deepEqual(await ended, { job_id: jobId, status: 'cancelled' });
      // Also afterwards, and without any time to wait.
      assert.deepEqual(await cancelled.ended(jobId, AbortSignal.abort()), {
        job_id: jobId,
        status: 'cancelled',
      });
      assert.equal(cancelled.deliveries.length, 0);
      await node.close();
    } finally {
      await cancelled.close();
    }
    await assert.rejects(cloud.outcome('never-submitted'), /no job 'never-submitted' was submitted/);
    await assert.rejects(
      cloud.whenHeartbeat(() => false, { timeoutMs: 20 }),
      /a heartbeat did not happen/,
    );
  });
});

test('a port in use and a missing Redis are clear errors', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await waitUntil('the port', () => occupant.listening);
  const address = occupant.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(startLocalCloud({ redisUrl: redisServer.url, port: address.port }), {
    name: 'ConfigError',
    message: /port \d+ on 127.0.0.1 cannot be opened/,
  });
  occupant.close();
  const wrong = new URL(redisServer.url);
  wrong.password = 'not-the-password';
  await assert.rejects(startLocalCloud({ redisUrl: wrong.href }), (error: Error) => {
    assert.match(error.message, /does not answer: .*(WRONGPASS|NOAUTH)/);
    assert.ok(!error.message.includes('not-the-password'));
    return true;
  });
});
