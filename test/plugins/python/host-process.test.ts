// The Python host as a process: crashes, hangs, output, children, signals, and what is left when it ends.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame } from '../../../plugins/python/frames.ts';
import { policyOf } from '../../../plugins/python/scheduling.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { circuitText, HostClient } from './host-client.ts';
import { NO_PYTHON, shimWorlds } from './host-pythons.ts';

const CIRCUIT = circuitText();
/** Numbers of Linux. */
const [SCHED_OTHER, SCHED_IDLE] = [0, 5];
const IS_LINUX = process.platform === 'linux';

const worlds = shimWorlds();
if (worlds.length === 0) it('hosts an executor', { skip: NO_PYTHON });
for (const { name, python } of worlds) describe(`the process of the host with ${name}`, () => suite(python));

function suite(python: string): void {
  it('dies as the driver does, and leaves its last words', async (t) => {
    const crashes: ReadonlyArray<readonly [number, number | null, NodeJS.Signals | null, RegExp]> = [
      [1, 7, null, /^$/],
      [2, null, 'SIGSEGV', /last words[^]*Fatal Python error: Segmentation fault[^]*processes\.py.* in run/],
      [3, null, 'SIGKILL', /^$/],
      [4, null, 'SIGABRT', /Fatal Python error: Aborted/],
    ];
    for (const [shots, code, signal, output] of crashes) {
      const host = new HostClient(t, python);
      await host.start('processes:Crashing');
      host.control({ t: 'run', id: 'a', shots }, CIRCUIT);
      assert.deepEqual(await host.ended, { code, signal });
      assert.match(host.output, output);
      await isGone(host);
    }
  });

  it('tells a blocked loop, a held GIL and an idle host apart', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Simple');
    host.ahead({ t: 'ping', n: 1 });
    host.control({ t: 'beat', n: 1 });
    assert.deepEqual(await host.pong(), { t: 'pong', n: 1 });
    assert.deepEqual(await host.answer('beat'), { t: 'beat', n: 1 });

    // So long that only the end of the group ends it: no measured time decides.
    const blocked = new HostClient(t, python);
    await blocked.start('lab:Blocking');
    blocked.control({ t: 'run', id: 'a', shots: 3_600_000 }, CIRCUIT);
    await waitUntil('the run', () => blocked.output.includes('blocking'));
    blocked.control({ t: 'beat', n: 1 });
    for (const n of [1, 2, 3]) {
      blocked.ahead({ t: 'ping', n });
      assert.deepEqual(await blocked.pong(), { t: 'pong', n });
    }
    assert.deepEqual(blocked.unread.map(kindOf), ['hello']);
    blocked.ahead({ t: 'where' });
    await waitUntil('the stack', () => /lab\.py", line \d+ in run/.test(blocked.output));

    const held = new HostClient(t, python);
    await held.start('lab:HoldingGil');
    held.control({ t: 'run', id: 'a', shots: 3_600_000 }, CIRCUIT);
    await waitUntil('the run', () => held.output.includes('holding'));
    held.ahead({ t: 'ping', n: 1 });
    held.control({ t: 'beat', n: 1 });
    // The idle host answers a thousand times meanwhile.
    for (let n = 2; n < 1000; n += 1) {
      host.ahead({ t: 'ping', n });
      await host.pong();
    }
    assert.equal(held.pongCount, 0);
    assert.deepEqual(held.unread.map(kindOf), ['hello']);
  });

  it('passes on whatever is printed, beside the protocol', async (t) => {
    const host = new HostClient(t, python);
    await host.start('processes:Printing');
    const answer = await host.run('a', CIRCUIT, 20_000);
    assert.equal(answer.t, 'result');
    // C's line is there although the process goes on.
    await waitUntil('the lines of C and of a program', () =>
      ['from C\n', 'from sh\n', 'INFO my.driver: calibrated\n'].every((line) => host.output.includes(line)),
    );
    await waitUntil('all of it', () => host.output.length >= 60_000 * 100);
    assert.equal(count(host.stdout, `${'x'.repeat(99)}\n`), 20_000);
    assert.equal(count(host.stderr, `${'x'.repeat(99)}\n`), 20_000);
    assert.equal(count(host.stdout, `${'y'.repeat(99)}\n`), 20_000);
    assert.equal(count(host.stdout, 'from sh\n') + count(host.stderr, 'from sh\n'), 2);
  });

  it('lets a driver fork, spawn, and use pools, threads and signals', async (t) => {
    for (const factory of ['processes:Spawning', 'processes:Signals']) {
      const host = new HostClient(t, python);
      await host.start(factory);
      const answer = await host.run('a', CIRCUIT);
      assert.equal(answer.t, 'result', String(answer['traceback']));
      host.ahead({ t: 'ping', n: 1 });
      await host.pong();
      assert.deepEqual(await host.close(), { code: 0, signal: null });
      await isGone(host);
    }
  });

  it('hears nothing of a forked child that runs on into the host', async (t) => {
    const host = new HostClient(t, python);
    await host.start('processes:FallsThrough');
    assert.equal((await host.run('a', CIRCUIT)).t, 'result');
    await waitUntil('the child to end its run', async () => {
      await sleep(50);
      return host.group().length <= 3;
    });
    await sleep(400);
    assert.deepEqual(host.unread.map(kindOf), ['hello']);
    assert.equal((await host.run('b', CIRCUIT)).t, 'result');
  });

  it(
    'runs atexit when it is closed, and leaves no process',
    { skip: !IS_LINUX && 'needs /proc' },
    async (t) => {
      const host = new HostClient(t, python);
      await host.start('processes:Leaving');
      await host.run('a', CIRCUIT);
      assert.ok(host.group().length >= 4);
      assert.deepEqual(await host.close(), { code: 0, signal: null });
      assert.match(host.output, /atexit ran/);
      await isGone(host);
    },
  );

  for (const [how, factory] of [
    ['idle', 'processes:Leaving'],
    ['in a run that blocks', 'lab:Blocking'],
  ] as const) {
    it(`ends with atexit on SIGTERM, ${how}; the run has no outcome`, async (t) => {
      const host = new HostClient(t, python);
      await host.start(factory);
      if (factory === 'lab:Blocking') {
        host.control({ t: 'run', id: 'a', shots: 3_600_000 }, CIRCUIT);
        await waitUntil('the run', () => host.output.includes('blocking'));
      }
      process.kill(-host.pid, 'SIGTERM');
      assert.deepEqual(await host.ended, { code: 143, signal: null });
      if (factory === 'processes:Leaving') assert.match(host.output, /atexit ran/);
      assert.deepEqual(host.unread.map(kindOf), ['hello']);
      await isGone(host);
    });
  }

  it('says nothing of a run that its own end cancels', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Sleeping');
    host.control({ t: 'run', id: 'a', shots: 100 }, CIRCUIT);
    await waitUntil('the run', () => host.output.includes('sleeping'));
    assert.deepEqual(await host.close(), { code: 0, signal: null });
    assert.match(host.output, /cleaned up/);
    assert.deepEqual(host.unread.map(kindOf), ['hello']);
  });

  for (const [how, factory] of [
    ['is idle', 'processes:Leaving'],
    ['blocks its loop', 'lab:Blocking'],
    ['holds the GIL', 'lab:HoldingGil'],
  ] as const) {
    const skip = !IS_LINUX && 'needs /proc';
    it(`leaves no process if the node vanishes while the driver ${how}`, { skip }, async (t) => {
      const host = new HostClient(t, python);
      await host.start(factory);
      host.control({ t: 'run', id: 'a', shots: 3_600_000 }, CIRCUIT);
      if (factory === 'processes:Leaving') await host.answer('result');
      else await waitUntil('the run', () => /blocking|holding/.test(host.output));
      host.vanish();
      assert.deepEqual(await host.ended, { code: null, signal: 'SIGKILL' });
      await isGone(host);
    });
  }

  it('leaves no process if the host itself is killed', { skip: !IS_LINUX && 'needs /proc' }, async (t) => {
    const host = new HostClient(t, python);
    await host.start('processes:Leaving');
    await host.run('a', CIRCUIT);
    assert.ok(host.group().length >= 4);
    process.kill(host.pid, 'SIGKILL');
    await host.ended;
    await isGone(host);
  });

  it(
    'ends as out of memory if there is none for a circuit',
    { skip: !IS_LINUX && 'needs /proc' },
    async (t) => {
      const host = new HostClient(t, python);
      await host.start('lab:Starving');
      await host.run('a', CIRCUIT, 32);
      host.ahead({ t: 'circuit', id: 'b' }, Buffer.alloc(256 << 20, ' '));
      assert.deepEqual(await host.ended, { code: 71, signal: null });
      await isGone(host);
    },
  );

  it('ends with a clear line if the frames are broken', async (t) => {
    const good = encodeFrame({ t: 'beat', n: 1 });
    const broken: ReadonlyArray<readonly [Buffer, RegExp]> = [
      [Buffer.from('GET / HTTP/1.1\r\n'), /a frame cannot be 1195725856 bytes long/],
      [Buffer.from([0, 0, 0, 1, 0]), /a frame cannot be 1 bytes long/],
      [Buffer.from([0, 0, 0, 6, 0, 0, 0, 9, 1, 1]), /the head of a frame is longer than the frame/],
      [Buffer.concat([good, Buffer.from([0, 0, 0, 6, 0, 0, 0, 2]), Buffer.from('{x')]), /is not JSON/],
      [
        Buffer.concat([Buffer.from([0, 0, 0, 6, 0, 0, 0, 2]), Buffer.from('[]')]),
        /not an object with a kind/,
      ],
    ];
    for (const [bytes, output] of broken) {
      const host = new HostClient(t, python);
      await host.answer('hello');
      host.raw(bytes);
      assert.deepEqual(await host.ended, { code: 70, signal: null });
      assert.match(host.output, output);
      await isGone(host);
    }
  });

  it('reads frames however they are cut, and large ones', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Unhurried');
    const frames = Buffer.concat([
      encodeFrame({ t: 'run', id: 'ä', shots: 1 }, CIRCUIT),
      encodeFrame({ t: 'beat', n: 1 }),
    ]);
    for (const byte of frames) {
      host.raw(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    assert.equal((await host.answer('result', 'ä')).t, 'result');
    await host.answer('beat');
    const gates = Array.from({ length: 100_000 }, (_, index) => ({
      gate: 'rx',
      qubits: [index % 5],
      params: [0.1],
    }));
    host.ahead({ t: 'circuit', id: 'ahead' }, circuitText(gates));
    for (const [id, text, shots] of [
      ['large', circuitText(gates), 1],
      ['ahead', '', 100],
    ] as const) {
      const ran = await host.run(id, text, shots);
      assert.equal(ran.t, 'result', String(ran['traceback']));
    }
  });

  it(
    'changes the scheduling of its node only, and only if nobody has',
    { skip: !IS_LINUX && 'Linux only' },
    async (t) => {
      const before = [policyOf(process.pid), policyOf(1)];
      for (const node of [
        undefined,
        { pid: process.pid, policy: SCHED_IDLE },
        { pid: 1, policy: SCHED_OTHER },
        { pid: process.pid, policy: null },
      ]) {
        const host = new HostClient(t, python);
        host.control({ t: 'init', factory: 'lab:Simple', settings: {}, ...(node && { node }) });
        await host.answer('ready');
        assert.deepEqual([policyOf(process.pid), policyOf(1)], before);
      }
    },
  );

  it('answers each of 5,000 runs once', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Simple');
    const ids = Array.from({ length: 5000 }, (_, index) => `job-${index}`);
    for (const id of ids) {
      host.ahead({ t: 'circuit', id }, CIRCUIT);
      host.control({ t: 'run', id, shots: 1, circuit: id });
    }
    await waitUntil('all results', () => host.unread.length >= 5001, { timeoutMs: 60_000 });
    const answered = host.unread.filter(({ t: kind }) => kind === 'result').map((head) => String(head['id']));
    assert.deepEqual(answered.toSorted(), ids.toSorted());
  });
}

function kindOf({ t: kind }: { readonly t: string }): string {
  return kind;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** The host's whole group has ended; the guard needs a moment. */
async function isGone(host: HostClient): Promise<void> {
  if (!IS_LINUX) return;
  await waitUntil('the end of the whole group', () => host.group().length === 0);
}
