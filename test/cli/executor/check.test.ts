// `coda executor check` as a process: executors in JavaScript, TypeScript and Python, its report and its exit codes.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CheckReport } from '../../../src/testing/index.ts';
import { NO_PYTHON, nothingIsLeft, put, PYTHON } from '../../plugins/python/drivers.ts';
import { Bench } from '../operator.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench({ url: 'http://127.0.0.1:1' });
});
afterEach(() => bench.clear());

const QUICK = ['--skip', 'event-loop,cancel,after-cancel,growth'];

const ZEROS = `
export const createExecutor = ({ numQubits, nativeGateSet }) => ({
  device: { directedEdges: [[0, 1], [1, 2]] },
  async run(ir, shots) {
    if (ir.num_qubits > numQubits) throw new Error('there are ' + numQubits + ' qubits, for ' + nativeGateSet);
    return { counts: { ['0'.repeat(ir.measurements.length)]: shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
});
`;

async function json(code: number, args: readonly string[], env = {}): Promise<CheckReport> {
  const printed = await bench.ends(code, ['executor', 'check', '--json', ...args], env);
  const report = JSON.parse(printed.slice(printed.indexOf('{\n'))) as CheckReport & { version: string };
  assert.match(report.version, /^\d+\.\d+\.\d+/);
  return report;
}

describe('coda executor check', () => {
  it('finds nothing wrong with the simulator, in seconds', async () => {
    const args = ['executor', 'check', 'simulator', '--physics', '--noise', '0'];
    const text = await bench.ends(0, args);
    assert.match(text, /^ok +load +it can be found and made.*\(simulator\)$/m);
    assert.match(text, /^coda-node \S+, as a device of 5 qubits with the native gates cz$/m);
    assert.match(text, /^ok +bell +.*\(00 \d+\.\d %, 11 \d+\.\d %\)$/m);
    assert.match(text, /^ok +cancel +.*the device was free \d+ ms after the cancel/m);
    assert.match(text, /^left out +batch +it has no batchRun \(in Python batch_run\): jobs run one by one$/m);
    assert.match(text, /^\d+ passed, 0 failed, 4 left out; \d+ shots in \d+\.\d s$/m);
  });

  it('checks the executor of the configuration, with its device, as JSON too', async () => {
    put(bench, 'rig.mjs', `${ZEROS}\nconsole.log('hello from the rig');`);
    put(bench, 'coda.config.ts', "export default { executor: './rig.mjs:createExecutor' };");
    const args = [
      'executor',
      'check',
      '--json',
      '--qubits',
      '3',
      '--target',
      'cnot',
      '--shots-budget',
      '400',
    ];
    const check = bench.spawn([...args, ...QUICK]);
    let stdout = '';
    check.child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    assert.equal(await check.ended, 0, check.output());
    // What an executor prints is elsewhere.
    assert.match(check.output(), /hello from the rig/);
    const report = JSON.parse(stdout) as CheckReport;
    assert.deepEqual(
      [report.ok, report.executor, report.target, report.qubits, report.shotsBudget],
      [true, './rig.mjs:createExecutor', 'cnot', 3, 400],
    );
    assert.ok(report.shots <= 400);
    const device = report.checks.find(({ id }) => id === 'device');
    assert.deepEqual([device?.status, device?.note], ['passed', '2 edges']);
    assert.ok(report.checks.some(({ status, note }) => status === 'left out' && /budget/.test(note ?? '')));
  });

  it('says what is wrong, why it matters and how to correct it, and exits with 1', async () => {
    // A path without an attribute means createExecutor.
    put(bench, 'rig.ts', `${ZEROS.replace("'0'.repeat(ir.measurements.length)", "'0'")}\nenum Kind { A }`);
    const text = await bench.ends(1, ['executor', 'check', 'rig.ts', '--qubits', '3']);
    assert.match(text, /^FAILURE +bitstrings +the keys of counts/m);
    assert.match(text, /^ +counts has the key '0', for a circuit with 3 measurements$/m);
    assert.match(text, /^ +why: The node fails a job with other keys/m);
    assert.match(text, /^ +→ Write keys of 3 characters/m);
    assert.match(text, /^left out +gates +the check `bitstrings` has failed$/m);
    assert.match(text, /passed, 1 failed, \d+ left out/);
    const report = await json(1, ['./rig.ts:createExecutor', '--only', 'bitstrings']);
    assert.equal(report.ok, false);
    assert.equal(report.checks[1]?.findings[0]?.level, 'failure');
  });

  it('names an executor that cannot be made, is not there, or ends the process', async () => {
    put(bench, 'cold.mjs', 'export const createExecutor = () => { throw new Error("no laser"); };');
    assert.match(await bench.ends(1, ['executor', 'check', './cold.mjs']), /its factory threw: no laser/);
    assert.match(
      await bench.ends(1, ['executor', 'check', './gone.mjs']),
      /FAILURE +load[^]*no module '\.\/gone\.mjs'/,
    );
    assert.match(await bench.ends(1, ['executor', 'check']), /FAILURE +load[^]*there is no executor/);
    put(bench, 'exits.mjs', 'export const createExecutor = () => ({ run() { process.exit(0); } });');
    const text = await bench.ends(1, ['executor', 'check', './exits.mjs']);
    assert.match(text, /process\.exit was called during the check result, .*exits\.mjs/);
  });

  it('names an error that nobody catches, and where it came from', async () => {
    put(
      bench,
      'stray.mjs',
      ZEROS.replace(
        'return { counts',
        "if (shots === 7) {\n      void Promise.reject(new Error('socket is gone'));\n    }\n    return { counts",
      ),
    );
    const text = await bench.ends(1, ['executor', 'check', './stray.mjs', '--qubits', '3', ...QUICK]);
    assert.match(text, /^FAILURE +uncaught[^]*nobody caught: socket is gone, at .*stray\.mjs:7:/m);
    assert.match(text, /, 1 failed,/);
  });

  it('cancels what runs on Ctrl-C, closes the executor, and exits with 1', async () => {
    put(
      bench,
      'slow.mjs',
      `export const createExecutor = () => ({
        run: (ir, shots, { signal }) => new Promise((_, reject) => {
          console.log('running');
          signal.addEventListener('abort', () => (console.log('cancelled'), reject(signal.reason)));
        }),
        close: () => console.log('closed'),
      });`,
    );
    const check = bench.spawn(['executor', 'check', './slow.mjs']);
    await check.says('running');
    check.child.kill('SIGINT');
    assert.equal(await check.ended, 1, check.output());
    assert.match(
      check.output(),
      /running\ncancelled\n.*result +it was stopped\n\n1 passed, 0 failed.*stopped before the end\nclosed\n/,
    );
  });

  it('shows no secret of the configuration', async () => {
    const redis = 'redis://u:planted-secret@127.0.0.1:1';
    put(
      bench,
      'leak.mjs',
      `export const createExecutor = ({ redisUrl }) => { throw new Error('no ' + redisUrl); };`,
    );
    for (const options of [[], ['--json']]) {
      const text = await bench.ends(1, ['executor', 'check', './leak.mjs', ...options], {
        CODA_REDIS_URL: redis,
      });
      assert.match(text, /its factory threw: no redis/);
      assert.doesNotMatch(text, /planted-secret/);
    }
  });

  for (const [args, says] of [
    [['chek'], 'did you mean "check"?'],
    [['check', '--only', 'cancle'], "did you mean 'cancel'?"],
    [['check', '--noise', '0.1'], '--noise goes with --physics'],
    [['check', '--physics', '--noise', '2'], 'it must be a number from 0 to 0.3'],
    [['check', '--target', 'cx'], 'it must be one of cz'],
    [['check', '--first-bit', 'top'], 'it must be one of left, right'],
    [['list', 'simulator'], 'executor list takes no executor'],
  ] as const) {
    it(`exits 2 for ${JSON.stringify(args)}`, async () => {
      const output = await bench.ends(2, ['executor', ...args]);
      assert.ok(output.includes(says), output);
    });
  }
});

/** A driver as its author writes it. */
const DRIVER = `
import asyncio
from coda_node.server.executor import ExecutionResult

class Rig:
    def __init__(self, qubits):
        self.qubits = qubits

    async def run(self, ir, shots):
        if ir.num_qubits > self.qubits:
            raise ValueError(f"the rig has {self.qubits} qubits, the circuit {ir.num_qubits}")
        await asyncio.sleep(shots / 50_000)
        return ExecutionResult(counts={"0" * len(ir.measurements): shots}, execution_time_ms=1.0, shots_completed=shots)

    async def batch_run(self, jobs):
        return [await self.run(ir, shots) for ir, shots in jobs]

def create_executor(settings):
    return Rig(settings.num_qubits)

class Broken(Rig):
    async def batch_run(self, jobs):
        return [await self.run(ir, shots) for ir, shots in reversed(jobs)]

def create_broken(settings):
    return Broken(settings.num_qubits)
`;

describe('coda executor check of an executor in Python', { skip: NO_PYTHON }, () => {
  const env = { CODA_PYTHON: PYTHON ?? '' };

  it('finds nothing wrong with a right one, not even with its cancel', async () => {
    put(bench, 'rig.py', DRIVER);
    const report = await json(0, ['rig:create_executor', '--long-run', '50000'], env);
    const passed = new Set(report.checks.filter(({ status }) => status === 'passed').map(({ id }) => id));
    for (const id of [
      'load',
      'result',
      'batch-order',
      'cancel',
      'after-cancel',
      'errors',
      'growth',
      'close',
    ]) {
      assert.ok(passed.has(id), `${id}: ${JSON.stringify(report.checks)}`);
    }
    await nothingIsLeft(bench);
  });

  it('finds what is wrong with another one', async () => {
    put(bench, 'rig.py', DRIVER);
    const text = await bench.ends(1, ['executor', 'check', 'rig:create_broken', ...QUICK], env);
    assert.match(text, /^FAILURE +batch-order[^]*jobs with 11, 13, 12 shots got results with 12, 13, 11/m);
    assert.match(text, /, 1 failed,/);
    await nothingIsLeft(bench);
  });
});
