// The Redis of the schedules answers as a real one does.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { testRedis } from '../support/redis.ts';
import { ErrorReply, RedisServer } from './redis-server.ts';

const real = testRedis();

const KEY = 'stream';
const GROUP = 'group';
/** No entry is idle for so long. */
const NEVER = '100000000';

const id = fc.integer({ min: 1, max: 6 }).map((number) => `${number}-0`);
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 4 });
const consumer = fc.constantFrom('A', 'B');
const idle = fc.constantFrom('0', '0', NEVER);
const count = fc.constantFrom('1', '2', '10');

/** The forms in which a node uses each command. */
const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.constant(['XADD', KEY, 'next', 'job_id', 'x']),
  fc.constant(['XADD', KEY, 'next', 'job_id', 'x']),
  fc.constant(['XGROUP', 'CREATE', KEY, GROUP, '0', 'MKSTREAM']),
  id.map((one) => ['XDEL', KEY, one]),
  fc
    .tuple(consumer, count)
    .map(([who, most]) => ['XREADGROUP', 'GROUP', GROUP, who, 'COUNT', most, 'STREAMS', KEY, '>']),
  ids.map((some) => ['XACK', KEY, GROUP, ...some]),
  fc.tuple(consumer, count).map(([who, most]) => ['XPENDING', KEY, GROUP, '-', '+', most, who]),
  fc.tuple(consumer, id).map(([who, one]) => ['XPENDING', KEY, GROUP, `(${one}`, '+', '10', who]),
  id.map((one) => ['XPENDING', KEY, GROUP, one, one, '1']),
  idle.map((ms) => ['XPENDING', KEY, GROUP, 'IDLE', ms, '-', '+', '10']),
  fc.tuple(consumer, idle, ids).map(([who, ms, some]) => ['XCLAIM', KEY, GROUP, who, ms, ...some, 'JUSTID']),
  fc
    .tuple(consumer, id)
    .map(([who, one]) => ['XCLAIM', KEY, GROUP, who, '0', one, 'RETRYCOUNT', '5', 'JUSTID']),
  fc
    .tuple(consumer, idle)
    .map(([who, ms]) => ['XAUTOCLAIM', KEY, GROUP, who, ms, '0-0', 'COUNT', '1000', 'JUSTID']),
  id.map((one) => ['XRANGE', KEY, one, one]),
  fc
    .constantFrom('executing', 'completed')
    .map((state) => ['HSET', 'hash', 'state', state, 'message_id', '1-0']),
  fc.constant(['HMGET', 'hash', 'state', 'message_id', 'error']),
  fc.constant(['HGET', 'hash', 'state']),
  fc.constant(['SET', 'signal', '1']),
  fc.constant(['EXISTS', 'signal', 'other']),
);

it('answers each command of a node as a real Redis does', async () => {
  const { redis } = real;
  const property = fc.asyncProperty(fc.array(command, { maxLength: 40, size: 'max' }), async (commands) => {
    await redis.flushall();
    const server = new RedisServer(() => 0);
    for (const [name = '', ...args] of commands) {
      const own = ownReply(server, name, args);
      const given = args.map((arg) => (arg === 'next' ? String(own) : arg));
      const theirs = await redis.call(name, ...given).catch((thrown: Error) => firstWord(thrown));
      assert.deepEqual(shown(name, own), shown(name, theirs), `${name} ${given.join(' ')}`);
    }
  });
  await fc.assert(property, { numRuns: 500 });
});

function ownReply(server: RedisServer, name: string, args: readonly string[]): unknown {
  try {
    return server.handle(name, args);
  } catch (thrown) {
    if (thrown instanceof ErrorReply) return firstWord(thrown);
    throw thrown;
  }
}

function firstWord({ message }: Error): string {
  return message.split(' ')[0] ?? '';
}

/** Without the times, which differ. */
function shown(name: string, reply: unknown): unknown {
  if (name !== 'XPENDING' || !Array.isArray(reply)) return reply;
  return reply.map((entry: readonly unknown[]) => entry.with(2, 'some time'));
}
