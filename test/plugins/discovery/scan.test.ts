// Installed packages that provide an executor are found without being named; without any, the node answers zeros.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { discovery } from '../../../plugins/discovery/index.ts';
import { standIn } from '../../support/harness.ts';
import { ESM_FACTORY, esmPackage, folder, RUN } from './modules.ts';
import { failure, found, inFolder, run } from './nodes.ts';

const ENTRY = { './executor-factory': './factory.js' };

test('one installed package with an executor is used', async (t) => {
  const others = {
    ...esmPackage('plain', './index.js', { 'index.js': 'throw new Error("never imported")' }),
    ...esmPackage('blocked', { './executor-factory': null }, {}),
    ...esmPackage('mentions', { '.': './index.js' }, { 'index.js': '// executor-factory' }),
    'node_modules/.hidden/package.json': JSON.stringify({ exports: ENTRY }),
    'node_modules/broken/package.json': '{ "executor-factory"',
    'node_modules/loose-file': '',
  };
  for (const [name, files] of Object.entries({
    'esm-rig': esmPackage('esm-rig', ENTRY, { 'factory.js': ESM_FACTORY }),
    '@lab/rig': esmPackage(
      '@lab/rig',
      { './executor-factory': { import: './f.js' } },
      { 'f.js': ESM_FACTORY },
    ),
    'default-rig': esmPackage('default-rig', ENTRY, { 'factory.js': `export default () => (${RUN});` }),
    'root-mjs': esmPackage('root-mjs', undefined, { 'executor-factory.mjs': ESM_FACTORY }),
    'root-cjs': {
      'node_modules/root-cjs/package.json': '{"name":"root-cjs"}',
      'node_modules/root-cjs/executor-factory.cjs': `module.exports = { createExecutor: () => (${RUN}) };`,
    },
    linked: {
      'src/linked/package.json': JSON.stringify({ name: 'linked', type: 'module', exports: ENTRY }),
      'src/linked/factory.js': ESM_FACTORY,
      'node_modules/linked->': 'src/linked',
    },
  })) {
    const root = folder(t, { ...others, ...files, 'deep/er/x': '' });
    for (const cwd of [root, join(root, 'deep/er')]) {
      const { node, loaded } = await found(t, cwd);
      assert.equal(loaded.source, `${name}/executor-factory`, node.lines.join('\n'));
      assert.ok(await run(loaded));
    }
  }
});

test('a nearer package hides one of the same name further up', async (t) => {
  const outer = esmPackage('rig', ENTRY, { 'factory.js': 'throw new Error("the outer one")' });
  const inner = Object.entries(esmPackage('rig', ENTRY, { 'factory.js': ESM_FACTORY }));
  const root = folder(t, {
    ...outer,
    ...Object.fromEntries(inner.map(([name, text]) => [`app/${name}`, text])),
  });
  const { node } = await found(t, join(root, 'app'));
  assert.equal(node.logged('WARN').length, 0);
});

test('several packages with an executor are all named, and none is chosen', async (t) => {
  const root = folder(t, {
    ...esmPackage('rig-b', ENTRY, { 'factory.js': ESM_FACTORY }),
    ...esmPackage('rig-a', ENTRY, { 'factory.js': ESM_FACTORY }),
    ...esmPackage('rig-broken', ENTRY, { 'factory.js': 'throw new Error("no laser")' }),
    ...esmPackage('rig-other', ENTRY, { 'factory.js': 'export const other = 1' }),
  });
  const { node, loaded } = await found(t, root);
  assert.equal(loaded.source, 'noop');
  assert.equal(node.logged('2 packages provide an executor').length, 1);
  assert.match(
    node.logged('2 packages')[0] ?? '',
    /rig-a\/executor-factory, rig-b\/executor-factory\. Name one/,
  );
  assert.match(node.logged('rig-broken')[0] ?? '', /WARN .*no laser.*skipped/);
  assert.match(node.logged('rig-other')[0] ?? '', /WARN .*exports no createExecutor/);
  assert.equal(node.logged('NO EXECUTOR').length, 1);
});

test('a package whose factory fails is an error, not a node that measures zeros', async (t) => {
  const root = folder(
    t,
    esmPackage('rig', ENTRY, {
      'factory.js': 'export const createExecutor = () => { throw new Error("no laser") }',
    }),
  );
  const error = await inFolder(root, () => failure(standIn(t, discovery())));
  assert.match(error.message, /executor rig\/executor-factory cannot be made: .*no laser/);
});

const THROWING = 'import "node:fs";\nthrow new Error("no laser")';

for (const [what, factory, expected] of [
  [
    'throws on import',
    THROWING,
    /executor of the package rig\/executor-factory cannot be loaded: .*factory\.js:2:\d+: no laser/,
  ],
  [
    'has a mistake in its syntax',
    'export const a = ;',
    /rig\/executor-factory cannot be loaded: .*factory\.js:1.*syntax error/,
  ],
  [
    'exports something else',
    'export const other = 1',
    /rig\/executor-factory exports no createExecutor; it exports 'other' \(a number\)/,
  ],
  [
    'exports no executor',
    'export const createExecutor = 7',
    /executor rig\/executor-factory is a number, not an executor/,
  ],
] as const) {
  test(`the only package that should provide an executor and ${what} is an error`, async (t) => {
    const root = folder(t, esmPackage('rig', ENTRY, { 'factory.js': factory }));
    const { message } = await inFolder(root, () => failure(standIn(t, discovery())));
    assert.match(message, expected);
  });
}

test('several packages of which none can be loaded are an error that names them all', async (t) => {
  const root = folder(t, {
    ...esmPackage('rig-a', ENTRY, { 'factory.js': THROWING }),
    ...esmPackage('rig-b', ENTRY, { 'factory.js': 'export const other = 1' }),
  });
  const { message } = await inFolder(root, () => failure(standIn(t, discovery())));
  assert.match(
    message,
    /2 packages should provide an executor[^]*rig-a[^]*no laser[^]*rig-b[^]*no createExecutor/,
  );
});

test('a node that requires an executor does not start with none, or with several', async (t) => {
  const settings = { requireExecutor: true };
  const none = await inFolder(folder(t), () => failure(standIn(t, discovery(), { settings })));
  assert.match(
    none.message,
    /there is no executor, and requireExecutor \(CODA_REQUIRE_EXECUTOR\) asks for one/,
  );
  const root = folder(t, {
    ...esmPackage('rig-b', ENTRY, { 'factory.js': ESM_FACTORY }),
    ...esmPackage('rig-a', ENTRY, { 'factory.js': ESM_FACTORY }),
  });
  const several = await inFolder(root, () => failure(standIn(t, discovery(), { settings })));
  assert.match(
    several.message,
    /2 packages.*rig-a\/executor-factory, rig-b\/executor-factory, and requireExecutor/,
  );
});

test('without any executor, zeros and a loud warning', async (t) => {
  const { node, loaded } = await found(t, folder(t));
  assert.equal(node.logged('WARN').length, 1);
  assert.match(node.logged('WARN')[0] ?? '', /NO EXECUTOR: every job will be answered with zeros/);
  assert.deepEqual(await run(loaded, 9), { counts: { '000': 9 }, executionTimeMs: 0, shotsCompleted: 9 });
});
