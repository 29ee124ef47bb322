// Where packages with an executor are found, in every form in which people write them; and why others are passed over.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { discovery } from '../../../plugins/discovery/index.ts';
import { findPackages } from '../../../plugins/discovery/packages.ts';
import { EXECUTOR_SEARCH, type ExecutorSearch } from '../../../src/kit.ts';
import { standIn } from '../../support/harness.ts';
import { ESM_FACTORY, esmPackage, folder, RUN } from './modules.ts';
import { found, inFolder, nodeWith, resolve, run } from './nodes.ts';

const ENTRY = { './executor-factory': './factory.js' };
const TYPED = `const qubits: number = 3;\nexport const createExecutor = (): object => (${RUN});\n`;
const factory = { 'factory.js': ESM_FACTORY };

describe('an executor of a package', () => {
  const forms: Readonly<Record<string, Record<string, string>>> = {
    'a subpath of exports': esmPackage('rig', ENTRY, factory),
    'a subpath with conditions': esmPackage(
      'rig',
      { './executor-factory': { import: './factory.js' } },
      factory,
    ),
    'a subpath with an extension': esmPackage('rig', { './executor-factory.js': './factory.js' }, factory),
    'a pattern of exports': esmPackage(
      'rig',
      { './*': './lib/*.js' },
      { 'lib/executor-factory.js': ESM_FACTORY },
    ),
    'a pattern with conditions': esmPackage(
      'rig',
      { '.': './a.js', './*': { types: './types/*.d.ts', default: './lib/*.js' } },
      { 'lib/executor-factory.js': ESM_FACTORY },
    ),
    'a file in the root': esmPackage('rig', undefined, { 'executor-factory.mjs': ESM_FACTORY }),
    'a file in the root beside exports': esmPackage('rig', './main.js', {
      'executor-factory.js': ESM_FACTORY,
    }),
    'a file in TypeScript in the root': esmPackage('rig', undefined, { 'executor-factory.ts': TYPED }),
    'a folder with an index': esmPackage('rig', undefined, { 'executor-factory/index.js': ESM_FACTORY }),
    'a folder with an index in TypeScript': esmPackage('rig', undefined, {
      'executor-factory/index.ts': `import { n } from './n.ts';\n${TYPED}`,
      'executor-factory/n.ts': 'export const n: number = 1;\n',
    }),
    'a folder with an index in CommonJS': {
      'node_modules/rig/package.json': '{"name":"rig"}',
      'node_modules/rig/executor-factory/index.cjs': `module.exports = { createExecutor: () => (${RUN}) };`,
    },
    'TypeScript in a workspace': {
      'packages/rig/package.json': JSON.stringify({
        name: 'rig',
        type: 'module',
        exports: { './executor-factory': './src/executor-factory.ts' },
      }),
      'packages/rig/src/executor-factory.ts': `import { n } from './n.js';\n${TYPED}`,
      'packages/rig/src/n.ts': 'export const n: number = 1;\n',
      'node_modules/rig->': 'packages/rig',
    },
    'a file in TypeScript in a workspace': {
      'packages/rig/package.json': '{"name":"rig","type":"module"}',
      'packages/rig/executor-factory.ts': TYPED,
      'node_modules/rig->': 'packages/rig',
    },
  };
  for (const [what, files] of Object.entries(forms)) {
    it(`is found as ${what}, and by the name that the search gives it`, async (t) => {
      const root = folder(t, files);
      const { node, loaded } = await found(t, root);
      assert.equal(loaded.source, 'rig/executor-factory', node.lines.join('\n'));
      assert.ok(await run(loaded));
      const { candidates } = await search(t, root);
      const [reference] = candidates.map((candidate) => candidate.reference);
      assert.ok(await run(await resolve(nodeWith(t, reference, root))), reference);
    });
  }

  it('is found in the package of the working directory, in any folder of it', async (t) => {
    for (const files of [
      { 'executor-factory.ts': TYPED },
      { 'executor-factory/index.mts': TYPED },
      {
        'package.json': JSON.stringify({ name: 'rig', exports: { './executor-factory': './src/f.ts' } }),
        'src/f.ts': TYPED,
      },
    ] as Record<string, string>[]) {
      const root = folder(t, { 'package.json': '{"name":"rig","type":"module"}', 'deep/er/x': '', ...files });
      for (const cwd of [root, join(root, 'deep/er')]) {
        assert.equal((await found(t, cwd)).loaded.source, 'rig/executor-factory');
      }
    }
  });

  it('in a workspace is one executor, in its own folder too', async (t) => {
    const root = folder(t, forms['TypeScript in a workspace']);
    const { node, loaded } = await found(t, join(root, 'packages/rig'));
    assert.equal(loaded.source, 'rig/executor-factory');
    assert.equal(node.logged('WARN').length, 0);
    const { candidates } = await search(t, join(root, 'packages/rig'));
    assert.equal(candidates.length, 1, JSON.stringify(candidates));
  });

  it('that is installed for the whole machine counts if there is none nearer', async (t) => {
    const machine = folder(t, {
      'lib/node_modules/rig/package.json': JSON.stringify({ name: 'rig', type: 'module', exports: ENTRY }),
      'lib/node_modules/rig/factory.js': ESM_FACTORY,
    });
    const names = (cwd: string): string[] =>
      findPackages(cwd, { npm_config_prefix: machine }).candidates.map(({ place }) => place);
    assert.deepEqual(names(folder(t)), [join(machine, 'lib/node_modules/rig')]);
    const near = folder(t, esmPackage('near', ENTRY, factory));
    assert.deepEqual(names(near), [join(near, 'node_modules/near')]);
    const byPath = findPackages(folder(t), { NODE_PATH: join(machine, 'lib/node_modules') });
    assert.equal(byPath.candidates.length, 1);
  });
});

describe('a package without an executor', () => {
  const misses: Readonly<Record<string, readonly [files: Record<string, string>, says: RegExp]>> = {
    'a closed subpath': [
      esmPackage('rig-executor', { './executor-factory': null }, {}),
      /close \.\/executor-factory.*exports/,
    ],
    'another spelling in exports': [
      esmPackage('rig-executor', { './executor_factory': './factory.js' }, factory),
      /exports have \.\/executor_factory, and the entry is \.\/executor-factory.*Rename/,
    ],
    'another spelling of the file': [
      esmPackage('rig-executor', undefined, { 'executorFactory.ts': TYPED }),
      /its executorFactory\.ts is not named executor-factory.*CODA_EXECUTOR_FACTORY=\/.*executorFactory\.ts:createExecutor/,
    ],
    'a folder without an index': [
      esmPackage('rig-executor', undefined, { 'executor-factory/main.js': ESM_FACTORY }),
      /folder executor-factory has no index file/,
    ],
    'a file without an extension': [
      esmPackage('rig-executor', undefined, { 'executor-factory': ESM_FACTORY }),
      /has no extension.*executor-factory\.js/,
    ],
    'a file in Python': [
      esmPackage('rig-executor', undefined, { 'executor_factory.py': '' }),
      /in Python.*CODA_EXECUTOR_FACTORY=executor_factory:create_executor/,
    ],
    'a broken package.json': [{ 'node_modules/rig/package.json': '{ "executor-factory"' }, /not valid JSON/],
    'a file that is not exported': [
      {
        'node_modules/rig/package.json': '{"name":"rig","peerDependencies":{"coda-node":"*"}}',
        'node_modules/rig/dist/executor-factory.js': ESM_FACTORY,
      },
      /dist\/executor-factory\.js is not exported.*Add "\.\/executor-factory": "\.\/dist\/executor-factory\.js"/,
    ],
    'a file in the source of the working directory': [
      { 'package.json': '{"name":"rig"}', 'src/executor-factory.ts': TYPED },
      /src\/executor-factory\.ts is not exported/,
    ],
    'a file without a package': [
      { 'executor-factory.ts': TYPED },
      /there is no package\.json.*CODA_EXECUTOR_FACTORY=\.\/executor-factory\.ts:createExecutor/,
    ],
  };
  for (const [what, [files, says]] of Object.entries(misses)) {
    it(`is passed over for ${what}, and the search says so`, (t) => {
      const { candidates, passedOver } = findPackages(folder(t, files), {});
      assert.deepEqual(candidates, []);
      const [miss, ...more] = passedOver;
      assert.deepEqual(more, []);
      assert.match(`${miss?.why} ${miss?.remedy}`, says);
    });
  }

  it('is not mentioned if nothing in it looks like one', (t) => {
    const root = folder(t, {
      ...esmPackage('plain', { '.': './index.js', './*': './lib/*' }, { 'index.js': '// executor-factory' }),
      ...esmPackage('types', undefined, { 'executor-factory.d.ts': '' }),
      ...esmPackage('plugin', './index.js', { 'index.js': 'import "coda-node"' }),
      'node_modules/.bin/executor-factory': '',
      'node_modules/loose-file': '',
    });
    assert.deepEqual(findPackages(root, {}).passedOver, []);
  });

  it('may hide one of the same name further up, which is then named', (t) => {
    const outer = esmPackage('rig-executor', ENTRY, factory);
    const inner = esmPackage('rig-executor', './main.js', {});
    const root = folder(t, {
      ...outer,
      ...Object.fromEntries(Object.entries(inner).map(([name, text]) => [`app/${name}`, text])),
    });
    const { candidates, passedOver } = findPackages(join(root, 'app'), {});
    assert.deepEqual(candidates, []);
    assert.match(
      passedOver[0]?.why ?? '',
      /the package of the same name in .*app\/node_modules\/rig-executor is nearer/,
    );
  });
});

async function search(t: TestContext, cwd: string): Promise<ExecutorSearch> {
  return inFolder(cwd, async () => {
    const searched = await standIn(t, discovery()).services.find(EXECUTOR_SEARCH)?.search();
    assert.ok(searched !== undefined);
    return searched;
  });
}
