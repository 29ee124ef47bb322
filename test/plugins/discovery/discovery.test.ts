// Executors found in all the ways of the contract: by name, by path, in packages, in the device YAML, by scanning.
// Modules and packages are real ones, written to a folder of the test's own.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test, type TestContext } from 'node:test';
import { discovery } from '../../../plugins/discovery/index.ts';
import { simulator } from '../../../plugins/simulator/index.ts';
import {
  ConfigError,
  ExecutorError,
  type ExecutionResult,
  type Executor,
  type LoadedExecutor,
  type NativeGateIR,
  type Settings,
} from '../../../src/index.ts';
import { silentLogger } from '../../../src/log.ts';
import { standIn, type StandIn, type StandInOptions } from '../harness.ts';

const RUN = '{ run: () => ({ counts: {}, executionTimeMs: 1, shotsCompleted: 1 }) }';
const ESM_FACTORY = `export const createExecutor = (settings) => ({ ...${RUN}, close() {}, device: { directedEdges: [[0, settings.numQubits]] } });`;
const IR: NativeGateIR = {
  version: '1.0',
  target: 'cz',
  num_qubits: 3,
  gates: [],
  measurements: [0, 1, 2],
  metadata: { source_hash: '', compiled_at: '', compiler_version: '0.1.0', optimization_level: 2 },
};

/** A folder with these files; paths ending in `->` are links to the content. */
function folder(t: TestContext, files: Record<string, string> = {}): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'coda-discovery-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name.replace(/->$/, ''));
    mkdirSync(dirname(path), { recursive: true });
    if (name.endsWith('->')) symlinkSync(join(root, content), path);
    else writeFileSync(path, content);
  }
  return root;
}

function esmPackage(name: string, exports: unknown, files: Record<string, string>): Record<string, string> {
  const at = `node_modules/${name}/`;
  const manifest = JSON.stringify({ name, version: '1.0.0', type: 'module', exports });
  const sources = Object.entries(files).map(([file, text]) => [at + file, text]);
  return { [`${at}package.json`]: manifest, ...Object.fromEntries(sources) };
}

function nodeWith(
  t: TestContext,
  value: unknown,
  baseDir: string,
  settings: Partial<Settings> = {},
): StandIn {
  return standIn(t, discovery(), {
    settings,
    executorChoice: { value, baseDir, source: 'CODA_EXECUTOR_FACTORY' },
  });
}

async function resolve(node: StandIn): Promise<LoadedExecutor> {
  const loaded = await node.hooks.resolveExecutor.promise();
  assert.ok(loaded !== undefined);
  return loaded;
}

function run({ executor }: LoadedExecutor, shots = 1): Promise<ExecutionResult> {
  return executor.run(IR, shots, { jobId: 'job-1', signal: new AbortController().signal, log: silentLogger });
}

async function failure(node: StandIn): Promise<ExecutorError> {
  const error: unknown = await node.hooks.resolveExecutor.promise().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ExecutorError && error.plugin === 'discovery', String(error));
  return error;
}

test('an executor by name', async (t) => {
  const node = nodeWith(t, 'simulator', '/');
  simulator().apply(node);
  const loaded = await resolve(node);
  assert.equal(loaded.source, 'simulator');
  assert.deepEqual((await run(loaded, 5)).counts, { '000': 5 });
});

test('an unknown name says which names there are', async (t) => {
  const node = nodeWith(t, 'simulater', '/');
  simulator().apply(node);
  const { message } = await failure(node);
  assert.match(message, /executor 'simulater' \(CODA_EXECUTOR_FACTORY\) is neither `module:attribute` nor/);
  assert.match(message, /noop, simulator/);
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

const wrong: [string, Record<string, string>, string, RegExp][] = [
  [
    'a missing file',
    {},
    './gone.ts:createExecutor',
    /no module '\.\/gone\.ts' as seen from .*coda-discovery/,
  ],
  ['a missing package', {}, 'my_lab.executor:create', /no module 'my_lab\.executor'[^]*Install the package/],
  [
    'a path without ./',
    { 'a.mjs': ESM_FACTORY },
    'a.mjs:createExecutor',
    /begin the path of a file with '\.\/'/,
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
  ['no attribute', { 'a.mjs': '' }, './a.mjs', /neither `module:attribute` nor/],
  ['an empty attribute', { 'a.mjs': '' }, './a.mjs:', /neither `module:attribute` nor/],
  ['nothing', {}, '', /neither `module:attribute` nor/],
];
for (const [what, files, value, expected] of wrong) {
  test(`${what} is an ExecutorError that says so`, async (t) => {
    const { message } = await failure(nodeWith(t, value, folder(t, files)));
    assert.match(message, expected);
  });
}

test('the spelling of the Python documents is taken as well', async (t) => {
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
  await node.close();
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

/** Runs `action` with another working directory; the tests of one file run one after the other. */
async function inFolder<T>(root: string, action: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(root);
  try {
    return await action();
  } finally {
    process.chdir(before);
  }
}

function found(
  t: TestContext,
  root: string,
  options: StandInOptions = {},
): Promise<{ node: StandIn; loaded: LoadedExecutor }> {
  return inFolder(root, async () => {
    const node = standIn(t, discovery(), options);
    return { node, loaded: await resolve(node) };
  });
}

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
    ['broken.yaml', /broken\.yaml:[23]:\d+ is not valid YAML/],
    ['list.yaml', /list\.yaml must hold a mapping/],
    ['number.yaml', /executor_factory in .*number\.yaml must be `module:attribute`, but is a number/],
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
  assert.equal(node.logged('2 packages bring an executor').length, 1);
  assert.match(
    node.logged('2 packages')[0] ?? '',
    /rig-a\/executor-factory, rig-b\/executor-factory\. Name one/,
  );
  assert.match(node.logged('rig-broken')[0] ?? '', /WARN .*no laser.*passed over/);
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

test('without any executor, zeros and a loud warning', async (t) => {
  const { node, loaded } = await found(t, folder(t));
  assert.equal(node.logged('WARN').length, 1);
  assert.match(node.logged('WARN')[0] ?? '', /NO EXECUTOR: every job will be answered with zeros/);
  assert.deepEqual(await run(loaded, 9), { counts: { '000': 9 }, executionTimeMs: 0, shotsCompleted: 9 });
});
