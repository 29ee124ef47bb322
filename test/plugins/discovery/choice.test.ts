// Executors that the configuration names: by name, as values, as `module:attribute`, in packages.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { simulator } from '../../../plugins/simulator/index.ts';
import { ExecutorError, type Settings } from '../../../src/index.ts';
import { ESM_FACTORY, esmPackage, folder, RUN } from './modules.ts';
import { failure, nodeWith, resolve, run, testRefused } from './nodes.ts';

test('an executor by name', async (t) => {
  const node = nodeWith(t, 'simulator', '/');
  simulator().apply(node);
  const loaded = await resolve(node);
  assert.equal(loaded.source, 'simulator');
  assert.deepEqual((await run(loaded, 5)).counts, { '000': 5 });

  const refused = nodeWith(t, ['simulator', { noise: 1 }], '/');
  simulator().apply(refused);
  const { message } = await failure(refused);
  assert.match(message, /takes no options, but was given 'noise'\n {2}→ Write: executor: 'simulator'$/);
});

test('an unknown name says which names there are', async (t) => {
  const node = nodeWith(t, 'simulater', '/');
  simulator().apply(node);
  const { message } = await failure(node);
  assert.match(message, /executor 'simulater' \(CODA_EXECUTOR_FACTORY\) is neither `module:attribute` nor/);
  assert.match(message, /noop, simulator/);
});

test('a file without its ./ is known, and nobody is told to install it', async (t) => {
  const root = folder(t, { 'executor.mjs': ESM_FACTORY, 'lab/rig.mjs': ESM_FACTORY });
  for (const file of ['executor.mjs', 'lab/rig.mjs', 'lab/rig']) {
    const { message } = await failure(nodeWith(t, `${file}:createExecutor`, root));
    assert.match(message, /names a file without its '\.\/'\n {2}→ Write \.\/.*:createExecutor/);
    assert.ok(message.endsWith(`./${file}:createExecutor`), message);
    assert.ok(!message.includes('nstall'), message);
  }
  const { message } = await failure(nodeWith(t, 'nowhere.mjs:createExecutor', root));
  assert.match(message, /cannot be found[^]*Install the package, or begin/);
});

test('a factory, a class and an executor object straight from the config file', async (t) => {
  const executor = {
    run() {
      return Promise.resolve({ counts: { [this.outcome]: 1 }, executionTimeMs: 1, shotsCompleted: 1 });
    },
    outcome: '010',
  };
  class Lab {
    readonly outcome: string;
    constructor(settings: Settings) {
      this.outcome = `01${settings.numQubits}`;
    }
    run = executor.run;
  }
  const calls: unknown[] = [];
  const factory = (settings: Settings): unknown => {
    calls.push(settings.numQubits);
    return Promise.resolve(executor);
  };
  for (const [value, outcome] of [
    [executor, '010'],
    [factory, '010'],
    [Lab, '010'],
  ] as const) {
    const loaded = await resolve(nodeWith(t, value, '/', { numQubits: 0 }));
    assert.equal(loaded.source, 'CODA_EXECUTOR_FACTORY');
    assert.deepEqual((await run(loaded)).counts, { [outcome]: 1 });
  }
  assert.deepEqual(calls, [0], 'called once, with the settings');
});

test('module:attribute in every kind of module', async (t) => {
  const root = folder(t, {
    'lab/esm.mjs': ESM_FACTORY,
    'lab/cjs.cjs': `exports.createExecutor = () => (${RUN}); exports.devices = { main: { rig: 1, create() { return { rig: this.rig, run() { return { counts: { [this.rig]: 1 } }; } }; } } };`,
    'lab/whole.cjs': `module.exports = { createExecutor: () => (${RUN}) };`,
    'lab/typed.ts': `enum Kind { A = 7 }\nexport function createExecutor(settings: { numQubits: number }): object { const kind: number = Kind.A; return { kind, run: async () => ({ counts: {}, executionTimeMs: kind, shotsCompleted: 1 }) }; }`,
    'lab/made.mjs': `export default ${RUN};\nexport const executor = ${RUN};`,
    'lab/errors.ts': `import { ExecutorError } from 'coda-node';\nexport const createExecutor = () => { throw new ExecutorError('cold'); };`,
    'colon:dir/esm.mjs': ESM_FACTORY,
  });
  const lab = join(root, 'lab');
  for (const value of [
    './esm.mjs:createExecutor',
    '../lab/esm.mjs:createExecutor',
    `${lab}/esm.mjs:createExecutor`,
    `${pathToFileURL(join(lab, 'esm.mjs')).href}:createExecutor`,
    '../colon:dir/esm.mjs:createExecutor',
    './cjs.cjs:createExecutor',
    './whole.cjs:createExecutor',
    './typed.ts:createExecutor',
    './made.mjs:default',
    './made.mjs:executor',
    './cjs.cjs:devices.main.create',
  ]) {
    const loaded = await resolve(nodeWith(t, value, lab));
    assert.equal(loaded.source, value);
    assert.ok(await run(loaded), value);
  }
  const dotted = await resolve(nodeWith(t, './cjs.cjs:devices.main.create', lab));
  assert.deepEqual((await run(dotted)).counts, { 1: 1 }, 'called on its owner');

  const error = await failure(nodeWith(t, './errors.ts:createExecutor', lab));
  assert.ok(error.cause instanceof ExecutorError, "the user's coda-node is this one");
});

test('packages are found as Node would find them, ESM-only, scoped, linked and in TypeScript too', async (t) => {
  const root = folder(t, {
    ...esmPackage(
      'esm-only',
      { '.': { import: './main.js' }, './rigs/*': { import: './lib/*.js' } },
      {
        'main.js': ESM_FACTORY,
        'lib/a.js': ESM_FACTORY,
      },
    ),
    ...esmPackage('@lab/rig', './index.js', { 'index.js': ESM_FACTORY }),
    'node_modules/old/package.json': JSON.stringify({ name: 'old', main: 'lib.js' }),
    'node_modules/old/lib.js': `exports.createExecutor = () => (${RUN});`,
    'packages/ws/package.json': JSON.stringify({ name: 'ws', type: 'module', exports: './index.ts' }),
    'packages/ws/index.ts': `const x: number = 1; export const createExecutor = () => (${RUN});`,
    'node_modules/ws->': 'packages/ws',
    'deep/er/x': '',
  });
  for (const value of [
    'esm-only:createExecutor',
    'esm-only/rigs/a:createExecutor',
    '@lab/rig:createExecutor',
    'old:createExecutor',
    'ws:createExecutor',
  ]) {
    const loaded = await resolve(nodeWith(t, value, join(root, 'deep/er')));
    assert.ok(await run(loaded), value);
  }
});

testRefused([
  [
    'a missing file',
    {},
    './gone.ts:createExecutor',
    /no module '\.\/gone\.ts' as seen from .*coda-discovery/,
  ],
  ['a missing package', {}, 'my_lab.executor:create', /no module 'my_lab\.executor'[^]*Install the package/],
  [
    'a file of Python in a package',
    {},
    './my_qpu/rig.py:create',
    /names a Python file[^]*→ Write my_qpu\.rig:create, and start the node in the folder where that path starts/,
  ],
  [
    'a file of Python elsewhere',
    {},
    '../lab/rig.py:create',
    /names a Python file[^]*→ Write rig:create, and start the node in the folder of the file/,
  ],
  [
    'a function of Python behind a dot',
    {},
    'my_qpu.rig.create',
    /is neither[^]*→ Write for example my_qpu\.rig:create, or one of/,
  ],
  [
    'a path without ./',
    { 'a.mjs': ESM_FACTORY },
    'a.mjs:createExecutor',
    /names a file without its '\.\/'[^]*Write \.\/a\.mjs:createExecutor$/,
  ],
  [
    'a missing attribute',
    { 'a.mjs': 'export const other = 1; export function make() {}' },
    './a.mjs:createExecutor',
    /module '\.\/a\.mjs' exports no 'createExecutor'; it exports .*'make' \(a function\).*'other' \(a number\)/,
  ],
  ['a module without exports', { 'a.mjs': '' }, './a.mjs:createExecutor', /it exports nothing/],
  [
    'a module that throws',
    { 'a.mjs': 'throw new Error("no laser")' },
    './a.mjs:x',
    /cannot be loaded: .*a\.mjs.*no laser/,
  ],
  ['a syntax error', { 'a.mjs': 'export const = 1' }, './a.mjs:x', /cannot be loaded: .*a\.mjs/],
  ['no attribute', { 'a.mjs': '' }, './a.mjs', /neither `module:attribute` nor/],
  ['an empty attribute', { 'a.mjs': '' }, './a.mjs:', /neither `module:attribute` nor/],
  ['nothing', {}, '', /neither `module:attribute` nor/],
]);
