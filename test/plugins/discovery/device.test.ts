// The executor that a device YAML names.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { discovery } from '../../../plugins/discovery/index.ts';
import { ConfigError } from '../../../src/index.ts';
import { standIn } from '../../support/harness.ts';
import { ESM_FACTORY, folder } from './modules.ts';
import { failure, found, inFolder } from './nodes.ts';

test('the device YAML names an executor, from its own folder on; other keys are left alone', async (t) => {
  const root = folder(t, {
    'site/device.yaml': 'qubits: [1, 2]\nexecutor_factory: ./rig.mjs:createExecutor\nopx: !custom {a: 1}\n',
    'site/rig.mjs': ESM_FACTORY,
    'other.yaml': 'executor_factory: noop\n',
    'empty.yaml': '# nothing\n',
  });
  assert.equal((await found(t, root)).loaded.source, './rig.mjs:createExecutor');
  const named = await found(t, root, { settings: { deviceConfig: join(root, 'other.yaml') } });
  assert.equal(named.loaded.source, 'noop');
  assert.equal(named.node.logged('NO EXECUTOR').length, 0, 'noop was asked for');
  const empty = await found(t, root, { settings: { deviceConfig: join(root, 'empty.yaml') } });
  assert.equal(empty.node.logged('NO EXECUTOR').length, 1);
});

test('the configured executor wins over the device YAML', async (t) => {
  const root = folder(t, { 'site/device.yaml': 'executor_factory: ./gone.mjs:x\n' });
  const { loaded } = await found(t, root, {
    executorChoice: { value: 'noop', baseDir: root, source: 'test' },
  });
  assert.equal(loaded.source, 'noop');
});

test('a device YAML that is missing or broken is a ConfigError with file and line', async (t) => {
  const root = folder(t, {
    'broken.yaml': 'a: 1\nb: [1, 2\nc: 3\n',
    'list.yaml': '- a\n',
    'number.yaml': 'executor_factory: 7\n',
    'blank.yaml': 'executor_factory: ""\n',
  });
  for (const [file, expected] of [
    ['gone.yaml', /gone\.yaml cannot be read[^]*CODA_DEVICE_CONFIG/],
    ['broken.yaml', /broken\.yaml:[23]:\d+ is not valid YAML: [^]*→ Look at that line and the one before it/],
    ['list.yaml', /list\.yaml must hold a mapping/],
    ['number.yaml', /executor_factory in .*number\.yaml:1:19 must be `module:attribute`, but is a number/],
    ['blank.yaml', /but is empty/],
  ] as const) {
    const node = standIn(t, discovery(), { settings: { deviceConfig: join(root, file) } });
    await assert.rejects(node.hooks.resolveExecutor.promise(), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, expected);
      return true;
    });
  }
});

test('a device YAML may use merge keys, and of a key that is there twice the last one counts', async (t) => {
  const root = folder(t, {
    'merged.yaml': 'base: &b { executor_factory: noop }\n<<: *b\n',
    'twice.yaml': 'executor_factory: ./gone.mjs:x\nqubits: 3\nexecutor_factory: noop\n',
  });
  for (const file of ['merged.yaml', 'twice.yaml']) {
    const { loaded } = await found(t, root, { settings: { deviceConfig: join(root, file) } });
    assert.equal(loaded.source, 'noop');
  }
});

test('a device YAML that is a link finds a module beside its target', async (t) => {
  const root = folder(t, {
    'shared/device.yaml': 'executor_factory: ./rig.mjs:createExecutor\n',
    'shared/rig.mjs': ESM_FACTORY,
    'lab/site/device.yaml->': 'shared/device.yaml',
  });
  assert.equal((await found(t, join(root, 'lab'))).loaded.source, './rig.mjs:createExecutor');
  const bare = folder(t, {
    'shared/device.yaml': 'executor_factory: ./rig.mjs:createExecutor\n',
    'lab/site/device.yaml->': 'shared/device.yaml',
  });
  const error = await inFolder(join(bare, 'lab'), () => failure(standIn(t, discovery())));
  assert.match(error.message, /no module '\.\/rig\.mjs' as seen from .*\/lab\/site or from .*\/shared\n/);
});
