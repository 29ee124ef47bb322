// What the templates must agree with: the package that they are for, the circuits of the node, and one another.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { ConfigError } from 'coda-node';
import { parse } from 'yaml';
import { bell } from '../../src/testing/index.ts';
import { readDevice } from '../../templates/files/typescript/src/device.ts';
import { mergedManifest, type Manifest } from '../../templates/src/manifest.ts';
import { caller, moduleName, packageName } from '../../templates/src/names.ts';
import type { ExecutorProject, PluginProject } from '../../templates/src/project.ts';
import { render } from '../../templates/src/render.ts';
import { EXAMPLES, LANGUAGES, MANAGERS, TARGETS, UsageError } from '../../templates/src/usage.ts';

const FILES = resolve('templates', 'dist', 'files');
const EXECUTOR: ExecutorProject = {
  kind: 'executor',
  name: '@lab/fridge',
  manager: 'npm',
  isYarnBerry: false,
  codaNode: '^0.1.0',
  language: 'typescript',
  module: 'fridge_qpu',
  target: 'cz',
  qubits: 5,
  batch: false,
};
const PLUGIN: PluginProject = {
  kind: 'plugin',
  name: 'fridge',
  manager: 'npm',
  isYarnBerry: false,
  codaNode: '^0.1.0',
  example: 'job-log',
};

function manifestAt(...path: readonly string[]): Manifest & { version?: string } {
  return JSON.parse(readFileSync(join(...path, 'package.json'), 'utf8')) as Manifest;
}

describe('the templates', () => {
  it('are for the version of coda-node that they come with, and for the tools that it is built with', () => {
    const root = manifestAt('.');
    assert.equal(manifestAt('templates').version, root.version);
    const known: Record<string, string> = {
      ...root.devDependencies,
      'coda-node': `^${root.version}`,
      // Of the oldest supported Node, as the lock file has it.
      '@types/node': manifestAt('node_modules', '@types', 'node').version ?? '',
    };
    for (const layer of [...LANGUAGES, 'plugin']) {
      const { dependencies, devDependencies, peerDependencies } = manifestAt('templates', 'files', layer);
      for (const [name, range] of Object.entries({
        ...dependencies,
        ...devDependencies,
        ...peerDependencies,
      })) {
        assert.equal(range.replace(/^\^/, ''), known[name]?.replace(/^\^/, ''), `${name} in ${layer}`);
      }
    }
    assert.deepEqual([...EXAMPLES].toSorted(), readdirSync('examples').toSorted());
  });

  it('have the Bell pair of the node as their circuit', () => {
    for (const target of TARGETS) {
      const text = render({ ...EXECUTOR, target }, FILES).get('circuits/bell.json') ?? '';
      const { metadata: _, ...ir } = bell(target).ir;
      const { metadata: __, ...own } = JSON.parse(text) as typeof ir & { metadata: object };
      assert.deepEqual(own, ir);
    }
  });

  it('keep what a node writes in the project, and out of git', () => {
    for (const language of LANGUAGES) {
      const files = render({ ...EXECUTOR, language }, FILES);
      const config = files.get('coda.config.ts') ?? files.get('coda.config.js');
      assert.match(config ?? '', /stateDir: '\.\/state',/);
      assert.match(files.get('.gitignore') ?? '', /^\/state\/$/m);
    }
  });

  it('leave no mark of a template, and no name of another project, in any project', () => {
    for (const manager of MANAGERS) {
      const executors = LANGUAGES.flatMap((language) =>
        [true, false].map((batch) => ({ ...EXECUTOR, language, batch, manager, qubits: 30 })),
      );
      for (const project of [...executors, ...EXAMPLES.map((example) => ({ ...PLUGIN, manager, example }))]) {
        for (const [path, text] of render(project, FILES)) {
          const where = `${path} of ${JSON.stringify(project)}`;
          assert.doesNotMatch(
            `${path}\n${text}`,
            /#if|#endif|my[-_]backend|coda-plugin-\w+-?\w*(?=')/,
            where,
          );
          if (/\.(?:json|ya?ml)$/.test(path)) assert.doesNotThrow(() => void parse(text), where);
          if (manager !== 'npm')
            assert.doesNotMatch(text, /\bnpm (?:install|ci|run|test|start)\b|\bnpx coda\b/, where);
        }
      }
    }
    const pnpm = render({ ...EXECUTOR, manager: 'pnpm' }, FILES);
    assert.match(
      pnpm.get('.github/workflows/ci.yml') ?? '',
      /pnpm\/action-setup[^]*run: pnpm install --frozen-lockfile/,
    );
    assert.match(pnpm.get('README.md') ?? '', /^pnpm run dev .*[^]*^pnpm exec coda submit/m);
    assert.equal(
      render({ ...EXECUTOR, isYarnBerry: true }, FILES).get('.yarnrc.yml'),
      'nodeLinker: node-modules\n',
    );
  });

  it('say in the schema of the device what the executor checks', () => {
    const files = render({ ...EXECUTOR, target: 'iswap', qubits: 3 }, FILES);
    const fits = new Ajv().compile(JSON.parse(files.get('site/device.schema.json') ?? '') as object);
    const device = parse(files.get('site/device.yaml') ?? '') as Record<string, unknown>;
    const couplers = [
      [0, 1],
      [1, 2],
    ];
    assert.deepEqual(device, { host: '127.0.0.1', target: 'iswap', qubits: 3, couplers });
    const changes: readonly (readonly [change: object, fits: boolean])[] = [
      [{}, true],
      [{ couplers: [] }, true],
      [{ more: 'of the driver' }, true],
      [{ host: '' }, false],
      [{ host: 5 }, false],
      [{ target: 'toString' }, false],
      [{ qubits: 0 }, false],
      [{ qubits: 2.5 }, false],
      [{ qubits: '3' }, false],
      [{ couplers: {} }, false],
      [{ couplers: [[0, 1, 2]] }, false],
      [{ couplers: [[1, 1]] }, false],
      [{ couplers: [[0, -1]] }, false],
    ];
    const deviceError = (keys: readonly (string | number)[], fault: string): ConfigError =>
      new ConfigError(`${keys.join('.')} ${fault}`);
    for (const [change, expected] of changes) {
      const changed: Record<string, unknown> = { ...device, ...change };
      const read = (): unknown => readDevice({ device: changed, deviceError });
      assert.equal(fits(changed), expected, JSON.stringify(change));
      if (expected) assert.doesNotThrow(read);
      else assert.throws(read, ConfigError, JSON.stringify(change));
    }
  });
});

describe('names', () => {
  it('of packages come from the folder, and are such as npm takes', () => {
    assert.equal(packageName('/lab/My Backend (2)', undefined), 'my-backend-2');
    assert.equal(packageName('/lab/Kühlschrank', undefined), 'ku-hlschrank');
    assert.equal(packageName('/lab/x', '@lab/x.y_z'), '@lab/x.y_z');
    for (const [folder, name] of [
      ['/lab/量子', undefined],
      ['/lab/coda-node', undefined],
      ['/lab/x', 'Lab'],
      ['/lab/x', '../x'],
      ['/lab/x', ''],
    ] as const) {
      assert.throws(() => packageName(folder, name), UsageError, `${folder} ${name}`);
    }
  });

  it('of Python packages hide no module and are no keyword', () => {
    const names = {
      '@lab/my-qpu': 'my_qpu',
      queue: 'queue_qpu',
      class: 'class_qpu',
      '3-level': 'qpu_3_level',
      '-': 'backend_qpu',
    };
    for (const [name, module] of Object.entries(names)) assert.equal(moduleName(name), module);
  });

  it('of package managers are those of whoever calls', () => {
    const by = (agent?: string): unknown =>
      caller(agent === undefined ? {} : { npm_config_user_agent: agent });
    assert.deepEqual(by(), { manager: 'npm', isYarnBerry: false });
    assert.deepEqual(by('pnpm/10.1.0 npm/? node/v22.1.0 linux x64'), { manager: 'pnpm', isYarnBerry: false });
    assert.deepEqual(by('yarn/1.22.22 npm/? node/v22.1.0 linux x64'), {
      manager: 'yarn',
      isYarnBerry: false,
    });
    assert.deepEqual(by('yarn/4.5.0 npm/? node/v22.1.0 linux x64'), { manager: 'yarn', isYarnBerry: true });
    assert.deepEqual(by('bun/1.2.0 npm/? node/v22.1.0 linux x64'), { manager: 'bun', isYarnBerry: false });
    assert.deepEqual(by('other/1.0.0'), { manager: 'npm', isYarnBerry: false });
  });
});

describe('a package.json that is there', () => {
  const wanted: Manifest = {
    type: 'module',
    files: ['dist/src'],
    exports: { './executor-factory': './x.js', './package.json': './package.json' },
    devDependencies: { 'coda-node': '^0.1.0', oxlint: '1.0.0' },
    peerDependencies: { 'coda-node': '^0.1.0' },
  };

  it('keeps its versions and its files, wherever they are', () => {
    const present = { dependencies: { oxlint: '0.9.0' }, files: ['lib'], type: 'module' };
    const { manifest, conflicts } = mergedManifest(present, wanted, false);
    assert.deepEqual(conflicts, []);
    assert.deepEqual(manifest, {
      type: 'module',
      dependencies: { oxlint: '0.9.0' },
      devDependencies: { 'coda-node': '^0.1.0' },
      peerDependencies: { 'coda-node': '^0.1.0' },
      files: ['lib', 'dist/src'],
      exports: wanted.exports,
    });
    assert.deepEqual(mergedManifest(manifest, wanted, false).manifest, manifest);
  });

  it('is not closed by exports that it did not have', () => {
    for (const own of [{ main: './lib.js' }, { exports: './lib.js' }, { exports: { import: './lib.js' } }]) {
      const { manifest, conflicts, notes } = mergedManifest({ type: 'module', ...own }, wanted, false);
      assert.deepEqual([manifest.exports, conflicts, notes.length], [Reflect.get(own, 'exports'), [], 1]);
      assert.match(notes.join(), /"\.\/executor-factory": "\.\/x\.js"/);
    }
  });

  it('says what of it is in the way', () => {
    const { conflicts } = mergedManifest({ type: 'commonjs' }, wanted, false);
    assert.deepEqual(conflicts, ['type is "commonjs", and would be "module"']);
  });
});
