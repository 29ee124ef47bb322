import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import plugin from 'coda-plugin-webhook-mirror';
import { testPlugin, waitUntil } from 'coda-node/testing';

const options = { url: 'https://lab.example.org/outcomes', retryDelaySec: 0 };

describe('the mirror', () => {
  it('gets what the cloud has taken, and nothing else', async () => {
    const { requests } = await testPlugin(plugin, {
      options,
      http: () => ({ status: 204 }),
      jobs: [
        { result: { counts: { '00': 3, '11': 1 } }, answers: [503, 200] },
        { fails: 'the laser is off' },
        { answers: [422] },
        { cancel: 'queued' },
      ],
    });
    const bodies = requests.map(({ body }) => JSON.parse(body ?? '') as Record<string, unknown>);
    assert.deepEqual(
      bodies
        .map(({ jobId, status, counts, error }) => ({
          jobId,
          status,
          ...(counts === undefined ? { error } : { counts }),
        }))
        .toSorted((a, b) => String(a.jobId).localeCompare(String(b.jobId))),
      [
        { jobId: 'job-1', status: 'completed', counts: { '00': 3, '11': 1 } },
        { jobId: 'job-2', status: 'failed', error: 'the laser is off' },
      ],
    );
    assert.deepEqual(requests[0]?.headers, { 'content-type': 'application/json' });
  });

  it('is asked again, a few times, and then the copy is given up', async () => {
    const answers = [500, 'dead', 200, 500, 500];
    const { requests, log, jobs } = await testPlugin(plugin, {
      options: { ...options, attempts: 3 },
      http: () => {
        const answer = answers.shift() ?? 500;
        if (typeof answer === 'string') throw new Error(answer);
        return { status: answer };
      },
      // One after the other: what is given up is then known.
      jobs: [
        {},
        (node) => waitUntil('the copy', () => mirrorOf(node.readiness().toJSON()).sent === 1),
        {},
        async (node) => {
          await waitUntil('giving up', () => mirrorOf(node.readiness().toJSON()).lost === 1);
          assert.match(
            JSON.stringify(node.readiness().troubles),
            /do not get to https:\/\/lab\.example\.org: it answered 500/,
          );
        },
      ],
    });
    assert.equal(requests.length, 6);
    assert.ok(jobs.every(({ ending }) => ending === 'completed'));
    assert.equal(log.filter((line) => line.includes('is given up: it answered 500')).length, 1);
  });

  it('gets a token that no line of the log shows', async () => {
    const { requests, log } = await testPlugin(plugin, {
      options: { ...options, tokenVariable: 'LAB_TOKEN' },
      env: { LAB_TOKEN: 'secret-of-the-lab' },
      http: ({ headers }) => {
        throw new Error(`no route for ${headers?.['authorization']}`);
      },
    });
    assert.equal(requests[0]?.headers?.['authorization'], 'Bearer secret-of-the-lab');
    assert.ok(log.some((line) => line.includes('no route for Bearer ***')));
    assert.ok(!log.join().includes('secret-of-the-lab'));
  });

  it('names what is missing', async () => {
    await assert.rejects(
      testPlugin(plugin, { options: { ...options, tokenVariable: 'LAB_TOKEN' } }),
      /plugin 'webhook-mirror' failed in apply: the environment variable LAB_TOKEN is not set/,
    );
  });
});

function mirrorOf(ready: Record<string, unknown>): { sent: number; lost: number } {
  return ready['webhook_mirror'] as { sent: number; lost: number };
}
