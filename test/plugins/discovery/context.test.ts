// What the factory of an executor is given beside the settings: a log, the device YAML, its own options.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ExecutorContext, Settings } from '../../../src/index.ts';
import { esmPackage, folder, RUN } from './modules.ts';
import { failure, nodeWith, resolve } from './nodes.ts';

/** Shows what it was given. */
const FACTORY = `export const createExecutor = (settings, { log, device, options, deviceError }) => {
  log.info('made for ' + settings.numQubits);
  return { ...${RUN}, device: { logicalEdges: [[0, options.far ?? 1]] } };
};`;
const DEVICE = 'name: rig\nqubits:\n  - { t1: 20 }\n  - { t1: -3 }\n';

test('a factory gets its options, the device YAML and a log, wherever it is', async (t) => {
  const root = folder(t, {
    'device.yaml': DEVICE,
    'lab.mjs': FACTORY,
    ...esmPackage(
      'lab-rig',
      { '.': './index.js', './executor-factory': './factory.js' },
      {
        'index.js': 'export const other = 1;',
        'factory.js': FACTORY,
      },
    ),
    ...esmPackage('lab-plain', './index.js', { 'index.js': FACTORY }),
    ...esmPackage('@lab/default', './index.js', {
      'index.js': FACTORY.replace('const createExecutor =', 'default'),
    }),
  });
  const seen: ExecutorContext[] = [];
  const factory = (_settings: Settings, context: ExecutorContext<{ far: number }>): unknown => {
    seen.push(context);
    return {
      run: () => Promise.reject(new Error('none')),
      device: { logicalEdges: [[0, context.options.far]] },
    };
  };
  const settings = { deviceConfig: join(root, 'device.yaml'), numQubits: 7 };
  for (const value of ['./lab.mjs:createExecutor', 'lab-rig', 'lab-plain', '@lab/default', factory]) {
    const node = nodeWith(t, [value, { far: 4 }], root, settings);
    const { executor } = await resolve(node);
    assert.deepEqual(executor.device?.logicalEdges, [[0, 4]], String(value));
    if (value !== factory) assert.match(node.logged('made for 7').join(), /executor: made for 7/);
  }
  assert.deepEqual(seen[0]?.device, { name: 'rig', qubits: [{ t1: 20 }, { t1: -3 }] });
  assert.match(
    seen[0]?.deviceError(['qubits', 1, 't1'], 'must be above 0').message ?? '',
    /^qubits\[1\]\.t1 in the device config .*device\.yaml:4:11 must be above 0$/,
  );
  // What is not there is looked for around its place.
  assert.match(
    seen[0]?.deviceError(['qubits', 0, 't2'], 'is missing').message ?? '',
    /device\.yaml:3:5 is missing$/,
  );
});

test('a factory without options gets none, and no device where there is no YAML', async (t) => {
  let seen: ExecutorContext | undefined;
  const factory = (_settings: Settings, context: ExecutorContext): unknown => {
    seen = context;
    return { run: () => Promise.reject(new Error('none')) };
  };
  await resolve(nodeWith(t, factory, '/'));
  assert.deepEqual([seen?.options, seen?.device], [{}, undefined]);
  assert.match(
    seen?.deviceError(['t1'], 'is missing').message ?? '',
    /t1 is missing, and there is no device config/,
  );
});

test('a broken device YAML fails the factory that reads it, with its line, and no other one', async (t) => {
  const root = folder(t, { 'device.yaml': 'a: 1\nb: [1, 2\nc: 3\n' });
  const settings = { deviceConfig: join(root, 'device.yaml') };
  const reads = (_settings: Settings, { device }: ExecutorContext): unknown => device;
  const { message } = await failure(nodeWith(t, reads, root, settings));
  assert.match(message, /its factory threw: the device config .*device\.yaml:[23]:\d+ is not valid YAML/);
  const doesNot = (): unknown => ({ run: () => Promise.reject(new Error('none')) });
  await resolve(nodeWith(t, [doesNot, { far: 1 }], root, settings));
});

test('options that the factory has not looked at are named, without their values', async (t) => {
  const executor = { run: () => Promise.reject(new Error('none')) };
  const looks = (_settings: Settings, { options }: ExecutorContext): unknown => {
    void options;
    return executor;
  };
  const all = (_settings: Settings, context: ExecutorContext): unknown => {
    void { ...context };
    return Promise.resolve(executor);
  };
  for (const [factory, options, warned] of [
    [() => executor, { host: 'rig-1', port: 5 }, true],
    [
      class {
        run = executor.run;
      },
      { host: 'rig-1', port: 5 },
      true,
    ],
    [() => executor, {}, false],
    [looks, { host: 'rig-1' }, false],
    [all, { host: 'rig-1' }, false],
  ] as const) {
    const node = nodeWith(t, [factory, options], '/');
    await resolve(node);
    const lines = node.logged('has not read its options').join('\n');
    assert.equal(/\(host, port; CODA_EXECUTOR_FACTORY\)/.test(lines), warned, lines);
    assert.ok(!lines.includes('rig-1'));
  }
});

test('options that cannot be used are named', async (t) => {
  const root = folder(t, {
    'lab.mjs': FACTORY,
    'made.mjs': `export const made = ${RUN};`,
    ...esmPackage('empty', './i.js', { 'i.js': 'export const a = 1;' }),
  });
  for (const [value, expected] of [
    [
      ['./lab.mjs:createExecutor', 7],
      /the options of CODA_EXECUTOR_FACTORY must be an object, but are a number[^]*Write:/,
    ],
    [['./lab.mjs:createExecutor', [1]], /must be an object, but are a list of 1/],
    [['./lab.mjs:createExecutor'], /CODA_EXECUTOR_FACTORY is a list of 1, and not \[executor, options\]/],
    [['./lab.mjs:createExecutor', {}, {}], /is a list of 3/],
    [['./made.mjs:made', { a: 1 }], /gives options to an executor that is already made/],
    ['empty', /module 'empty' exports no createExecutor, and no default; it exports 'a' \(a number\)/],
  ] as const) {
    assert.match((await failure(nodeWith(t, value, root))).message, expected);
  }
});
