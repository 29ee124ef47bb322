// `coda executor list` as a process: what is found, what is used, and why not the rest; also by a global coda.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ExecutorSearch } from '../../../src/kit.ts';
import { put } from '../../plugins/python/drivers.ts';
import { Bench } from '../operator.ts';
import { coda } from '../process.ts';

const FACTORY = 'export const createExecutor = () => ({ run() {} });';

let bench: Bench;
beforeEach(() => {
  bench = new Bench({ url: 'http://127.0.0.1:1' });
});
afterEach(() => bench.clear());

function putPackage(
  name: string,
  factory: string,
  exports: unknown = { './executor-factory': './factory.js' },
): void {
  put(bench, `node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', exports }));
  put(bench, `node_modules/${name}/factory.js`, factory);
}

async function listed(code = 0): Promise<ExecutorSearch & { uses: string | null }> {
  const printed = await bench.ends(code, ['executor', 'list', '--json']);
  return JSON.parse(printed.slice(printed.indexOf('{\n'))) as ExecutorSearch & { uses: string | null };
}

describe('coda executor list', () => {
  it('shows the one that is used, those that are broken, and those that are passed over', async () => {
    putPackage('@lab/rig', FACTORY);
    putPackage('broken', 'throw new Error("no laser")');
    putPackage('other', FACTORY, { './executor_factory': './factory.js' });
    putPackage('plain', '', './factory.js');
    const text = await bench.ends(0, ['executor', 'list']);
    assert.match(text, /^used +@lab\/rig, in \S+node_modules\/@lab\/rig$/m);
    assert.match(text, /^BROKEN +broken, in .*\n +executor of the package .*no laser\n +→ /m);
    assert.match(text, /^passed over +other, in .*\n +its exports have \.\/executor_factory.*\n +→ Rename/m);
    assert.doesNotMatch(text, /plain/);
    assert.match(text, /^by name +noop, simulator$/m);
    assert.match(text, /^searched 4 packages in \S+node_modules \(\d+ ms\)$/m);
    const found = await listed();
    assert.equal(found.uses, '@lab/rig/executor-factory:createExecutor');
    assert.deepEqual(
      found.candidates.map(({ name, state }) => [name, state]),
      [
        ['@lab/rig', 'used'],
        ['broken', 'broken'],
        ['other', 'passed over'],
      ],
    );
  });

  it('says which one the configuration names, or that none is chosen, or that there is none', async () => {
    const none = await bench.ends(1, ['executor', 'list']);
    assert.match(none, /there is no executor: a node would answer every job with zeros\n +→ /);
    putPackage('rig-a', FACTORY);
    putPackage('rig-b', FACTORY);
    const several = await listed(1);
    assert.equal(several.uses, null);
    assert.deepEqual(
      several.candidates.map(({ state, reference }) => [state, reference]),
      ['rig-a', 'rig-b'].map((name) => ['usable', `${name}/executor-factory:createExecutor`]),
    );
    assert.match(several.candidates[0]?.why ?? '', /2 packages provide an executor, and none is chosen/);
    put(bench, 'site/device.yaml', 'executor_factory: rig-b/executor-factory:createExecutor\n');
    const named = await bench.ends(0, ['executor', 'list']);
    assert.match(named, /^named +rig-b\/executor-factory:createExecutor \(.*device\.yaml\)$/m);
    assert.match(named, /^usable +rig-a.*\n +.*device\.yaml names another executor$/m);
  });

  it('is the same for a coda that is installed elsewhere, and for an executor that is beside it', async () => {
    // A prefix, as `npm install -g` fills it.
    const global = join(bench.folder, 'global', 'lib', 'node_modules');
    mkdirSync(global, { recursive: true });
    symlinkSync(resolve('.'), join(global, 'coda-node'));
    const cwd = join(bench.folder, 'work');
    mkdirSync(cwd);
    const uses = async (code: number, env: Record<string, string> = {}): Promise<string | null> => {
      const main = join(global, 'coda-node', 'dist', 'bundle', 'coda.cjs');
      const run = coda(['executor', 'list', '--json'], { cwd, main, env });
      assert.equal(await run.ended, code, run.output());
      const text = run.output();
      return (JSON.parse(text.slice(text.indexOf('{\n'))) as { uses: string | null }).uses;
    };
    assert.equal(await uses(1), null);
    const manifest = JSON.stringify({
      name: 'rig',
      type: 'module',
      exports: { './executor-factory': './f.js' },
    });
    put(bench, 'global/lib/node_modules/rig/package.json', manifest);
    put(bench, 'global/lib/node_modules/rig/f.js', FACTORY);
    const prefix = { npm_config_prefix: join(bench.folder, 'global') };
    assert.equal(await uses(0, prefix), 'rig/executor-factory:createExecutor');
    put(bench, 'work/node_modules/near/package.json', manifest.replace('rig', 'near'));
    put(bench, 'work/node_modules/near/f.js', FACTORY);
    assert.equal(await uses(0, prefix), 'near/executor-factory:createExecutor');
  });
});
