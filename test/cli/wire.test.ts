// What `coda start` sends and writes, byte for byte as PROTOCOL has it: connect, heartbeat, webhook, status, files.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bell, startLocalCloud, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { coda, type CodaProcess } from './process.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const HEADERS = { 'X-Lab-Gate': 'lab-gate-value', AUTHORIZATION: 'Bearer stolen' };

describe('on the wire', () => {
  let cloud: LocalCloud;
  let folder: string;
  let node: CodaProcess;
  let token: string;
  before(async () => {
    cloud = await startLocalCloud();
    folder = await mkdtemp(join(tmpdir(), 'coda-wire-'));
    token = cloud.issueToken();
    node = start('--token', token);
    await node.says('reading jobs');
  });
  after(async () => {
    node.child.kill('SIGKILL');
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  });

  function start(...args: string[]): CodaProcess {
    return coda(['start', '-H', '127.0.0.1', '-p', '0', ...args], {
      cwd: folder,
      env: {
        CODA_WEBAPP_URL: cloud.url,
        CODA_STATE_DIR: join(folder, 'state'),
        CODA_NODE_CONNECT_HEADERS: JSON.stringify(HEADERS),
        CODA_LOG_LEVEL: 'debug',
      },
    });
  }

  it('the connect carries the token, the extra headers and the fingerprint, and nothing else', () => {
    const [connect, ...more] = cloud.connects;
    assert.equal(more.length, 0);
    assert.equal(connect?.path, '/api/internal/qpu/connect');
    assert.equal(connect.headers.authorization, `Bearer ${token}`);
    assert.equal(connect.headers['content-type'], 'application/json');
    assert.equal(connect.headers['x-lab-gate'], 'lab-gate-value');
    const body = JSON.parse(connect.text) as Record<string, unknown>;
    assert.deepEqual(Object.keys(body), ['machine_fingerprint']);
    assert.match(String(body['machine_fingerprint']), /^.+-\d+$/);
  });

  it('credentials are kept in two files of mode 0600, in the form of the Python original', async () => {
    const state = join(folder, 'state');
    for (const file of ['coda.config', 'coda-private-key']) {
      assert.equal((await stat(join(state, file))).mode & 0o777, 0o600, file);
    }
    const stored = JSON.parse(await readFile(join(state, 'coda.config'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual(
      Object.keys(stored).toSorted(),
      [
        ...['connect_path', 'heartbeat_path', 'jwt_key_id', 'jwt_private_key_path', 'native_gate_set'],
        ...['node_auto_vpn', 'node_machine_fingerprint', 'node_vpn_profile_path', 'num_qubits'],
        ...['qpu_display_name', 'qpu_id', 'redis_url', 'vpn_check_interval_sec', 'vpn_interface_hint'],
        ...['vpn_probe_targets', 'vpn_required', 'webapp_url', 'webhook_path'],
      ].toSorted(),
    );
    assert.match(await readFile(join(state, 'coda-private-key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
  });

  it('the first heartbeat goes out once Redis has answered, long before the interval of 30 s has passed', async () => {
    const beat = await cloud.whenHeartbeat();
    assert.ok(beat.receivedAt - (cloud.connects[0]?.receivedAt ?? 0) < 15_000);
    assert.equal(beat.path, '/api/internal/qpu/heartbeat');
    assert.equal(beat.headers['x-lab-gate'], 'lab-gate-value');
    assert.deepEqual(JSON.parse(beat.text), {
      current_job: null,
      last_job_at: null,
      redis_healthy: true,
      connectivity: null,
    });
  });

  it('five jobs are five webhooks, exact and signed, with a complete status, and nothing is pending', async () => {
    const ir = bell('cz').ir;
    const jobIds = await Promise.all([1, 2, 3, 4, 5].map((shots) => cloud.submit({ ir, shots })));
    for (const [i, jobId] of jobIds.entries()) {
      await cloud.outcome(jobId);
      const status = await cloud.whenState(jobId, 'completed');
      const { started_at, completed_at, message_id, ...rest } = status;
      assert.match(started_at ?? '', ISO);
      assert.match(completed_at ?? '', ISO);
      assert.match(message_id ?? '', /^\d+-\d+$/);
      assert.deepEqual(rest, { state: 'completed', qpu_id: cloud.qpuId });
      const [post, ...repeated] = cloud.deliveries.filter(({ body }) => body?.job_id === jobId);
      assert.equal(repeated.length, 0);
      assert.deepEqual(JSON.parse(post?.text ?? ''), {
        job_id: jobId,
        status: 'completed',
        counts: { '00': i + 1 },
        execution_time_ms: 0,
        shots_completed: i + 1,
      });
      assert.equal(post?.headers['x-lab-gate'], 'lab-gate-value');
      assertJwt(post.headers.authorization, cloud.qpuId);
    }
    await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
    assert.deepEqual(cloud.violations, []);
  });

  it('every request says which program sends it and what it takes', () => {
    for (const { headers } of [...cloud.connects, ...cloud.heartbeats, ...cloud.deliveries]) {
      assert.match(headers['user-agent'] ?? '', /^coda-node\/\d+\.\d+\.\d+/);
      assert.equal(headers.accept, 'application/json');
    }
  });

  it('the reconnect is signed, as the same machine', async () => {
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
    node = start();
    await node.says('reading jobs');
    const [first, second] = cloud.connects;
    assert.equal(second?.text, first?.text);
    assert.equal(second?.mode, 'jwt');
    assertJwt(second.headers.authorization, cloud.qpuId);
    assert.deepEqual(cloud.violations, []);
  });
});

/** The cloud has verified the signature; here is what a verifier may overlook. */
function assertJwt(authorization: string | undefined, qpuId: string): void {
  const [, header = '', claims = ''] = /^Bearer ([\w-]+)\.([\w-]+)\.[\w-]+$/.exec(authorization ?? '') ?? [];
  const parsed = [header, claims].map(
    (part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>,
  );
  const { kid, ...algorithm } = parsed[0] ?? {};
  assert.deepEqual(algorithm, { alg: 'RS256', typ: 'JWT' });
  assert.match(String(kid), /^key-/);
  const { iat, exp, ...who } = parsed[1] ?? {};
  assert.deepEqual(who, { sub: qpuId, iss: 'coda' });
  assert.ok(Number.isInteger(iat));
  assert.equal(exp, Number(iat) + 3600);
}
