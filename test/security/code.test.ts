// Whose code is run: root works in folders of another user, and nothing of that user runs.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { bell } from '../../src/testing/index.ts';
import { bench } from '../cli/workbench.ts';
import { giveAway, giveFolder, needsRoot, STRANGER } from '../support/second-user.ts';

const path = (name: string): string => join(bench.folder, name);
const ran = (): boolean => existsSync(path('ran'));
/** Leaves a trace if it runs. */
const trace = (): string => `require('node:fs').writeFileSync(${JSON.stringify(path('ran'))}, '');`;
const module = (): string =>
  `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(path('ran'))}, '');\n` +
  'export const createExecutor = () => ({ run: async () => ({ counts: {}, executionTimeMs: 1, shotsCompleted: 1 }) });\n';

function put(name: string, text: string): string {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), text);
  return path(name);
}

/** Asks for an executor, without a cloud. */
async function load(
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string }> {
  put('bell.json', JSON.stringify(bell('cz').ir));
  return bench.run(['run', 'bell.json', '--shots', '1'], env);
}

async function refused(says: RegExp, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const { code, output } = await load(env);
  assert.equal(ran(), false, output);
  assert.notEqual(code, 0, output);
  assert.match(output, says);
  assert.match(output, /CODA_TRUSTED_OWNERS=nobody/);
}

const CONFIGS: Readonly<Record<string, () => string>> = {
  'coda.config.ts': () => `${module()}export default { executor: createExecutor };`,
  'coda.config.js': () => `${trace()}\nmodule.exports = { executor: 'simulator' };`,
  'coda.config.cjs': () => `${trace()}\nmodule.exports = { executor: 'simulator' };`,
  'coda.config.mjs': () => `${module()}export default { executor: createExecutor };`,
  'coda.config.json': () => '{ "executor": "./x.mjs:createExecutor" }',
  'coda.config.yaml': () => 'executor: ./x.mjs:createExecutor',
  'package.json': () => '{ "coda": { "executor": "./x.mjs:createExecutor" } }',
};

describe('code of another user', needsRoot, () => {
  for (const [name, text] of Object.entries(CONFIGS)) {
    it(`is not run as ${name}`, async () => {
      put('x.mjs', module());
      giveAway(put(name, text()));
      await refused(new RegExp(`the config file .*${name} is not used: it belongs to user nobody`));
      giveAway(bench.folder);
      await refused(/belongs to user nobody/);
      // The file is one's own, but not its folder.
      for (const file of [name, 'x.mjs']) {
        rmSync(path(file));
        put(file, file === name ? text() : module());
      }
      await refused(/belongs to user nobody/);
    });
  }

  it('is not run as the options of cosmiconfig, with and without --config', async () => {
    put('.config/config.js', trace());
    put('coda.config.json', '{ "executor": "simulator" }');
    giveAway(path('.config'));
    assert.equal((await load()).code, 0);
    assert.equal((await bench.run(['config', '--config', 'coda.config.json'])).code, 0);
    assert.equal(ran(), false);
  });

  it('is not run because a config file of one’s own imports it', async () => {
    giveAway(put('theirs/lib.ts', module()));
    giveFolder(path('theirs'));
    put('coda.config.ts', "export { createExecutor as default } from './theirs/lib.ts';");
    await refused(/lib\.ts is not used: it belongs to user nobody/);
    rmSync(path('coda.config.ts'));
    put('theirs/more.json', '{ "executor": "simulator" }');
    giveAway(path('theirs'));
    put('coda.config.json', '{ "$import": "./theirs/more.json" }');
    await refused(/more\.json is not used/);
  });

  it('is not run because a device YAML names it', async () => {
    put('site/x.mjs', module());
    giveAway(put('site/device.yaml', 'executor_factory: ./x.mjs:createExecutor'));
    await refused(/the device config .*device\.yaml is not used: it belongs to user nobody/);
    put('mine/device.yaml', 'executor_factory: ../theirs/x.mjs:createExecutor');
    giveAway(put('theirs/x.mjs', module()));
    await refused(/x\.mjs is not used/, { CODA_DEVICE_CONFIG: path('mine/device.yaml') });
    // A YAML that names nothing is no code.
    giveAway(put('site/device.yaml', 'qubits: 5'));
    assert.doesNotMatch((await load()).output, /is not used/);
  });

  it('is not run as an executor or a plugin that is named by its path or package', async () => {
    giveAway(put('theirs/x.mjs', module()));
    await refused(/x\.mjs is not used/, { CODA_EXECUTOR_FACTORY: './theirs/x.mjs:createExecutor' });
    put('coda.config.json', JSON.stringify({ executor: 'simulator', plugins: ['./theirs/x.mjs'] }));
    await refused(/x\.mjs is not used/);
    rmSync(path('coda.config.json'));
    put('node_modules/lab/index.js', trace());
    put('node_modules/lab/package.json', '{ "name": "lab", "main": "index.js" }');
    giveFolder(path('node_modules'));
    await refused(/node_modules belongs to user nobody/, { CODA_EXECUTOR_FACTORY: 'lab:createExecutor' });
  });

  it('is not run as a package that is found further up', async () => {
    put('node_modules/lab/executor-factory.mjs', module());
    put('node_modules/lab/package.json', '{ "name": "lab" }');
    giveAway(path('node_modules'));
    mkdirSync(path('below/here'), { recursive: true });
    const under = ['env', '-C', path('below/here')];
    put('bell.json', JSON.stringify(bell('cz').ir));
    const found = bench.spawn(['run', path('bell.json')], {}, under);
    assert.notEqual(await found.ended, 0, found.output());
    assert.match(found.output(), /lab\/executor-factory: .*is not used: .*belongs to user nobody/);
    assert.equal(ran(), false);
    // One's own package is used, and the other one named.
    put('below/node_modules/own/executor-factory.mjs', module().replace(/.*writeFileSync.*\n/g, ''));
    put('below/node_modules/own/package.json', '{ "name": "own" }');
    const own = bench.spawn(['run', path('bell.json')], {}, under);
    await own.ended;
    assert.match(own.output(), /is not used: .*belongs to user nobody; it is skipped/);
    assert.equal(ran(), false);
  });

  it('is not run over a link of that user to a file of one’s own', async () => {
    put('mine/x.mjs', module());
    symlinkSync(path('mine'), path('link'));
    giveAway(path('link'));
    await refused(/the link .*link, which leads to it, belongs to user nobody/, {
      CODA_EXECUTOR_FACTORY: './link/x.mjs:createExecutor',
    });
    symlinkSync(path('mine/x.mjs'), path('coda.config.mjs'));
    giveAway(path('coda.config.mjs'));
    await refused(/the link .*coda\.config\.mjs, which leads to it, belongs to user nobody/);
  });

  it('is not run, whoever owns it, if everybody may write to it or to its folder', async () => {
    const env = { CODA_EXECUTOR_FACTORY: './open/x.mjs:createExecutor' };
    put('open/x.mjs', module());
    for (const mode of [0o777, 0o1777]) {
      chmodSync(path('open'), mode);
      const { output } = await load(env);
      assert.match(output, /x\.mjs is not used: everybody may write to .*open\n.*→ /);
      assert.equal(ran(), false);
    }
    chmodSync(path('open'), 0o755);
    chmodSync(path('open/x.mjs'), 0o666);
    assert.match((await load(env)).output, /everybody may write to it\n.*chmod o-w .*x\.mjs/);
    assert.equal(ran(), false);
    // Group write is no offence.
    chmodSync(path('open'), 0o775);
    chmodSync(path('open/x.mjs'), 0o664);
    await load(env);
    assert.equal(ran(), true);
  });

  it('is run if that user called sudo, or is trusted by the setting, and not by a config file', async () => {
    put(
      'coda.config.mjs',
      `${module()}export default { executor: createExecutor, trustedOwners: 'nobody' };`,
    );
    giveAway(bench.folder);
    await refused(/belongs to user nobody/);
    await refused(/belongs to user nobody/, { SUDO_UID: '65533' });
    const trusted = [{ SUDO_UID: String(STRANGER) }, { CODA_TRUSTED_OWNERS: `1, ${STRANGER}` }];
    for (const env of [...trusted, { CODA_TRUSTED_OWNERS: 'nobody' }]) {
      const { output } = await load(env);
      assert.match(output, /trustedOwners in .* is not a key of the config file/);
      assert.equal(ran(), true, output);
      rmSync(path('ran'));
    }
    const { output } = await load({ CODA_TRUSTED_OWNERS: 'no-such-user' });
    assert.match(output, /CODA_TRUSTED_OWNERS names no-such-user, which is no user/);
  });
});

describe('code of one’s own', needsRoot, () => {
  it('is run by a user who is not root, also in a folder of root; SUDO_UID means nothing then', async () => {
    chmodSync(bench.folder, 0o755);
    put('theirs/x.mjs', module().replace(/.*writeFileSync.*\n/g, ''));
    giveAway(path('theirs'));
    put('bell.json', JSON.stringify(bell('cz').ir));
    const asUser = (user: number): readonly string[] => [
      'setpriv',
      `--reuid=${user}`,
      `--regid=${user}`,
      '--clear-groups',
    ];
    const env = { CODA_EXECUTOR_FACTORY: './theirs/x.mjs:createExecutor', SUDO_UID: String(STRANGER) };
    const own = bench.spawn(['run', 'bell.json'], env, asUser(STRANGER));
    await own.ended;
    assert.doesNotMatch(own.output(), /is not used/);
    const other = bench.spawn(['run', 'bell.json'], env, asUser(65_533));
    await other.ended;
    assert.match(other.output(), /is not used: it belongs to user nobody/);
  });
});

describe('the config file of another user', needsRoot, () => {
  it('does not choose the state directory of a command', async () => {
    giveAway(put('coda.config.yaml', `stateDir: ${bench.stateDir}`));
    const unnamed = { CODA_STATE_DIR: '' };
    for (const args of [['stop'], ['status'], ['reset', '--yes'], ['pause']]) {
      const said = await bench.ends(1, args, unnamed);
      assert.match(said, /coda\.config\.yaml is not used: it belongs to user nobody/);
    }
    assert.match(await bench.ends(1, ['stop']), /no node runs/);
  });
});
