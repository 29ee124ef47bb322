// What plugins note on a job goes with its outcome, over a restart too, and never to the cloud.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin, type Annotations, type Job } from '../../src/index.ts';
import { annotated, NO_ANNOTATIONS } from '../../src/jobs/annotations.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';

const job = { ir: bell('cz').ir, shots: 4 };

describe('annotations', () => {
  it('go with the outcome, over a restart, to every hook that follows', async () => {
    const seen: Record<string, Annotations> = {};
    let isNoted = false;
    const notes = definePlugin({
      name: 'notes',
      apply({ hooks }) {
        hooks.prepare.tap('notes', (_circuit, held) => {
          held.annotate('mapped', [3, 4]);
          return undefined;
        });
        hooks.onJob.tap('notes', ({ annotate }) => annotate('calibration', { id: 'c-17', at: null }));
        hooks.mapResult.tap('notes', (_result, held) => {
          seen['mapResult'] = held.annotations;
          held.annotate('mitigated', true);
        });
        hooks.afterRun.tapPromise('notes', async (held) => {
          seen['afterRun'] = held.annotations;
          await waitUntil('the first attempt', () => seen['onWebhook'] !== undefined);
          held.annotate('late', 'yes');
          isNoted = true;
        });
        hooks.onWebhook.tap('notes', (request) => void (seen['onWebhook'] = request.annotations));
        hooks.afterDeliver.tap('notes', (saved) => void (seen['afterDeliver'] = saved.annotations ?? {}));
      },
    });
    const env = { CODA_SHUTDOWN_DRAIN_TIMEOUT_SEC: '0.1', CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1' };
    cloud.fail('webhook', { status: 503 });
    const first = await startTestNode({ cloud, plugins: [notes], env });
    const jobId = await cloud.submit(job);
    const before = { mapped: [3, 4], calibration: { id: 'c-17', at: null } };
    await waitUntil('all notes', () => isNoted);
    assert.deepEqual(seen['mapResult'], before);
    assert.deepEqual(seen['afterRun'], { ...before, mitigated: true });
    assert.deepEqual(seen['onWebhook'], { ...before, mitigated: true });
    await first.node.stop();
    cloud.heal();
    delete seen['onWebhook'];
    delete seen['afterDeliver'];
    const second = await startTestNode({ cloud, plugins: [notes], env, stateDir: first.stateDir });
    try {
      const body = await cloud.outcome(jobId);
      assert.deepEqual(Object.keys(body).toSorted(), [
        'counts',
        'execution_time_ms',
        'job_id',
        'shots_completed',
        'status',
      ]);
      const all = { ...before, mitigated: true, late: 'yes' };
      await waitUntil('the delivery', () => seen['afterDeliver']);
      assert.deepEqual([seen['onWebhook'], seen['afterDeliver']], [all, all]);
    } finally {
      await second.stop();
      await first.stop();
    }
    assert.deepEqual(cloud.violations, []);
  });

  it('that come too late throw', async () => {
    let held: Job | undefined;
    const late = definePlugin({
      name: 'late',
      apply: ({ hooks }) => hooks.afterRun.tap('late', (ended) => void (held = ended)),
    });
    const test = await startTestNode({ cloud, plugins: [late] });
    try {
      const jobId = await cloud.submit(job);
      await cloud.outcome(jobId);
      await waitUntil('the acknowledgement', async () => (await cloud.pending()) === 0);
      assert.throws(
        () => held?.annotate('calibration', 1),
        new RegExp(`outcome of job ${jobId} is delivered: it cannot be annotated`),
      );
      assert.deepEqual(held?.annotations, {});
    } finally {
      await test.stop();
    }
  });

  const circle: unknown[] = [];
  circle.push(circle);
  const refused: readonly (readonly [unknown, unknown, RegExp])[] = [
    ['', 1, /a text of 1 to 64 characters, not ''/],
    ['k'.repeat(65), 1, /a text of 1 to 64 characters/],
    [7, 1, /not 7/],
    ['f', () => 1, /'f' is not JSON/],
    ['u', undefined, /'u' is not JSON/],
    ['n', { deep: [Number.NaN] }, /'n' is not JSON/],
    ['d', new Date(), /'d' is not JSON/],
    ['c', circle, /'c' is not JSON/],
    ['l', 'x'.repeat(5000), /'l' takes 5002 characters as JSON, at most 4096/],
  ];
  for (const [key, value, expected] of refused) {
    it(`refuse ${String(expected)}`, () => {
      assert.throws(() => annotated(NO_ANNOTATIONS, key, value), expected);
    });
  }

  it('are bounded together, frozen, and copies', () => {
    const list = [1];
    const one = annotated(NO_ANNOTATIONS, '__proto__', list);
    list.push(2);
    assert.deepEqual(JSON.stringify(one), '{"__proto__":[1]}');
    assert.ok(Object.isFrozen(one) && Object.isFrozen(Object.values(one)[0]));
    const much = annotated(one, 'a', 'x'.repeat(3000));
    assert.throws(() => annotated(much, 'b', 'x'.repeat(3000)), /with 'b' they take more/);
    assert.ok(annotated(much, 'a', 1));
  });
});
