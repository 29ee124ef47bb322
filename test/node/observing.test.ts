// Whatever a plugin does to what an observing hook gives it changes nothing that is saved, posted, or seen by the next tap.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { HOOKS } from '../../src/hooks.ts';
import { definePlugin, type CodaNode, type Executor, type HookName } from '../../src/index.ts';
import type { Delivery, SavedOutcome } from '../../src/kit.ts';
import { nodeFolder, refusedDirectory } from '../../src/state/layout.ts';
import { bell, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { cloud } from '../support/cloud.ts';

const job = { ir: bell('cz').ir, shots: 4 };
const COUNTS = { '00': 3, '11': 1 };
/** Jobs of another number of shots run until they are cancelled. */
const executor: Executor = {
  run: (_ir, shots, { signal }) =>
    shots === job.shots
      ? Promise.resolve({ counts: { ...COUNTS }, executionTimeMs: 1.5, shotsCompleted: shots })
      : new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('cancelled'))),
        ),
};

interface AnyHook {
  tap(options: object, fn: (...args: readonly unknown[]) => void): void;
  tapPromise(options: object, fn: (...args: readonly unknown[]) => Promise<void>): void;
}

/** A change of one of the arguments: what is at the end of the path is replaced, removed, or extended. */
interface Edit {
  readonly path: readonly string[];
  readonly how: 'set' | 'delete' | 'push';
  readonly value: unknown;
  readonly late: boolean;
}

const steps = fc.constantFrom(
  ...[
    'outcome',
    'counts',
    'status',
    '00',
    '11',
    'error',
    'executionTimeMs',
    'shotsCompleted',
    'body',
    'headers',
  ],
  ...[
    'execution_time_ms',
    'jobId',
    'job_id',
    'shots',
    'ir',
    'gates',
    '0',
    'qubits',
    'measurements',
    'messageIds',
  ],
  ...['callbackUrl', 'url', 'kind', 'x-note', 'annotations', 'stage', 'attempt'],
);
const edit: fc.Arbitrary<Edit> = fc.record({
  path: fc.array(steps, { minLength: 2, maxLength: 4 }),
  how: fc.constantFrom('set', 'delete', 'push'),
  value: fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('failed', 'completed', 99, 'other')),
  late: fc.boolean(),
});

function apply(args: readonly unknown[], { path, how, value }: Edit): void {
  // The first step chooses the argument, and the last one the field; steps that lead nowhere are passed over.
  let at: unknown = args[(path[0]?.length ?? 0) % args.length];
  for (const step of path.slice(1, -1)) {
    const next: unknown = Object(at)[step];
    if (typeof next === 'object' && next !== null) at = next;
  }
  const field = path.at(-1) ?? '';
  try {
    if (how === 'set') (at as Record<string, unknown>)[field] = value;
    else if (how === 'delete') delete (at as Record<string, unknown>)[field];
    else (at as unknown[]).push(value);
  } catch {
    // Frozen, or no list.
  }
}

describe('observing hooks', () => {
  it('change no body, by no sequence of edits, at once or later', async () => {
    let edits: readonly Edit[] = [];
    let pending: Promise<void>[] = [];
    const vandalise = async (...args: readonly unknown[]): Promise<void> => {
      for (const each of edits) {
        if (!each.late) apply(args, each);
      }
      await new Promise((resolve) => void setImmediate(resolve));
      for (const each of edits) if (each.late) apply(args, each);
    };
    const tap = (...args: readonly unknown[]): Promise<void> => {
      const done = vandalise(...args);
      pending.push(done);
      return done;
    };
    const called = new Set<string>();
    const observing = Object.entries(HOOKS).filter(([, { kind }]) => kind === 'observing');
    const vandal = definePlugin({
      name: 'vandal',
      apply({ hooks }) {
        // onJob and deliver decide, but what they are given is for looking at, too.
        for (const name of [...observing.map(([hook]) => hook), 'onJob', 'deliver']) {
          const hook = hooks[name as HookName] as unknown as AnyHook;
          const first = { name: 'vandal', stage: -1 };
          const onCall = (...args: readonly unknown[]): Promise<void> => {
            called.add(name);
            return tap(...args);
          };
          if (HOOKS[name as HookName].deadline === 'none') {
            hook.tap(first, (...args) => {
              called.add(name);
              for (const each of edits) apply(args, each);
            });
          } else hook.tapPromise(first, onCall);
        }
      },
    });
    const seen: unknown[] = [];
    const witness = definePlugin({
      name: 'witness',
      apply({ hooks }) {
        hooks.afterRun.tap('witness', (_job, outcome) => void seen.push(structuredClone(outcome)));
      },
    });
    const env = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1', CODA_LOG_LEVEL: 'error' };
    const test = await startTestNode({ cloud, executor, plugins: [vandal, witness], env });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 12 }), async (chosen) => {
          edits = chosen;
          pending = [];
          const before = cloud.deliveries.length;
          // The second attempt would show what was changed after the first.
          cloud.fail('webhook', { status: 503, times: 1 });
          const jobId = await cloud.submit(job);
          const body = await cloud.outcome(jobId);
          await waitUntil('the acknowledgement', async () => (await cloud.pending()) === 0);
          await Promise.all(pending);
          assert.deepEqual(body, {
            job_id: jobId,
            status: 'completed',
            counts: COUNTS,
            execution_time_ms: 1.5,
            shots_completed: job.shots,
          });
          assert.ok(cloud.deliveries.length > before);
          assert.deepEqual(seen.at(-1), {
            status: 'completed',
            counts: COUNTS,
            executionTimeMs: 1.5,
            shotsCompleted: job.shots,
          });
        }),
        { numRuns: 40 },
      );
      const cancelled = await cloud.submit({ ...job, shots: 5 });
      await cloud.whenState(cancelled, 'executing');
      await cloud.cancel(cancelled);
      await cloud.whenState(cancelled, 'cancelled');
      const redis = new Redis(cloud.redisUrl);
      await redis.xadd(`qpu:${cloud.qpuId}:jobs`, '*', 'no', 'job');
      redis.disconnect();
      await waitUntil('the dead letter', () => called.has('onDeadLetter'));
      test.node.readiness();
      assert.deepEqual(cloud.violations, []);
    } finally {
      await test.stop();
    }
    for (const [hook] of observing) assert.ok(called.has(hook), hook);
  });

  it('throw in place for a change that would be ignored, and name the plugin', async () => {
    const changes: Record<string, (node: CodaNode) => void> = {
      afterRun: ({ hooks }) =>
        hooks.afterRun.tap('eager', (_job, outcome) => void Object.assign(outcome, { status: 'failed' })),
      onWebhook: ({ hooks }) =>
        hooks.onWebhook.tap('eager', ({ body }) => void Object.assign(body, { status: 'failed' })),
      afterDeliver: ({ hooks }) =>
        hooks.afterDeliver.tap('eager', (saved) => void Object.assign(saved, { jobId: 'other' })),
    };
    const eager = definePlugin({
      name: 'eager',
      apply: (node) => Object.values(changes).forEach((change) => change(node)),
    });
    const test = await startTestNode({ cloud, executor, plugins: [eager] });
    try {
      assert.equal((await cloud.outcome(await cloud.submit(job))).status, 'completed');
      for (const hook of Object.keys(changes)) {
        await waitUntil(`a line on ${hook}`, () =>
          test.log.some((line) =>
            new RegExp(`plugin 'eager' failed in ${hook}: Cannot assign to read only`).test(line),
          ),
        );
      }
    } finally {
      await test.stop();
    }
  });
});

describe('afterDeliver', () => {
  it('says of every attempt how it ended', async () => {
    const told: [SavedOutcome, number, Delivery, number][] = [];
    const plugin = definePlugin({
      name: 'mirror',
      apply: ({ hooks }) => hooks.afterDeliver.tap('mirror', (...args) => void told.push(args)),
    });
    const env = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1' };
    const test = await startTestNode({ cloud, executor, plugins: [plugin], env });
    try {
      cloud.fail('webhook', { status: 503, times: 1 });
      const delivered = await cloud.submit(job);
      await cloud.outcome(delivered);
      cloud.fail('webhook', { status: 422, times: 1 });
      const refused = await cloud.submit(job);
      await waitUntil('three attempts', () => told.length === 3);
      assert.deepEqual(
        told.map(([{ jobId, outcome }, attempt, { kind }]) => [jobId, outcome.status, attempt, kind]),
        [
          [delivered, 'completed', 1, 'retry'],
          [delivered, 'completed', 2, 'delivered'],
          [refused, 'completed', 1, 'refused'],
        ],
      );
      assert.match(JSON.stringify(told[0]?.[2]), /503/);
    } finally {
      await test.stop();
    }
  });
});

describe('deliver', () => {
  it('that answers nonsense sets the result aside, named, and no attempt follows', async () => {
    const answers: readonly (readonly [unknown, RegExp])[] = [
      [7, /it returned a number, not \{ kind: 'delivered' \}/],
      [{ kind: 'done' }, /the kind that it returned is 'done'/],
      [{ kind: 'refused' }, /its reason is undefined/],
      [{ kind: 'retry', reason: 'later' }, /its sent is undefined/],
      [{ kind: 'retry', reason: 'later', sent: false, afterMs: Number.NaN }, /its afterMs is NaN/],
    ];
    let answer: unknown;
    let calls = 0;
    const told: Delivery[] = [];
    const mirror = definePlugin({
      name: 'mirror',
      apply({ hooks }) {
        hooks.deliver.tap({ name: 'mirror', stage: -1 }, () => {
          calls += 1;
          return answer as Delivery;
        });
        hooks.afterDeliver.tap('mirror', (_saved, _attempt, delivery) => void told.push(delivery));
      },
    });
    const test = await startTestNode({ cloud, executor, plugins: [mirror] });
    try {
      for (const [nonsense, expected] of answers) {
        answer = nonsense;
        const jobId = await cloud.submit(job);
        await waitUntil(
          'the acknowledgement',
          async () => (await cloud.pending()) === 0 && told.length === calls && calls > 0,
        );
        const line = await waitUntil('a line', () =>
          test.log.find((text) => text.includes(jobId) && text.includes('set aside')),
        );
        assert.match(line, /the result of job .* cannot be delivered: plugin 'mirror' failed in deliver: /);
        assert.match(line, expected);
      }
      const files = await readdir(refusedDirectory(nodeFolder(test.stateDir)));
      assert.equal(files.length, answers.length);
      assert.equal(calls, answers.length, 'one attempt each');
      assert.deepEqual(new Set(told.map(({ kind }) => kind)), new Set(['refused']));
      await waitUntil('the trouble', () =>
        test.node.readiness().troubles.some(({ text }) => text.includes('could not map or deliver')),
      );
    } finally {
      await test.stop();
    }
  });
});
