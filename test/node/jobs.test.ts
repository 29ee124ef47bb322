// The main job: a token, a connection, circuits in, signed results out, and nothing left behind.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';

const circuit = bell('cz').ir;

describe('a node and its jobs', () => {
  it('connects with a token, runs five jobs, and leaves nothing pending', async () => {
    const test = await startTestNode({ cloud, executor: 'simulator' });
    try {
      await cloud.whenHeartbeat();
      const jobIds = await Promise.all(
        Array.from({ length: 5 }, () => cloud.submit({ ir: circuit, shots: 400 })),
      );
      for (const jobId of jobIds) {
        const body = await cloud.outcome(jobId);
        assert.equal(body.status, 'completed');
        const { ok, reason } = bell('cz').expected(body.status === 'completed' ? body.counts : {}, 400);
        assert.ok(ok, reason);
        // Nothing waits for Redis: the webhook may be there first.
        const status = await cloud.whenState(jobId, 'completed');
        for (const field of ['started_at', 'completed_at', 'message_id', 'qpu_id'])
          assert.ok(status[field], field);
      }
      await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
      for (const file of ['coda.config', 'coda-private-key']) {
        assert.equal((await stat(join(test.stateDir, file))).mode & 0o777, 0o600);
      }
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('starts with a key of its own, without any token', async () => {
    const { keyId, privateKeyPem } = await cloud.issueKey();
    const test = await startTestNode({
      cloud: { url: cloud.url, issueToken: () => '' },
      env: {
        CODA_JWT_PRIVATE_KEY: privateKeyPem.replaceAll('\n', '\\n'),
        CODA_JWT_KEY_ID: keyId,
        CODA_QPU_ID: cloud.qpuId,
      },
    });
    try {
      assert.equal(cloud.connects.at(-1)?.mode, 'jwt');
      const jobId = await cloud.submit({ ir: circuit });
      assert.equal((await cloud.outcome(jobId)).status, 'completed');
    } finally {
      await test.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('reconnects with its credentials, without a token', async () => {
    const first = await startTestNode({ cloud });
    const { stateDir } = first;
    await first.node.stop();
    const connects = cloud.connects.length;
    const second = await startTestNode({ cloud, stateDir });
    try {
      assert.equal(cloud.connects.length, connects + 1);
      const jobId = await cloud.submit({ ir: circuit, shots: 3 });
      assert.deepEqual(await cloud.outcome(jobId), {
        job_id: jobId,
        status: 'completed',
        counts: { '00': 3 },
        execution_time_ms: 0,
        shots_completed: 3,
      });
    } finally {
      await second.stop();
      await first.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('says how many jobs wait in the stream that no node has taken', async () => {
    const test = await startTestNode({ cloud, env: { CODA_LEASE_SEC: '1' } });
    try {
      test.node.jobs.admission.close('test', 'not now');
      await waitUntil('the reader resting', () => !test.node.readiness().ready);
      const jobIds = [await cloud.submit({ ir: circuit }), await cloud.submit({ ir: circuit })];
      // A read that was under way when the admission closed may still bring one to this node.
      const seen = (): number =>
        Number(test.node.readiness().toJSON()['backlog']) + Number(test.node.readiness().toJSON()['queued']);
      await waitUntil('both being counted', () => seen() === 2);
      test.node.jobs.admission.open('test');
      for (const jobId of jobIds) assert.equal((await cloud.outcome(jobId)).status, 'completed');
      await waitUntil('the backlog being empty', () => seen() === 0);
    } finally {
      await test.stop();
    }
  });
});
