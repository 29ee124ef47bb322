// Refused results on disk: they come back unchanged, broken files are named, and replays lose nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { SavedOutcome } from '../../src/kit.ts';
import { Replay } from '../../src/outbox/replay.ts';
import {
  dropRefused,
  readRefused,
  requestReplay,
  resultFiles,
  setResultAside,
} from '../../src/outbox/refused.ts';
import { refusedDirectory, replayDirectory } from '../../src/state/layout.ts';
import { createLogger, silentLogger, type Logger } from '../../src/log.ts';
import { webhookBody } from '../../src/protocol/webhook.ts';
import { waitUntil } from '../../src/testing/index.ts';

const completed: SavedOutcome = {
  qpuId: 'q',
  jobId: 'job-one',
  messageIds: ['1-0', '2-0'],
  callbackUrl: 'https://cloud.example/webhook',
  outcome: {
    status: 'completed',
    counts: { '01': 3, '10': 5, '1': 0 },
    executionTimeMs: 1.5,
    shotsCompleted: 8,
  },
  endedAt: '2026-01-02T03:04:05.678Z',
};
const failed: SavedOutcome = { ...completed, outcome: { status: 'failed', error: 'no qubit \u0001 left' } };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coda-set-aside-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Sets a result aside, and returns its file. */
async function setAside(saved: SavedOutcome): Promise<string> {
  const before = new Set(await resultFiles(refusedDirectory(directory)));
  await setResultAside(directory, saved, 'answered 403', silentLogger);
  const name = (await resultFiles(refusedDirectory(directory))).find((one) => !before.has(one));
  assert.ok(name !== undefined);
  return join(refusedDirectory(directory), name);
}

describe('a result that is set aside', () => {
  for (const saved of [completed, failed]) {
    it(`is read back unchanged (${saved.outcome.status})`, async () => {
      const result = readRefused(await setAside(saved));
      assert.ok(result !== undefined);
      const { reason, refusedAt, ...rest } = result;
      assert.deepEqual(rest, saved);
      assert.equal(reason, 'answered 403');
      assert.ok(Math.abs(Date.now() - Date.parse(refusedAt)) < 60_000);
      const bodyOf = (one: SavedOutcome): string => JSON.stringify(webhookBody(one.jobId, one.outcome));
      assert.equal(bodyOf(rest), bodyOf(saved));
    });
  }

  it('may have more than a megabyte of counts', async () => {
    const counts = Object.fromEntries(
      Array.from({ length: 60_000 }, (_, i) => [i.toString(2).padStart(40, '0'), 1]),
    );
    const large: SavedOutcome = {
      ...completed,
      outcome: { status: 'completed', counts, executionTimeMs: 1, shotsCompleted: 60_000 },
    };
    assert.deepEqual(readRefused(await setAside(large))?.outcome, large.outcome);
  });

  it('may belong to any job id', async () => {
    const ids = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(ids, async (jobId) => {
        const path = await setAside({ ...completed, jobId });
        assert.equal(readRefused(path)?.jobId, jobId);
        assert.equal(await dropRefused(path), true);
      }),
      { numRuns: 50 },
    );
    const hostile = await setAside({ ...completed, jobId: '../../etc/passwd' });
    assert.equal(join(hostile, '..'), refusedDirectory(directory));
  });

  it('is replaced by a later refusal of the same job', async () => {
    const path = await setAside(completed);
    await setResultAside(directory, completed, 'answered 410', silentLogger);
    assert.equal((await resultFiles(refusedDirectory(directory))).length, 1);
    assert.equal(readRefused(path)?.reason, 'answered 410');
  });

  it('can be gone already when it is replayed or dropped', async () => {
    const path = await setAside(completed);
    assert.equal(await requestReplay(directory, path), true);
    assert.equal(await requestReplay(directory, path), false);
    assert.equal(await dropRefused(path), false);
    assert.equal(readRefused(path), undefined);
  });
});

type Spoil = (path: string, text: string) => Promise<unknown>;

const edit =
  (change: (result: Record<string, unknown>) => void): Spoil =>
  async (path, text) => {
    const result = JSON.parse(text) as Record<string, unknown>;
    change(result);
    await writeFile(path, JSON.stringify(result));
  };
const editOutcome = (fields: Record<string, unknown>): Spoil =>
  edit((result) => Object.assign(result['outcome'] as object, fields));

const BROKEN: Record<string, { spoil: Spoil; says: RegExp }> = {
  'is empty': { spoil: (path) => writeFile(path, ''), says: /not JSON/ },
  'was cut off': { spoil: (path, text) => writeFile(path, text.slice(0, 50)), says: /not JSON/ },
  'is a list': { spoil: (path) => writeFile(path, '[]'), says: /not an object/ },
  'has no job': { spoil: edit((result) => delete result['jobId']), says: /jobId must be a string/ },
  'has a number for a callback': {
    spoil: edit((result) => (result['callbackUrl'] = 7)),
    says: /callbackUrl.*got 7/,
  },
  'has wrong messages': { spoil: edit((result) => (result['messageIds'] = ['1-0', 2])), says: /messageIds/ },
  'has no outcome': {
    spoil: edit((result) => (result['outcome'] = null)),
    says: /outcome must be an object/,
  },
  'has an unknown status': { spoil: editOutcome({ status: 'cancelled' }), says: /got 'cancelled'/ },
  'has a negative count': { spoil: editOutcome({ counts: { '0': -1 } }), says: /outcome\.counts/ },
  'counts what is no bitstring': { spoil: editOutcome({ counts: { up: 1 } }), says: /outcome\.counts/ },
  'has half a shot': { spoil: editOutcome({ shotsCompleted: 0.5 }), says: /shotsCompleted/ },
  'has no time': { spoil: editOutcome({ executionTimeMs: null }), says: /executionTimeMs/ },
  'failed without an error': { spoil: editOutcome({ status: 'failed' }), says: /outcome\.error/ },
  'has the name of another job': {
    spoil: edit((result) => (result['jobId'] = 'job-two')),
    says: /the file of job 'job-two' is called [0-9a-f]{32}\.json/,
  },
  'lets others read it': { spoil: (path) => chmod(path, 0o644), says: /mode 0644.*chmod 600/s },
  'is a symbolic link': {
    async spoil(path) {
      await rename(path, join(directory, 'elsewhere'));
      await symlink(join(directory, 'elsewhere'), path);
    },
    says: /symbolic link/,
  },
  'is a pipe': {
    async spoil(path) {
      await rm(path);
      execFileSync('mkfifo', ['-m', '600', path]);
    },
    says: /not a regular file/,
  },
};

describe('a result whose file', () => {
  for (const [what, { spoil, says }] of Object.entries(BROKEN)) {
    it(`${what} is refused with its name`, async () => {
      const path = await setAside(completed);
      await spoil(path, await readFile(path, 'utf8'));
      assert.throws(
        () => readRefused(path),
        (thrown: unknown) =>
          thrown instanceof Error && says.test(thrown.message) && thrown.message.includes(path),
      );
    });
  }
});

describe('the replay', () => {
  const lines: string[] = [];
  let log: Logger;
  let replay: Replay | undefined;
  beforeEach(() => {
    lines.length = 0;
    log = createLogger({ write: (line) => lines.push(line) });
  });
  afterEach(() => replay?.stop());

  interface Surroundings {
    readonly hasRoom?: () => boolean;
    readonly isBusyWith?: (jobId: string) => boolean;
    readonly resubmit?: (saved: SavedOutcome) => Promise<void>;
  }

  function start({
    hasRoom = () => true,
    isBusyWith = () => false,
    resubmit = async () => {},
  }: Surroundings): void {
    const outbox = {
      get size() {
        return hasRoom() ? 0 : 1;
      },
      has: isBusyWith,
      resubmit,
    };
    const held = { get: () => undefined };
    replay = new Replay({ directory, log, outbox, held, maxJobs: 1, lookEveryMs: 10 });
    replay.start();
  }

  async function toReplay(saved: SavedOutcome): Promise<string> {
    const path = await setAside(saved);
    assert.ok(await requestReplay(directory, path));
    return path.replace(refusedDirectory(directory), replayDirectory(directory));
  }

  const left = (): Promise<string[]> => resultFiles(replayDirectory(directory));

  it('keeps the file until the result is durable elsewhere', async () => {
    await toReplay(completed);
    const taken: SavedOutcome[] = [];
    let durable = (): void => {};
    start({
      resubmit(saved) {
        taken.push(saved);
        return new Promise((resolve) => (durable = resolve));
      },
    });
    await waitUntil('resubmitting', () => taken.length === 1);
    assert.equal((await left()).length, 1);
    durable();
    await waitUntil('removing the file', async () => (await left()).length === 0);
    assert.deepEqual(taken, [completed]);
  });

  it('takes results that come while the node runs', async () => {
    const taken: string[] = [];
    start({
      resubmit: async ({ jobId }) => void taken.push(jobId),
    });
    await toReplay(failed);
    await waitUntil('resubmitting', () => taken.length === 1);
    assert.deepEqual(taken, [failed.jobId]);
  });

  it('waits for room, and while the node has the same job once more', async () => {
    await toReplay(completed);
    await toReplay({ ...completed, jobId: 'job-two' });
    const taken: string[] = [];
    const asked = { room: 0, busy: 0 };
    let hasRoom = false;
    let isBusy = true;
    start({
      hasRoom: () => (asked.room++, hasRoom),
      isBusyWith: (jobId) => (asked.busy++, isBusy && jobId === 'job-one'),
      resubmit: async ({ jobId }) => void taken.push(jobId),
    });
    await waitUntil('asking for room twice', () => asked.room >= 4);
    assert.equal(asked.busy, 0);
    hasRoom = true;
    await waitUntil('asking twice for the busy job', () => asked.busy >= 3);
    assert.deepEqual(taken, ['job-two']);
    isBusy = false;
    await waitUntil('both', () => taken.length === 2);
  });

  it('names a broken file once, takes the others, and takes it too once it is corrected', async () => {
    const broken = await toReplay(completed);
    await chmod(broken, 0o640);
    const taken: string[] = [];
    let looks = 0;
    start({
      hasRoom: () => (looks++, true),
      resubmit: async ({ jobId }) => void taken.push(jobId),
    });
    await waitUntil('naming it', () => lines.some((line) => line.includes(broken)));
    await toReplay({ ...completed, jobId: 'job-two' });
    await waitUntil('taking the other', () => taken.length === 1);
    await toReplay({ ...completed, jobId: 'job-three' });
    await waitUntil('taking another', async () => taken.length === 2 && (await left()).length === 1);
    assert.equal(lines.filter((line) => line.includes(broken)).length, 1);
    // Once for each of the three: the broken one was not even opened again.
    assert.equal(looks, 3);
    await chmod(broken, 0o600);
    await waitUntil('taking the corrected one', () => taken.length === 3);
    await waitUntil('removing it', async () => (await left()).length === 0);
  });

  it('survives a folder that it cannot use, and says so once', async () => {
    const path = replayDirectory(directory);
    await writeFile(path, '');
    const taken: string[] = [];
    start({ resubmit: async ({ jobId }) => void taken.push(jobId) });
    await waitUntil('complaining', () => lines.length > 0);
    await rm(path);
    await toReplay(completed);
    await waitUntil('taking one after all', () => taken.length === 1);
    assert.equal(lines.filter((line) => line.includes('cannot be replayed')).length, 1);
  });

  it('finishes the current result when it is stopped, and takes no other', async () => {
    await toReplay(completed);
    await toReplay({ ...failed, jobId: 'job-two' });
    let durable = (): void => {};
    let first = 0;
    start({
      resubmit() {
        first += 1;
        return new Promise((resolve) => (durable = resolve));
      },
    });
    await waitUntil('taking one', () => first === 1);
    replay?.stop();
    durable();
    await waitUntil('removing its file', async () => (await left()).length === 1);
    let second = 0;
    start({ resubmit: async () => void (second += 1) });
    await waitUntil('another node taking the other', async () => (await left()).length === 0);
    assert.deepEqual({ first, second }, { first: 1, second: 1 });
  });
});
