// `testExecutor` in the files of an executor's author: under node:test as it is run, and with the functions of other runners.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { it } from 'node:test';
import { testExecutor, type TestFunction } from '../../src/testing/index.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BROKEN } from '../conformance/broken.ts';
import { Rig } from '../conformance/rig.ts';

const SKIP = "skip: ['event-loop', 'cancel', 'after-cancel', 'growth']";

it('adds a test for each check to those of node:test, which names what is wrong', async (t) => {
  const folder = await temporaryFolder(t);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(resolve('.'), join(folder, 'node_modules', 'coda-node'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(folder, 'executor.js'),
    `import { ExecutorError } from 'coda-node';
export const createExecutor = ({ numQubits }) => ({
  async run(ir, shots) {
    if (ir.num_qubits > numQubits) throw new ExecutorError('the device has ' + numQubits + ' qubits');
    return { counts: { ['0'.repeat(ir.measurements.length)]: shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
});
`,
  );
  writeFileSync(
    join(folder, 'executor.test.js'),
    `import { testExecutor } from 'coda-node/testing';
import { createExecutor } from './executor.js';
testExecutor(createExecutor, { name: 'mine', qubits: 3, ${SKIP} });
testExecutor('./executor.js:createExecutor', { name: 'by name', only: ['result'] });
testExecutor(createExecutor, { name: 'zeros', physics: true, only: ['flip'] });
`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--test', '--test-reporter=tap', 'executor.test.js'];
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
  assert.equal(status, 1, stdout);
  assert.match(stdout, /# Subtest: mine\n/);
  assert.match(stdout, /ok \d+ - bitstrings: the keys of counts are bitstrings/);
  assert.match(stdout, /ok \d+ - batch: .*# SKIP left out: it has no batchRun/);
  assert.match(stdout, /ok \d+ - errors: a run that fails says why/);
  assert.match(stdout, /# 'the device has 3 qubits'/);
  assert.match(stdout, /# Subtest: by name\n/);
  assert.equal(stdout.match(/^ *not ok \d+ - (?!zeros$|executor\.test\.js$).*/gm)?.length, 1, stdout);
  assert.match(stdout, /not ok \d+ - flip: an X makes a 1 of a 0/);
  assert.match(stdout, /qubit 0 after rx\(π\): 100\.0 % of the shots gave 0[^]*why: [^]*→ Run the gates/);
});

interface Added {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** A runner in the manner of vitest: what is skipped throws. */
function runner() {
  const tests: Added[] = [];
  const notes: string[] = [];
  const ends: (() => Promise<void>)[] = [];
  const context = Object.assign(() => {}, {
    skip: (note: string) => {
      throw new Error(`skipped: ${note}`);
    },
    annotate: (note: string) => notes.push(note),
  });
  const test: TestFunction = (name, _options, body) => tests.push({ name, run: () => body(context) });
  return {
    ...{ tests, notes, ends },
    functions: {
      test,
      describe: (name: string, body: () => void) => (notes.push(`group ${name}`), body()),
      afterAll: (end: () => Promise<void>) => ends.push(end),
    },
  };
}

it('uses the functions that it is given, as vitest has them', async () => {
  const { tests, notes, ends, functions } = runner();
  let closes = 0;
  const factory = (): object => Object.assign(new Rig(), { close: () => void (closes += 1) });
  testExecutor(factory, { ...functions, name: 'the rig', only: ['deep', 'flip'] });
  assert.deepEqual(notes, ['group the rig']);
  assert.deepEqual(
    tests.map(({ name }) => name.split(':')[0]),
    ['load', 'deep', 'flip'],
  );
  await tests[1]?.run();
  await assert.rejects(async () => tests[2]?.run(), /skipped: left out: it is not said to follow physics/);
  assert.equal(closes, 0);
  for (const end of ends) await end();
  assert.equal(closes, 1);
});

it('works with `test` alone, where the last test closes the executor', async () => {
  const { tests, functions } = runner();
  let closes = 0;
  const factory = (): object => Object.assign(new Rig(), { close: () => void (closes += 1) });
  testExecutor(factory, { test: functions.test, only: ['deep'] });
  assert.match(tests[1]?.name ?? '', /^the executor: deep: it takes a circuit of a thousand gates$/);
  for (const { run } of tests) await run();
  assert.equal(closes, 1);
});

it('uses global functions, and asks for those of vitest where there are none', (t) => {
  const { tests, functions } = runner();
  const globals = globalThis as Record<string, unknown>;
  t.after(() => {
    for (const name of Object.keys(functions)) delete globals[name];
    delete process.env['VITEST'];
  });
  process.env['VITEST'] = 'true';
  assert.throws(() => testExecutor(() => new Rig()), /import \{ afterAll, describe, test \} from 'vitest'/);
  Object.assign(globals, functions);
  testExecutor(() => new Rig(), { only: ['deep'] });
  assert.equal(tests.length, 2);
});

it('fails every test with the reason if the executor cannot be made', async () => {
  const { tests, functions } = runner();
  const [, , factory] = BROKEN[0] ?? [];
  testExecutor(factory, { ...functions, only: ['deep'] });
  await assert.rejects(async () => tests[0]?.run(), /no laser/);
  await assert.rejects(async () => tests[1]?.run(), /skipped: left out: it could not be made/);
});
