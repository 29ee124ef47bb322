// An executor that cannot be loaded, and one that is not there, as every command of the program meets them.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, startLocalCloud, waitUntil } from '../../src/testing/index.ts';
import { Bench } from './operator.ts';
import { bench, cloud } from './workbench.ts';

function put(at: Bench, name: string, text: string): void {
  mkdirSync(dirname(join(at.folder, name)), { recursive: true });
  writeFileSync(join(at.folder, name), text);
}

function putPackage(at: Bench, name: string, factory: string): void {
  const manifest = { name, type: 'module', exports: { './executor-factory': './factory.js' } };
  put(at, `node_modules/${name}/package.json`, JSON.stringify(manifest));
  put(at, `node_modules/${name}/factory.js`, factory);
}

const THROWING = '// of the lab\nthrow new Error("no laser");\n';

describe('an executor that cannot be loaded', () => {
  const places: readonly (readonly [string, () => Record<string, string>])[] = [
    [
      'an installed package',
      () => {
        putPackage(bench, 'rig', THROWING);
        return {};
      },
    ],
    [
      'a variable',
      () => {
        put(bench, 'broken.mjs', THROWING);
        return { CODA_EXECUTOR_FACTORY: './broken.mjs:createExecutor' };
      },
    ],
    [
      'a config file',
      () => {
        put(bench, 'broken.mjs', THROWING);
        put(bench, 'coda.config.json', '{ "executor": "./broken.mjs:createExecutor" }');
        return {};
      },
    ],
    [
      'the device YAML',
      () => {
        put(bench, 'site/broken.mjs', THROWING);
        put(bench, 'site/device.yaml', 'executor_factory: ./broken.mjs:createExecutor\n');
        return {};
      },
    ],
  ];
  for (const [what, arrange] of places) {
    it(`from ${what} is refused by start, run, dev and doctor, with file, line and cause`, async () => {
      const env = arrange();
      put(bench, 'bell.json', JSON.stringify(bell('cz').ir));
      const connects = cloud.connects.length;
      const said = async (...args: string[]): Promise<string> => {
        const output = await bench.ends(1, args, { ...env, CODA_NODE_TOKEN: cloud.issueToken() });
        return (
          /executor (of|')[^\n]*cannot be loaded: [^\n]*\.m?js:2:\d+: no laser/.exec(output)?.[0] ?? output
        );
      };
      const first = await said('start');
      assert.match(first, /cannot be loaded/);
      assert.equal(cloud.connects.length, connects, 'no token is spent');
      assert.equal(await said('run', 'bell.json'), first);
      assert.equal(await said('dev', '--once'), first);
      assert.equal(await said('doctor'), first);
    });
  }
});

describe('the factory of an executor', () => {
  it('gets its options and the device YAML from start, run, dev and doctor alike', async () => {
    put(bench, 'bell.json', JSON.stringify(bell('cz').ir));
    put(bench, 'site/device.yaml', 'name: rig\nqubits:\n  - { t1: -3 }\n');
    put(bench, 'coda.config.json', '{ "executor": ["./lab.mjs:createExecutor", { "host": "rig-1" }] }');
    put(
      bench,
      'lab.mjs',
      `export function createExecutor(settings, { device, deviceError, options }) {
  if (device.qubits[0].t1 < 0) throw deviceError(['qubits', 0, 't1'], 'is below 0, on ' + options.host);
}`,
    );
    for (const args of [['start'], ['run', 'bell.json'], ['dev', '--once'], ['doctor']]) {
      assert.match(
        await bench.ends(1, args, { CODA_NODE_TOKEN: cloud.issueToken() }),
        /qubits\[0\]\.t1 in the device config .*site\/device\.yaml:3:11 is below 0, on rig-1/,
      );
    }
  });
});

describe('no executor at all', () => {
  it('is refused by start, run, dev and doctor if one is required', async () => {
    put(bench, 'bell.json', JSON.stringify(bell('cz').ir));
    const env = { CODA_REQUIRE_EXECUTOR: 'yes' };
    for (const args of [['start', '-t', 'any'], ['run', 'bell.json'], ['dev', '--once'], ['doctor']]) {
      assert.match(await bench.ends(1, args, env), /there is no executor, and requireExecutor/);
    }
  });

  it('is a warning otherwise, and /ready, status and the log of the heartbeat name the no-op', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await waitUntil('a heartbeat', () => bench.log.includes('the cloud accepts heartbeats executor=noop'));
    assert.match(bench.log, /NO EXECUTOR/);
    const { live } = JSON.parse(await bench.ends(0, ['status', '--json'])) as { live: { executor: string } };
    assert.equal(live.executor, 'noop');
    assert.match(await bench.ends(0, ['status']), /executor +noop/);
  });

  it('makes dev say which packages it could have used', async () => {
    const factory = 'export const createExecutor = () => ({ run() {} });';
    putPackage(bench, 'rig-a', factory);
    putPackage(bench, 'rig-b', factory);
    const text = await bench.ends(0, ['dev', '--once']);
    assert.match(text, /2 packages provide an executor, and none is chosen: rig-a[^\n]*rig-b/);
    assert.match(text, /executor simulator/);
  });
});

describe('the factory of an executor', () => {
  const PRINTING = `export const createExecutor = ({ nativeGateSet, numQubits, qpuId }) => {
    console.error('made for', nativeGateSet, numQubits, qpuId);
    return { run() {}, device: { directedEdges: [[0, 1]] } };
  };`;

  it('sees the device of the bundle on the first start, that of the last bundle later, and is called once', async () => {
    const own = await startLocalCloud({ nativeGateSet: 'cnot', numQubits: 127 });
    const here = new Bench(own);
    try {
      put(here, 'rig.mjs', PRINTING);
      const env = { CODA_EXECUTOR_FACTORY: './rig.mjs:createExecutor', CODA_NATIVE_GATE_SET: 'iswap' };
      for (const token of [own.issueToken(), '']) {
        const node = here.spawn(['start'], { ...env, CODA_NODE_TOKEN: token });
        await node.says('serving QPU');
        node.child.kill('SIGTERM');
        assert.equal(await node.ended, 0, node.output());
        assert.equal(node.output().split('made for').length - 1, 1);
        assert.match(node.output(), new RegExp(`made for cnot 127 ${own.qpuId}`));
        assert.doesNotMatch(node.output(), /the cloud has changed the device/);
      }
      const stored = join(here.stateDir, 'coda.config');
      writeFileSync(stored, readFileSync(stored, 'utf8').replace('127', '126'));
      const changed = here.spawn(['start'], env);
      await changed.says('serving QPU');
      changed.child.kill('SIGTERM');
      assert.equal(await changed.ended, 0);
      assert.match(changed.output(), /made for cnot 126/);
      assert.match(
        changed.output(),
        /the cloud has changed the device.*the number of qubits is 127, not 126/,
      );
      const edges = own.connects.map(({ body }) => body?.connectivity);
      assert.deepEqual(
        edges,
        [undefined, [[0, 1]], [[0, 1]]],
        'known before the connect only on a reconnect',
      );
      assert.match(await here.ends(0, ['doctor'], env), /1 edges/);
      assert.match(here.outputs.at(-1) ?? '', /made for cnot 127/);
      put(here, 'bell.json', JSON.stringify(bell('cz').ir));
      assert.match(await here.ends(1, ['run', 'bell.json'], env), /made for cnot 127/);
      assert.deepEqual(own.violations, []);
    } finally {
      await here.clear();
      await own.close();
    }
  });
});

describe('a configuration that is not read', () => {
  it('is named by start, config, doctor and dev', async () => {
    put(bench, 'coda.config.cts', 'export = { executor: "simulator" };');
    put(bench, 'coda.config.YAML', 'executor: simulator\n');
    put(bench, '.codarc', 'executor: simulator\n');
    const names = (output: string): void => {
      for (const name of ['coda.config.cts', 'coda.config.YAML', '.codarc'])
        assert.ok(output.includes(`${name} is not read`), `${name}: ${output}`);
    };
    const node = bench.spawn(['start', '-t', cloud.issueToken()]);
    await node.says('serving QPU');
    names(node.output());
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
    for (const args of [['config'], ['doctor'], ['dev', '--once']]) names(await bench.ends(0, args));
  });

  it('in the device YAML is named once by start, config, doctor and dev', async () => {
    put(bench, 'site/device.yaml', 'executorFactory: simulator\n');
    const expected = /executorFactory in the device config .* is not read; did you mean executor_factory\?/;
    const node = bench.spawn(['start', '-t', cloud.issueToken()]);
    await node.says('serving QPU');
    assert.equal(node.output().match(new RegExp(expected, 'g'))?.length, 1);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
    for (const args of [['config'], ['doctor'], ['dev', '--once']])
      assert.equal((await bench.ends(0, args)).match(new RegExp(expected, 'g'))?.length, 1);
  });

  it('is found through a link, beside the file that it means', async () => {
    put(bench, 'shared/coda.config.ts', "export default { executor: './ex.ts:make' };");
    put(bench, 'shared/ex.ts', 'export const make = (): object => ({ run() {} });');
    symlinkSync(join(bench.folder, 'shared/coda.config.ts'), join(bench.folder, 'coda.config.ts'));
    assert.match(await bench.ends(0, ['doctor']), /\.\/ex\.ts:make loads/);
  });
});
