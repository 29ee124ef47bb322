// The Python host begins the next jobs by itself, each at the end of the run before it, as long as it may.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Frame } from '../../../plugins/python/frames.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { circuitText, HostClient } from './host-client.ts';
import { NO_PYTHON, shimWorlds } from './host-pythons.ts';

const CIRCUIT = circuitText();
const ZEROS = { counts: { '00': 1 }, execution_time_ms: 1.5, shots_completed: 1 };
/** Milliseconds of a clock that no machine will reach. */
const FAR = 1e15;

const worlds = shimWorlds();
if (worlds.length === 0) it('begins the next job', { skip: NO_PYTHON });
for (const { name, python } of worlds) describe(`the host with ${name}`, () => suite(python));

function suite(python: string): void {
  it('begins the next job by itself at the end of a run, if it may', async (t) => {
    const folder = await temporaryFolder(t);
    const host = new HostClient(t, python, { env: { TURNS: folder } });
    await host.start('lab:InTurn');
    const ids = ['a', 'b', 'c', 'd'];
    for (const id of ids) host.ahead({ t: 'circuit', id }, CIRCUIT);
    const end = (shots: number): void => writeFileSync(join(folder, String(shots)), '');
    /** Everything on the control descriptor is read. */
    const isRead = async (): Promise<void> => {
      host.control({ t: 'beat', n: 1 });
      await host.answer('beat');
    };
    // The thread that answers has parsed the circuits before it.
    host.ahead({ t: 'ping', n: 1 });
    await host.pong();
    host.control({ t: 'run', id: 'a', shots: 1, circuit: 'a' });
    host.control({ t: 'next', after: 'a', jobs: [{ id: 'b', shots: 2, circuit: 'b' }], until: FAR });
    await isRead();
    end(1);
    assert.deepEqual(await host.answer('result', 'a'), {
      t: 'result',
      id: 'a',
      ...ZEROS,
      next: 'b',
    });
    await waitUntil('the second run', () => host.output.includes('run 2'));
    // The node may not have heard of the second one: what counts is what comes after it. Then two begin at once.
    const jobs = [2, 9, 66].map((shots, index) => ({
      id: ids[index + 1],
      shots,
      circuit: ids[index + 1],
    }));
    host.control({ t: 'next', after: 'a', jobs, until: FAR });
    await isRead();
    end(9);
    end(2);
    assert.equal((await host.answer('result', 'b'))['next'], 'c');
    // The next run ends the process at once: the answer is out before that.
    const failed = await host.answer(['error', 'result'], 'c');
    assert.equal(failed['message'], 'broken');
    assert.equal(failed['next'], 'd');
    assert.deepEqual(await host.ended, { code: 6, signal: null });
    assert.match(host.output, /run 1\nrun 2\nrun 9\nrun 66\n/);
  });

  it('does not begin a job that may no longer begin, whose circuit is not here, or after a cancelled run', async (t) => {
    const folder = await temporaryFolder(t);
    const host = new HostClient(t, python, { env: { TURNS: folder } });
    await host.start('lab:InTurn');
    host.ahead({ t: 'circuit', id: 'b' }, CIRCUIT);
    host.ahead({ t: 'ping', n: 1 });
    await host.pong();
    const job = { id: 'b', shots: 50, circuit: 'b' };
    const next = { t: 'next', after: 'a', jobs: [job], until: FAR };
    const cases: readonly (readonly [string, readonly Frame['head'][]])[] = [
      ['in time', [{ ...next, until: 0 }]],
      ['circuit', [{ ...next, jobs: [{ ...job, circuit: 'nowhere' }, job] }]],
      ['another run', [{ ...next, after: 'z' }]],
      ['recalled', [next, { ...next, jobs: [] }]],
      ['cancelled', [next, { t: 'cancel', id: 'a' }]],
    ];
    for (const [index, [why, heads]] of cases.entries()) {
      host.control({ t: 'run', id: 'a', shots: index + 1 }, CIRCUIT);
      for (const head of heads) host.control(head);
      host.control({ t: 'beat', n: 1 });
      await host.answer('beat');
      writeFileSync(join(folder, String(index + 1)), '');
      const answer = await host.answer(['result', 'ended'], 'a');
      assert.equal(answer['next'], undefined, why);
    }
    // One that comes after the end of the run that it names is too late.
    host.control(next);
    host.control({ t: 'beat', n: 1 });
    await host.answer('beat');
    writeFileSync(join(folder, '50'), '');
    assert.doesNotMatch(host.output, /run 50/);
    host.control({ t: 'run', id: 'b', shots: 50, circuit: 'b' });
    assert.equal((await host.answer('result', 'b'))['next'], undefined);
  });

  it('frees the circuit of the last run, and its task, while the device is busy with the next one', async (t) => {
    const folder = await temporaryFolder(t);
    const host = new HostClient(t, python, { env: { TURNS: folder } });
    await host.start('lab:Counting');
    const jobs = ['a', 'b', 'c'].map((id, index) => ({ id, shots: index + 1, circuit: id }));
    for (const { id } of jobs) host.ahead({ t: 'circuit', id }, CIRCUIT);
    host.ahead({ t: 'ping', n: 1 });
    await host.pong();
    host.control({ t: 'run', ...jobs[0] });
    const inMemory: unknown[] = [];
    for (const [index, { id, shots }] of jobs.entries()) {
      await waitUntil('the run', () => host.output.includes(`run ${shots}\n`));
      host.control({ t: 'next', after: id, jobs: jobs.slice(index + 1), until: FAR });
      host.control({ t: 'beat', n: 1 });
      await host.answer('beat');
      writeFileSync(join(folder, String(shots)), '');
      inMemory.push((await host.answer(['result', 'error'], id))['counts']);
    }
    assert.deepEqual(inMemory, [{ '00': 3 }, { '00': 2 }, { '00': 1 }]);
  });

  it('hears what the node has said during a run that blocked the loop, before the next job begins', async (t) => {
    const folder = await temporaryFolder(t);
    const host = new HostClient(t, python, { env: { TURNS: folder } });
    await host.start('lab:BlockingInTurn');
    const next = { t: 'next', after: 'a', jobs: [{ id: 'b', shots: 50, circuit: 'b' }], until: FAR };
    const recall = { t: 'next', after: '', jobs: [], until: 0 };
    const cases: readonly (readonly [string, readonly Frame['head'][], readonly Frame['head'][], unknown])[] =
      [
        ['recalled', [next], [recall], undefined],
        ['recalled, and cancelled too late', [next], [recall, { t: 'cancel', id: 'a' }], undefined],
        ['allowed', [{ ...next, jobs: [{ id: 'c', shots: 60, circuit: 'c' }] }], [next], 'b'],
      ];
    for (const id of ['b', 'c']) host.ahead({ t: 'circuit', id }, CIRCUIT);
    host.ahead({ t: 'ping', n: 1 });
    await host.pong();
    for (const [index, [why, before, during, expected]] of cases.entries()) {
      const shots = index + 1;
      host.control({ t: 'run', id: 'a', shots }, CIRCUIT);
      for (const head of before) host.control(head);
      // Whether the host has read these before the run blocks is its own business: both must end alike.
      await waitUntil('the run', () => host.output.includes(`run ${shots}\n`));
      for (const head of during) host.control(head);
      writeFileSync(join(folder, String(shots)), '');
      assert.equal((await host.answer(['result', 'ended'], 'a'))['next'], expected, why);
    }
    writeFileSync(join(folder, '50'), '');
    assert.equal((await host.answer('result', 'b'))['next'], undefined);
    assert.doesNotMatch(host.output, /run 60/);
  });
}
