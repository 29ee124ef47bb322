// What a factory may return: every spelling of an executor, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Executor } from '../../../src/index.ts';
import { silentLogger } from '../../../src/log.ts';
import { RUN } from './modules.ts';
import { IR, nodeWith, resolve, run, testRefused } from './nodes.ts';

test('the names of the Python documents are accepted, too', async (t) => {
  const calls: string[] = [];
  const python = {
    name: 'py',
    run() {
      calls.push(`run ${this.name}`);
      return { counts: {}, execution_time_ms: 1, shots_completed: 1 };
    },
    batch_run(jobs: unknown[]) {
      calls.push(`batch of ${jobs.length} ${this.name}`);
      return [];
    },
    cancel_current_job() {
      calls.push(`cancel ${this.name}`);
    },
    close() {
      calls.push(`close ${this.name}`);
    },
    device: { directed_edges: [[0, 1]], logical_edges: [[1, 0]] },
  };
  const node = nodeWith(t, python, '/');
  const { executor } = await resolve(node);
  const context = { jobId: 'j', signal: new AbortController().signal, log: silentLogger };
  await run({ executor, source: '' });
  await executor.batchRun?.([{ ir: IR, shots: 1, jobId: 'j' }], context);
  await executor.cancelCurrentJob?.();
  assert.deepEqual(executor.device, { directedEdges: [[0, 1]], logicalEdges: [[1, 0]] });
  await executor.close?.();
  assert.deepEqual(calls, ['run py', 'batch of 1 py', 'cancel py', 'close py']);
});

test('an executor without the optional parts has none of them', async (t) => {
  const executor: Executor = (await resolve(nodeWith(t, { run: () => 1, batchRun: null, device: null }, '/')))
    .executor;
  assert.deepEqual(
    [executor.batchRun, executor.cancelCurrentJob, executor.close],
    [undefined, undefined, undefined],
  );
  assert.deepEqual(executor.device, {});
});

testRefused([
  [
    'a factory that throws',
    { 'a.mjs': 'export const x = () => { throw new Error("no laser") }' },
    './a.mjs:x',
    /executor '\.\/a\.mjs:x' \(CODA_EXECUTOR_FACTORY\) cannot be made: its factory threw: no laser/,
  ],
  [
    'a factory that rejects',
    { 'a.mjs': 'export const x = async () => { throw new Error("no laser") }' },
    './a.mjs:x',
    /threw: no laser/,
  ],
  [
    'a factory of nothing',
    { 'a.mjs': 'export const x = () => {}' },
    './a.mjs:x',
    /what its factory returned is undefined, not an executor/,
  ],
  [
    'an object without run',
    { 'a.mjs': 'export const x = { execute() {} }' },
    './a.mjs:x',
    /is an object with execute, not an executor/,
  ],
  [
    'a number',
    { 'a.mjs': 'export const x = 7' },
    './a.mjs:x',
    /'\.\/a\.mjs:x'.* is a number, not an executor/,
  ],
  ['a run that is no function', { 'a.mjs': 'export const x = { run: 1 }' }, './a.mjs:x', /not an executor/],
  [
    'a batchRun that is no function',
    { 'a.mjs': `export const x = { ...${RUN}, batchRun: [] }` },
    './a.mjs:x',
    /its batchRun must be a function, but is a list/,
  ],
  [
    'a device that is no object',
    { 'a.mjs': `export const x = { ...${RUN}, device: 'rig' }` },
    './a.mjs:x',
    /its device must be an object, but is a string/,
  ],
  [
    'edges that are no list',
    { 'a.mjs': `export const x = { ...${RUN}, device: { directed_edges: {} } }` },
    './a.mjs:x',
    /device\.directed_edges must be a list/,
  ],
  [
    'an edge of three',
    { 'a.mjs': `export const x = { ...${RUN}, device: { directedEdges: [[0, 1], [1, 2, 3]] } }` },
    './a.mjs:x',
    /device\.directedEdges\[1\] is not a pair/,
  ],
  [
    'an edge to nowhere',
    { 'a.mjs': `export const x = { ...${RUN}, device: { logicalEdges: [[0, -1]] } }` },
    './a.mjs:x',
    /device\.logicalEdges\[0\] is not a pair/,
  ],
  [
    'an edge of strings',
    { 'a.mjs': `export const x = { ...${RUN}, device: { logicalEdges: [['0', '1']] } }` },
    './a.mjs:x',
    /is not a pair/,
  ],
]);
