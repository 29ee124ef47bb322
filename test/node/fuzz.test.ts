// Thousands of messages that nobody should send, at one running node: each gets its answer or is set aside,
// the cloud sees no breach of the contract, nothing stays pending, and the next good job runs.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { statusKey, streamKey } from '../../src/protocol/keys.ts';
import { openRedis } from '../../src/net/redis.ts';
import {
  bell,
  startLocalCloud,
  startTestNode,
  waitUntil,
  type LocalCloud,
  type TestNode,
} from '../../src/testing/index.ts';
import { anyText, mutated, validCircuits } from '../protocol/arbitraries.ts';
import { BatchExecutor, CountingExecutor } from '../support/executors.ts';

const RUNS = 8;
const MESSAGES = 250;

interface Message {
  /** The job's fields; a message without a callback URL of ours has nowhere to report to. */
  readonly kind: 'job' | 'noise';
  readonly fields: Readonly<Record<string, string | Buffer | null>>;
  /** Sent twice, as a cloud that is unsure does. */
  readonly twice: boolean;
  /** What another program has left under the job's status key. */
  readonly status: 'absent' | 'string' | 'list';
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const circuits = fc.oneof(validCircuits, mutated(validCircuits)).map((ir) => JSON.stringify(ir) ?? '');
const text = fc.oneof(anyText(60), bytes);
const shots = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 100 }).map(String) },
  { weight: 1, arbitrary: fc.integer().map(String) },
  { weight: 1, arbitrary: text },
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 9 });

const job: fc.Arbitrary<Message> = fc.record({
  kind: fc.constant('job'),
  fields: fc.record({
    ir_json: maybe(fc.oneof({ weight: 6, arbitrary: circuits }, { weight: 1, arbitrary: text })),
    shots: maybe(shots),
  }),
  twice: fc.boolean(),
  status: fc.constantFrom('absent', 'absent', 'absent', 'string', 'list'),
});

const noise: fc.Arbitrary<Message> = fc.record({
  kind: fc.constant('noise'),
  fields: fc
    .array(
      fc.tuple(fc.oneof(fc.constantFrom('job_id', 'callback_url', 'ir_json', 'shots'), anyText(10)), text),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .map((pairs) => Object.fromEntries(pairs.filter(([, value]) => !/^https?:/i.test(String(value)))))
    .filter((fields) => Object.keys(fields).length > 0),
  twice: fc.boolean(),
  status: fc.constant('absent'),
});

for (const [mode, executor] of [
  ['single runs', new CountingExecutor()],
  ['batches', new BatchExecutor()],
] as const) {
  describe(`a node that is sent anything, ${mode}`, () => {
    let cloud: LocalCloud;
    let test: TestNode;
    let redis: Redis;
    before(async () => {
      cloud = await startLocalCloud();
      test = await startTestNode({ cloud, executor });
      redis = openRedis({ url: cloud.redisUrl, name: 'test', env: {} });
    });
    after(async () => {
      redis.disconnect();
      await test.stop();
      await cloud.close();
    });

    let sent = 0;

    /** Returns the id of a job that must be reported to the cloud. */
    async function send({ kind, fields, twice, status }: Message): Promise<string | undefined> {
      sent += 1;
      const jobId = `fuzz-${sent}`;
      if (kind === 'noise') {
        const pairs = Object.entries(fields).flatMap(([name, value]) => [name, value ?? '']);
        for (let times = twice ? 2 : 1; times > 0; times--)
          await redis.xadd(streamKey(cloud.qpuId), '*', ...pairs);
        return undefined;
      }
      if (status === 'string') await redis.set(statusKey(jobId), 'text');
      if (status === 'list') await redis.rpush(statusKey(jobId), 'text');
      for (let times = twice ? 2 : 1; times > 0; times--) await cloud.submit({ jobId, raw: fields });
      return jobId;
    }

    it(`answers ${RUNS * MESSAGES} messages, and keeps working`, async () => {
      const messages = fc.array(fc.oneof({ weight: 3, arbitrary: job }, { weight: 1, arbitrary: noise }), {
        minLength: MESSAGES,
        maxLength: MESSAGES,
      });
      await fc.assert(
        fc.asyncProperty(messages, async (many) => {
          const jobIds = (await Promise.all(many.map(send))).filter((jobId) => jobId !== undefined);
          const good = await cloud.submit({ ir: bell('cz').ir, shots: 7 });
          assert.equal((await cloud.outcome(good)).status, 'completed');
          for (const jobId of jobIds) {
            const body = await cloud.outcome(jobId);
            if (body.status === 'failed') assert.match(body.error, /\S/);
          }
          await waitUntil('acknowledging every message', async () => (await cloud.pending()) === 0);
          assert.deepEqual(cloud.violations, []);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      const ends = new Set([...cloud.results.values()].map(({ status }) => status));
      assert.deepEqual([...ends].toSorted(), ['completed', 'failed']);
      assert.equal(test.log.filter((line) => /\n\s+at /.test(line)).length, 0, 'stacks in the log');
      await waitUntil('being ready', () => test.node.readiness().ready);
    });
  });
}
