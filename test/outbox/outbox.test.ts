// One outcome a job: durable, delivered for as long as it takes, over restarts, and never overtaken by a cancel.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { SavedOutcome } from '../../src/jobs/job.ts';
import type { Copies, Delivery } from '../../src/outbox/delivery.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import { readWaiting } from '../../src/outbox/overview.ts';
import { RedisWrites } from '../../src/queue/redis-writes.ts';
import { journalPath, refusedDirectory } from '../../src/state/layout.ts';
import { createLogger, silentLogger } from '../../src/log.ts';
import { statusKey } from '../../src/protocol/keys.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { readRecords } from '../support/journal.ts';
import { testRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary.ts';

const retry: Delivery = { kind: 'retry', reason: 'away', sent: false };
const delivered: Delivery = { kind: 'delivered' };

function outcome(
  jobId: string,
  shots = 1,
  messageIds = [`${jobId.length}-${jobId.charCodeAt(0)}`],
): SavedOutcome {
  return {
    qpuId: 'q',
    jobId,
    messageIds,
    callbackUrl: 'http://cloud/',
    outcome: { status: 'completed', counts: { '0': shots }, executionTimeMs: 1, shotsCompleted: shots },
    endedAt: '2026-01-02T03:04:05.000Z',
  };
}

describe('the outbox', () => {
  const test = testRedis();

  async function open(directory: string, log = silentLogger): Promise<Outbox> {
    return Outbox.open({
      directory,
      log,
      maxRetryDelayMs: 30,
      onTrouble: () => {},
      maxJobs: 1000,
      onChange: () => {},
    });
  }

  function start(
    t: TestContext,
    outbox: Outbox,
    deliver: (saved: SavedOutcome, attempt: number) => Promise<Delivery> | Delivery,
  ): RedisWrites {
    const writes = new RedisWrites(test.connect(), 'q', silentLogger);
    t.after(() => writes.close());
    outbox.start({ statuses: writes, deliver: async (saved, attempt) => deliver(saved, attempt) });
    return writes;
  }

  const state = (jobId: string): Promise<string | null> => test.redis.hget(statusKey(jobId), 'state');

  it('keeps what plugins note on a job later, over a restart, and the result still waits', async (t) => {
    const directory = await temporaryFolder(t);
    const first = await open(directory);
    await first.save({ ...outcome('a'), annotations: { calibration: 'c-1' } });
    await first.save(outcome('b'));
    first.annotate('a', { calibration: 'c-1', drift: 0.2 });
    first.annotate('b', { seen: true });
    await first.close();
    assert.deepEqual(
      (await readWaiting(directory)).map(({ jobId }) => jobId),
      ['a', 'b'],
    );
    const second = await open(directory);
    assert.equal(second.size, 2);
    second.saveNow();
    await second.close();
    const posted: unknown[] = [];
    const third = await open(directory);
    third.start({
      statuses: { ended: () => Promise.resolve(), acknowledge: () => Promise.resolve() },
      deliver: (saved) => {
        posted.push(saved.annotations);
        return Promise.resolve(delivered);
      },
    });
    await third.empty();
    assert.deepEqual(posted, [{ calibration: 'c-1', drift: 0.2 }, { seen: true }]);
    assert.throws(() => third.annotate('a', {}), /the outcome of job a is delivered/);
    await third.close();
  });

  it('delivers in the order of saving, tries again until it is done, and forgets', async (t) => {
    const directory = await temporaryFolder(t);
    const outbox = await open(directory);
    const tries: string[] = [];
    start(t, outbox, ({ jobId }, attempt) => {
      tries.push(`${jobId}${attempt}`);
      return attempt < 3 && jobId === 'b' ? retry : delivered;
    });
    for (const jobId of ['a', 'b', 'c']) void outbox.save(outcome(jobId));
    await outbox.empty();
    assert.deepEqual(tries.slice(0, 3), ['a1', 'b1', 'c1']);
    assert.deepEqual(tries.slice(3), ['b2', 'b3']);
    assert.equal(await state('b'), 'completed');
    await outbox.close();
    const again = await open(directory);
    assert.equal(again.size, 0);
    await again.close();
  });

  it('says completed only after the outcome is on disk', async (t) => {
    const directory = await temporaryFolder(t);
    const outbox = await open(directory);
    const onDisk: number[] = [];
    start(t, outbox, async () => {
      onDisk.push((await readRecords(await readFile(journalPath(directory)))).records.length);
      return delivered;
    });
    assert.equal(await state('a'), null);
    await outbox.save(outcome('a'));
    await outbox.empty();
    assert.deepEqual(onDisk, [1]);
    assert.equal(await state('a'), 'completed');
    await outbox.close();
  });

  it('says nothing and posts nothing before the copy is there, unless a cancel wins', async (t) => {
    const outbox = await open(await temporaryFolder(t));
    const copied = new Map<string, () => void>();
    const removed: string[] = [];
    const posted: string[] = [];
    const statuses = new RedisWrites(test.connect(), 'q', silentLogger);
    t.after(() => statuses.close());
    const copies: Copies = {
      save: ({ jobId }) => new Promise((resolve) => copied.set(jobId, resolve)),
      remove: (jobId) => Promise.resolve(void removed.push(jobId)),
    };
    const deliver = ({ jobId }: SavedOutcome): Promise<Delivery> => {
      posted.push(jobId);
      return Promise.resolve(delivered);
    };
    outbox.start({ statuses, copies, deliver });
    // Each resolves: nobody waits for Redis.
    for (const jobId of ['a', 'b', 'c']) await outbox.save(outcome(jobId));
    assert.equal(outbox.cancel('b'), true);
    copied.get('c')?.();
    copied.get('b')?.();
    await waitUntil('c', () => removed.includes('c'));
    await waitUntil('b', async () => (await state('b')) === 'cancelled');
    assert.deepEqual(posted, ['c']);
    assert.equal(await state('a'), null);
    copied.get('a')?.();
    await outbox.empty();
    assert.deepEqual(posted, ['c', 'a']);
    assert.deepEqual(removed.toSorted(), ['a', 'b', 'c']);
    await outbox.close();
  });

  it('has copies made of what an earlier run has left, before it is posted once more', async (t) => {
    const directory = await temporaryFolder(t);
    const first = await open(directory);
    await first.save(outcome('a'));
    await first.close();
    const second = await open(directory);
    const order: string[] = [];
    second.start({
      statuses: { ended: () => Promise.resolve(), acknowledge: () => Promise.resolve() },
      copies: {
        save: () => Promise.resolve(void order.push('copied')),
        remove: () => Promise.resolve(void order.push('removed')),
      },
      deliver: () => {
        order.push('posted');
        return Promise.resolve(delivered);
      },
    });
    await second.empty();
    assert.deepEqual(order, ['copied', 'posted', 'removed']);
    await second.close();
  });

  it('keeps the first outcome of a job, and acknowledges every message that brought it', async (t) => {
    const outbox = await open(await temporaryFolder(t));
    const acknowledged: string[] = [];
    const writes = start(t, outbox, () => retry);
    const acknowledge = writes.acknowledge.bind(writes);
    writes.acknowledge = (ids) => {
      acknowledged.push(...ids);
      return acknowledge(ids);
    };
    await outbox.save(outcome('a', 1, ['1-1']));
    await outbox.save(outcome('a', 2, ['1-2']));
    outbox.adopt('a', '1-3');
    assert.equal(outbox.size, 1);
    for (const id of ['1-1', '1-2', '1-3']) assert.ok(outbox.hasMessage(id), id);
    assert.equal(outbox.cancel('a'), true);
    await outbox.empty();
    assert.deepEqual(acknowledged, ['1-1', '1-2', '1-3']);
    assert.equal(outbox.hasMessage('1-2'), false);
    await outbox.close();
  });

  it('acknowledges a message that is adopted while the job is being settled', async (t) => {
    const outbox = await open(await temporaryFolder(t));
    const acknowledged: string[] = [];
    const writes = start(t, outbox, () => delivered);
    writes.acknowledge = async (ids) => {
      acknowledged.push(ids.join());
      if (ids.length === 1) outbox.adopt('a', '9-9');
    };
    await outbox.save(outcome('a', 1, ['1-1']));
    await outbox.empty();
    assert.deepEqual(acknowledged, ['1-1', '1-1,9-9']);
    await outbox.close();
  });

  it('delivers saved outcomes after a restart, and writes the status that the crash prevented', async (t) => {
    const directory = await temporaryFolder(t);
    const first = await open(directory);
    await first.save(outcome('a'));
    await first.close();
    assert.equal(await state('a'), null);
    const second = await open(directory);
    assert.ok(second.has('a') && second.hasMessage(outcome('a').messageIds[0] ?? ''));
    const posted: SavedOutcome[] = [];
    start(t, second, (saved) => {
      posted.push(saved);
      return delivered;
    });
    await second.empty();
    assert.deepEqual(posted, [outcome('a')]);
    assert.equal(await state('a'), 'completed');
    await second.close();
  });

  it('does not post a delivered outcome again after a restart, but acknowledges it', async (t) => {
    const directory = await temporaryFolder(t);
    const first = await open(directory);
    const writes = start(t, first, () => delivered);
    // The node dies before Redis has it.
    writes.acknowledge = () => new Promise(() => {});
    await first.save(outcome('a'));
    await waitUntil('the journal knowing of the post', async () =>
      (await readFile(journalPath(directory), 'utf8')).includes('settled'),
    );
    await first.close();
    const second = await open(directory);
    start(t, second, () => assert.fail('posted again'));
    await second.empty();
    await second.close();
  });

  it('suppresses an outcome by a cancel, also if the node dies on the way', async (t) => {
    const directory = await temporaryFolder(t);
    const first = await open(directory);
    const writes = start(t, first, () => retry);
    await first.save(outcome('a'));
    await waitUntil('waiting for the next attempt', () => [...first.cancellable()].includes('a'));
    writes.acknowledge = () => new Promise(() => {});
    writes.ended = () => new Promise(() => {});
    assert.equal(first.cancel('a'), true);
    assert.equal(first.cancel('a'), false);
    await waitUntil('the journal knowing of the cancel', async () =>
      (await readFile(journalPath(directory), 'utf8')).includes('settled'),
    );
    await first.close();
    const second = await open(directory);
    start(t, second, () => assert.fail('posted a cancelled job'));
    await second.empty();
    assert.equal(await state('a'), 'cancelled');
    await second.close();
  });

  it('lets a cancel change nothing once the cloud may have the outcome', async (t) => {
    const directory = await temporaryFolder(t);
    const outbox = await open(directory);
    let answer: Delivery = { kind: 'retry', reason: 'the answer was lost', sent: true };
    let attempts = 0;
    start(t, outbox, () => {
      attempts += 1;
      return answer;
    });
    await outbox.save(outcome('a'));
    await waitUntil('an attempt', () => attempts > 0);
    await waitUntil('its end', () => outbox.outage);
    assert.equal(outbox.cancel('a'), false);
    answer = delivered;
    await outbox.empty();
    assert.equal(await state('a'), 'completed');
    await outbox.close();
  });

  it('sets aside an outcome that the cloud refuses for good', async (t) => {
    const directory = await temporaryFolder(t);
    const outbox = await open(directory);
    start(t, outbox, () => ({ kind: 'refused', reason: 'answered 404' }));
    await outbox.save(outcome('../a'));
    await outbox.empty();
    const [file = '', ...more] = await readdir(refusedDirectory(directory));
    assert.deepEqual(more, []);
    const refused: unknown = JSON.parse(await readFile(join(refusedDirectory(directory), file), 'utf8'));
    assert.match(JSON.stringify(refused), /"jobId":"\.\.\/a".*"reason":"answered 404"/);
    await outbox.close();
  });

  it('has the first of many refused results in its log, and the number of the others; each is set aside', async (t) => {
    const directory = await temporaryFolder(t);
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', write: (line) => lines.push(line) });
    const outbox = await open(directory, log);
    start(t, outbox, ({ jobId }) => ({ kind: 'refused', reason: `answered 404 to ${jobId}` }));
    const ids = Array.from({ length: 300 }, (_, i) => `job-${i}`);
    await Promise.all(ids.map((id) => outbox.save(outcome(id))));
    await outbox.empty();
    await outbox.close();
    assert.equal((await readdir(refusedDirectory(directory))).length, ids.length);
    const named =
      / (?:ERROR|DEBUG) the cloud refused the result of job (\S+): answered 404 to \1; it is set aside \(coda results list\)$/;
    const ofLevel = (level: string): string[] => lines.filter((line) => line.includes(` ${level} `));
    const errors = ofLevel('ERROR');
    const shown = errors.filter((line) => named.test(line));
    assert.ok(shown.length >= 5 && errors.length < 50, errors.join('\n'));
    const left = errors.map(
      (line) => /ERROR (\d+) more results .* in the last \d+ s \(see/.exec(line)?.[1] ?? '0',
    );
    assert.equal(
      left.reduce((sum, count) => sum + Number(count), shown.length),
      ids.length,
    );
    assert.match(errors.at(-1) ?? '', /; the last one: the cloud refused the result of job job-/);
    assert.equal(ofLevel('DEBUG').filter((line) => named.test(line)).length, ids.length - shown.length);
  });

  it('forgets nothing before Redis has the status', async (t) => {
    const directory = await temporaryFolder(t);
    const outbox = await open(directory);
    const writes = start(t, outbox, () => delivered);
    let written = (): void => {};
    writes.ended = () => new Promise((resolve) => (written = resolve));
    let acknowledged = false;
    writes.acknowledge = async () => void (acknowledged = true);
    await outbox.save(outcome('a'));
    await waitUntil('the acknowledgement', () => acknowledged);
    assert.equal(outbox.size, 1);
    written();
    await outbox.empty();
    await outbox.close();
  });

  it('posts the next outcome of a lane only when the journal has the end of the last', async (t) => {
    const directory = await temporaryFolder(t);
    const outbox = await open(directory);
    const posted: string[] = [];
    let mostUnknown = 0;
    start(t, outbox, async ({ jobId }) => {
      const text = await readFile(journalPath(directory), 'utf8');
      const known = new Set([...text.matchAll(/"t":"settled","jobId":"([^"]+)"/g)].map(([, id]) => id));
      const unknown = posted.filter((id) => !known.has(id));
      mostUnknown = Math.max(mostUnknown, unknown.length);
      posted.push(jobId);
      return delivered;
    });
    for (let i = 0; i < 500; i += 1) void outbox.save(outcome(`job-${i}`, 1, [`${i}-1`]));
    await outbox.empty();
    assert.equal(posted.length, 500);
    assert.ok(mostUnknown < 64, `${mostUnknown} posts would be repeated after a kill`);
    await outbox.close();
  });
});
