// The Python host runs executors as the original package does: started, run, batched, cancelled, failed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { circuitText, HostClient } from './host-client.ts';
import { NO_ORIGINAL, NO_PYTHON, originalWorld, shimWorlds, type World } from './host-pythons.ts';

const CIRCUIT = circuitText();
const ZEROS = { counts: { '00': 100 }, execution_time_ms: 1.5, shots_completed: 100 };

const original = originalWorld();
const worlds = [...shimWorlds(), ...(original === undefined ? [] : [original])];
if (worlds.length === 0) it('hosts an executor', { skip: NO_PYTHON });
if (original === undefined) it('hosts an executor beside the original package', { skip: NO_ORIGINAL });
for (const world of worlds) describe(`the host with ${world.name}`, () => suite(world));

function suite({ python, codaNode }: World): void {
  it('says who it is, and what the executor can do', async (t) => {
    const host = new HostClient(t, python);
    const hello = await host.answer('hello');
    assert.match(String(hello['python']), /^3\.\d+\.\d+$/);
    assert.equal(hello['pid'], host.pid);
    const ready = await host.start('lab:Sleeping');
    assert.deepEqual(ready, {
      t: 'ready',
      label: 'lab.Sleeping',
      batch: false,
      cancel: true,
      edges: null,
      python: hello['python'],
      coda_node: codaNode,
    });
    assert.deepEqual(await host.close(), { code: 0, signal: null });
  });

  it('gives an executor the circuit, the shots and its classes', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Described');
    const { counts } = await host.run('a', CIRCUIT);
    assert.deepEqual(counts, { '00': 7 });
  });

  it('runs circuits that were sent ahead, in any order, and circuits that come with their run', async (t) => {
    const host = new HostClient(t, python);
    host.ahead({ t: 'circuit', id: 'early' }, CIRCUIT);
    await host.start('lab:Simple');
    for (const id of ['a', 'b', 'forgotten']) host.ahead({ t: 'circuit', id }, CIRCUIT);
    host.ahead({ t: 'forget', id: 'forgotten' });
    host.control({ t: 'run', id: 'late', shots: 100, circuit: 'late' });
    for (const id of ['b', 'a', 'early']) {
      assert.deepEqual(await host.run(id, ''), { t: 'result', id, ...ZEROS });
    }
    assert.deepEqual(await host.run('with', CIRCUIT), { t: 'result', id: 'with', ...ZEROS });
    host.ahead({ t: 'circuit', id: 'late' }, CIRCUIT);
    assert.deepEqual(await host.answer('result', 'late'), { t: 'result', id: 'late', ...ZEROS });
  });

  it('fails a job whose circuit is not valid, with the rule that it breaks', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Simple');
    const wrong = circuitText([{ gate: 'cz', qubits: [0], params: [] }]);
    host.ahead({ t: 'circuit', id: 'ahead' }, wrong);
    for (const [id, text] of [
      ['ahead', ''],
      ['with', wrong],
    ] as const) {
      const answer = await host.run(id, text);
      assert.equal(answer.t, 'error');
      assert.match(String(answer['message']), /Gate cz requires 2 qubit\(s\), got 1/);
    }
    assert.equal((await host.run('next', CIRCUIT)).t, 'result');
  });

  it('runs batches, whatever sequence comes back', async (t) => {
    const host = new HostClient(t, python);
    assert.equal((await host.start('lab:Batching'))['batch'], true);
    const jobs = ['a', 'b', 'c'].map((id) => ({ id, shots: 100, circuit: id }));
    for (const { id } of jobs) host.ahead({ t: 'circuit', id }, CIRCUIT);
    host.control({ t: 'batch', id: 'batch', jobs });
    const answer = await host.answer(['results', 'error']);
    assert.deepEqual(answer, { t: 'results', id: 'batch', list: [ZEROS, ZEROS, ZEROS] });
  });

  it('fails a batch with too few results, and says which entry is no result', async (t) => {
    for (const [factory, pattern] of [
      ['lab:ShortBatch', /batch_run returned 1 results for 2 jobs/],
      ['lab:HalfBatch', /"list":\[\{"counts".*\{"error":"the executor returned None/],
    ] as const) {
      const host = new HostClient(t, python);
      await host.start(factory);
      for (const id of ['a', 'b']) host.ahead({ t: 'circuit', id }, CIRCUIT);
      host.control({ t: 'batch', id: 'a', jobs: ['a', 'b'].map((id) => ({ id, shots: 1, circuit: id })) });
      assert.match(JSON.stringify(await host.answer(['results', 'error'])), pattern);
    }
  });

  it('cancels a run: the hook, then the task; the run has ended when it says so', async (t) => {
    for (const [factory, words] of [
      ['lab:Sleeping', 'sleeping hook cleaned up'],
      ['lab:SlowHook', 'sleeping hook done cleaned up'],
    ] as const) {
      const host = new HostClient(t, python);
      await host.start(factory);
      host.control({ t: 'run', id: 'a', shots: 100 }, CIRCUIT);
      await waitUntil('the run', () => host.output.includes('sleeping'));
      host.control({ t: 'cancel', id: 'a' });
      host.control({ t: 'cancel', id: 'a' });
      assert.deepEqual(await host.answer(['ended', 'result', 'error']), { t: 'ended', id: 'a' });
      assert.equal((await host.run('b', CIRCUIT, 1)).t, 'result');
      host.control({ t: 'cancel', id: 'b' });
      host.control({ t: 'beat', n: 1 });
      assert.deepEqual(await host.answer('beat'), { t: 'beat', n: 1 });
      await host.close();
      assert.equal(host.output.trim().split(/\s+/).join(' '), words);
      assert.deepEqual(
        host.unread.filter(({ t: kind }) => kind !== 'hello'),
        [],
      );
    }
  });

  it('cancels a run although the hook fails, and says so', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:BrokenHook');
    host.control({ t: 'run', id: 'job-7', shots: 100 }, CIRCUIT);
    await waitUntil('the run', () => host.output.includes('sleeping'));
    host.control({ t: 'cancel', id: 'job-7' });
    await host.answer('ended', 'job-7');
    await waitUntil('the line', () => /WARNING.*job-7[^]*the device does not answer/.test(host.output));
  });

  it('does not call the hook for a run that the executor has not got', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Sleeping');
    host.control({ t: 'run', id: 'a', shots: 100, circuit: 'a' });
    host.control({ t: 'cancel', id: 'a' });
    await host.answer('ended', 'a');
    host.control({ t: 'beat', n: 1 });
    await host.answer('beat');
    host.control({ t: 'run', id: 'b', shots: 100, circuit: 'b' });
    host.control({ t: 'beat', n: 2 });
    await host.answer('beat');
    host.control({ t: 'cancel', id: 'b' });
    await host.answer('ended', 'b');
    await host.close();
    assert.equal(host.output, '');
  });

  for (const [where, factory] of [
    ['a thread of the loop', 'lab:Threaded'],
    ['a pool of its own', 'lab:OwnPool'],
  ] as const) {
    it(`says that a cancelled run has ended when its work in ${where} has`, async (t) => {
      const host = new HostClient(t, python);
      await host.start(factory);
      host.control({ t: 'run', id: 'a', shots: 100 }, CIRCUIT);
      await waitUntil('the work', () => host.output.includes('working'));
      host.control({ t: 'cancel', id: 'a' });
      await host.answer('ended', 'a');
      host.control({ t: 'close' });
      await host.ended;
      assert.match(host.output, /working\n.* stopped\n$/);
    });
  }

  it('reads a cancel after a run that blocks the loop; the result counts', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Blocking');
    host.control({ t: 'run', id: 'a', shots: 300 }, CIRCUIT);
    await waitUntil('the run', () => host.output.includes('blocking'));
    host.control({ t: 'cancel', id: 'a' });
    assert.equal((await host.answer(['result', 'ended', 'error'], 'a')).t, 'result');
  });

  it('takes no result of a run that was cancelled', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Stubborn');
    host.control({ t: 'run', id: 'a', shots: 100 }, CIRCUIT);
    await waitUntil('the run', () => host.output.includes('running'));
    host.control({ t: 'cancel', id: 'a' });
    assert.equal((await host.answer(['result', 'ended', 'error'], 'a')).t, 'ended');
  });

  it('fails a run with the text of its error, never an empty one, and goes on', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Failing');
    const expected: ReadonlyArray<readonly [string, string | RegExp]> = [
      ['ExecutorError', 'the fridge is warm'],
      ['ValueError', 'ValueError'],
      ['MemoryError', 'MemoryError'],
      ['SystemExit', "the executor's run ended with SystemExit: 3"],
      ['CancelledError', 'CancelledError'],
      ['KeyboardInterrupt', "the executor's run ended with KeyboardInterrupt"],
      ['Unprintable', 'Unprintable'],
      ['ValueError', '\ud800 and \u{1f600}'],
      ['MemoryError', 'MemoryError'],
      ['RecursionError', /^maximum recursion depth exceeded/],
    ];
    for (const [index, [type, message]] of expected.entries()) {
      const answer = await host.run(`job-${index}`, CIRCUIT, index + 1);
      assert.equal(answer.t, 'error');
      assert.equal(answer['type'], type);
      assert.equal(answer['out_of_memory'], type === 'MemoryError' ? true : undefined);
      if (typeof message === 'string') assert.equal(answer['message'], message);
      else assert.match(String(answer['message']), message);
      // The driver's own lines, not the host's.
      assert.match(String(answer['traceback']), /lab\.py/);
      assert.doesNotMatch(String(answer['traceback']), /coda_host/);
    }
    assert.equal((await host.run('good', CIRCUIT)).t, 'result');
  });

  it('reads a result by attributes or keys, with numbers of any kind', async (t) => {
    const host = new HostClient(t, python);
    await host.start('lab:Odd');
    const expected: ReadonlyArray<object | RegExp> = [
      { counts: { '00': 7, '11': 1 }, execution_time_ms: 1.5, shots_completed: 8 },
      { counts: { '00': 2, '11': 1 }, execution_time_ms: 2.5, shots_completed: 3 },
      /returned None instead of a result/,
      /counts is a list, not a dict/,
      /returned a dict without execution_time_ms/,
      /counts\['00'\] is a str, not a number/,
      { counts: { '00': 1 }, execution_time_ms: 'nan', shots_completed: 1 },
      { counts: { '00': 1 }, execution_time_ms: 'inf', shots_completed: 1 },
      /counts has the key \(1, 2\), which is a tuple, not a text/,
      { counts: { '00': 1e30 }, execution_time_ms: 1, shots_completed: 1 },
    ];
    for (const [index, wanted] of expected.entries()) {
      const answer = await host.run(`job-${index}`, CIRCUIT, index);
      if (wanted instanceof RegExp) assert.match(String(answer['message']), wanted);
      else assert.deepEqual(answer, { t: 'result', id: `job-${index}`, ...wanted });
    }
  });

  it('takes a run that is no coroutine, and an executor that is no class', async (t) => {
    for (const factory of ['lab:Synchronous', 'factories:ready_made']) {
      const host = new HostClient(t, python);
      assert.equal((await host.start(factory)).t, 'ready', factory);
      assert.deepEqual(await host.run('a', CIRCUIT), { t: 'result', id: 'a', ...ZEROS });
    }
  });

  it('gives the settings to a factory that takes any argument, and awaits it', async (t) => {
    const settings = {
      qpu_id: 'qpu-9',
      num_qubits: 7,
      webapp_url: 'https://cloud.example',
      executor_factory: 'factories:later',
      not_a_setting: 1,
    };
    const host = new HostClient(t, python);
    assert.equal((await host.start('factories:later', settings)).t, 'ready');
    await waitUntil('the line', () =>
      host.output.includes('qubits 7 qpu-9 https://cloud.example/api/internal/qpu/webhook factories:later'),
    );
    const without = new HostClient(t, python);
    const failed = await without.start('factories:without', settings);
    assert.equal(failed['message'], 'without() takes 0 positional arguments but 1 was given');
  });

  it('reads the edges of the device, again whenever it is asked', async (t) => {
    const host = new HostClient(t, python);
    const ready = await host.start('factories:Coupled');
    assert.deepEqual(ready['edges'], [
      [0, 1],
      [1, 2],
    ]);
    await host.run('a', CIRCUIT);
    host.control({ t: 'edges' });
    assert.deepEqual((await host.answer('edges'))['edges'], [
      [0, 1],
      [1, 0],
    ]);
  });

  it('says why there is no executor, how far it came, and what to do', async (t) => {
    const expected: ReadonlyArray<readonly [string, string, RegExp, RegExp]> = [
      ['lab', 'name', /'lab' is not like 'package.module:factory'/, /my_qpu/],
      [
        'nowhere.executor:make',
        'import',
        /No module named 'nowhere'/,
        /-m pip install nowhere .*uv pip install/,
      ],
      ['json.nowhere:make', 'import', /No module named 'json.nowhere'/, /json is in .*json.*has no module/],
      ['imports_missing:make', 'import', /No module named 'qpu_vendor_sdk'/, /-m pip install qpu_vendor_sdk/],
      // Its package has another name.
      ['skimage:make', 'import', /No module named 'skimage'/, /-m pip install scikit-image .*uv pip/],
      ['lab:Simpel', 'attribute', /has no attribute 'Simpel'/, /lab\.py has Simple/],
      ['factories:number', 'executor', /factories:number is 5/, /Name a function/],
      ['factories:gives_nothing', 'executor', /returned None, which has no run/, /async def run/],
      ['factories:broken', 'factory', /^no such instrument$/, /^null$/],
      ['factories:quits', 'factory', /SystemExit: the licence server is down/, /^null$/],
      ['factories:WrongDevice', 'device', /not a number/, /lists of two qubits/],
    ];
    for (const [factory, stage, message, hint] of expected) {
      const host = new HostClient(t, python);
      const answer = await host.start(factory);
      assert.equal(answer.t, 'failed_start', factory);
      assert.equal(answer['stage'], stage, factory);
      assert.match(String(answer['message']), message);
      assert.match(String(answer['hint']), hint);
      assert.deepEqual(await host.close(), { code: 0, signal: null });
    }
  });

  it('finds a module without running it', async (t) => {
    const host = new HostClient(t, python);
    for (const [module, file] of [
      ['imports_missing', /imports_missing\.py$/],
      ['nowhere.at.all', /^null$/],
      ['json.decoder', /decoder\.py$/],
    ] as const) {
      host.control({ t: 'find', module });
      assert.match(String((await host.answer('found'))['file']), file);
    }
  });
}
