// Where each value comes from: flags, environment, config file, state directory, defaults.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Flags } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load.ts';
import {
  largestOf,
  SETTING_NAMES,
  SETTINGS,
  settingOf,
  type SettingName,
  type SettingValue,
} from '../../src/config/settings.ts';
import { folder, KEY, put, putPythonState } from './folder.ts';
import { failure, load, modules, type Given } from './loading.ts';

/** Two valid values of each setting that are not its default. */
function twoValues(name: SettingName): readonly [SettingValue, SettingValue] {
  const setting = settingOf(name);
  switch (setting.type) {
    case 'integer':
    case 'number':
      return [setting.min, largestOf(setting)].map((value) =>
        value === setting.default ? value + 1 : value,
      ) as [number, number];
    case 'boolean':
      return [!setting.default, setting.default];
    case 'list':
      return [['https://a.example.org'], ['https://b.example.org', 'https://c.example.org']];
    case 'map':
      if (setting.format === 'levels') return [{ vpn: 'debug' }, { python: 'warn' }];
      return [{ 'X-A': 'value-1' }, { 'X-B': 'value-2' }];
    case 'string?':
      return ['tun1', 'tun2'];
    case 'string': {
      if (setting.choices !== undefined) return setting.choices.slice(0, 2) as [string, string];
      const [one, two] = {
        url: ['https://a.example.org', 'http://b.example.org:81/x'],
        'redis-url': ['redis://a:6379', 'rediss://user:password@b:6380/1'],
        'url-path': ['/one', '/two'],
        path: ['/one', '/two'],
        pem: [KEY, KEY.replace('MII', 'NII')],
        users: ['root', '1,2'],
        none: ['one-value', 'two-value'],
      }[setting.format ?? 'none'];
      return [String(one), String(two)];
    }
  }
}

const asText = (value: SettingValue): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** A config file that sets one setting in its place. */
function fileWith(name: SettingName, value: SettingValue): string {
  const [plugin, option] = settingOf(name).config?.split('.') ?? [];
  if (plugin !== undefined && option !== undefined)
    return JSON.stringify({ plugins: [[plugin, { [option]: value }]] });
  return JSON.stringify({ [name === 'executorFactory' ? 'executor' : name]: value });
}

describe('precedence, for every setting', () => {
  for (const name of SETTING_NAMES) {
    it(name, async (t) => {
      const setting = settingOf(name);
      const [one, two] = twoValues(name);
      // The file of this test must not be looked for as a state directory of another.
      const env = name === 'stateDir' ? { CODA_STATE_DIR: '' } : {};
      const seen = async (given: Omit<Given, 'cwd'>, cwd: string): Promise<readonly unknown[]> => {
        const loaded = await load({ cwd, ...given, env: { ...env, ...given.env } });
        return [loaded.settings[name], loaded.sources[name].source];
      };
      const empty = folder(t);
      const withFile = folder(t, { 'coda.config.json': fileWith(name, one) });

      assert.equal((await seen({}, empty))[1], 'default');
      if (setting.inConfigFile === false) {
        await assert.rejects(seen({}, withFile), new RegExp(`${name} in .* is not a key.*${setting.env}`));
        assert.deepEqual(await seen({ env: { [setting.env]: asText(two) } }, empty), [two, 'environment']);
        return;
      }
      assert.deepEqual(await seen({}, withFile), [one, 'config file']);
      assert.deepEqual(await seen({ env: { [setting.env]: asText(two) } }, withFile), [two, 'environment']);
      const flags = { [name]: typeof one === 'object' ? JSON.stringify(one) : one };
      assert.deepEqual(await seen({ flags, env: { [setting.env]: asText(two) } }, withFile), [one, 'flag']);

      if (setting.persisted === undefined) return;
      for (const cwd of [empty, withFile]) putPythonState(join(cwd, 'state'), { [setting.persisted]: two });
      assert.deepEqual(await seen({}, empty), [two, 'persisted state']);
      assert.deepEqual(await seen({}, withFile), [one, 'config file']);
    });
  }
});

describe('the state directory', () => {
  it('can be named by a flag, a variable or the config file; its default is the temporary directory', async (t) => {
    const cwd = folder(t, { 'conf/coda.config.json': '{"stateDir": "f"}' });
    const given = { cwd, builtinPlugins: [], modules, configPath: 'conf/coda.config.json' };
    const dirOf = async (flags: Flags, env: NodeJS.ProcessEnv): Promise<string> =>
      (await loadConfig({ ...given, flags, env })).settings.stateDir;
    assert.equal(await dirOf({ stateDir: 'a' }, { CODA_STATE_DIR: 'b' }), join(cwd, 'a'));
    assert.equal(await dirOf({}, { CODA_STATE_DIR: 'b' }), join(cwd, 'b'));
    assert.equal(await dirOf({}, {}), join(cwd, 'conf', 'f'));
    assert.equal(SETTINGS.stateDir.default, tmpdir());
  });

  it('holds the key, which the environment overrides', async (t) => {
    const cwd = folder(t);
    putPythonState(join(cwd, 'state'));
    const { settings, sources, state } = await load({ cwd });
    assert.equal(settings.jwtPrivateKey, KEY);
    assert.equal(sources.jwtPrivateKey.where, join(cwd, 'state', 'coda-private-key'));
    assert.equal(sources.qpuId.where, `qpu_id in ${join(cwd, 'state', 'coda.config')}`);
    assert.equal(state?.qpuId, 'qpu-7');
    const other = KEY.replace('MII', 'NII');
    assert.equal((await load({ cwd, env: { CODA_JWT_PRIVATE_KEY: other } })).settings.jwtPrivateKey, other);
  });

  it('keeps only the identity of the machine when a token is given', async (t) => {
    const cwd = folder(t);
    putPythonState(join(cwd, 'state'));
    const { settings, state } = await load({ cwd, env: { CODA_NODE_TOKEN: 'tok-1' } });
    assert.equal(settings.nodeMachineFingerprint, 'lab-7-42');
    for (const name of [
      'qpuId',
      'jwtKeyId',
      'jwtPrivateKey',
      'redisUrl',
      'connectPath',
      'webappUrl',
    ] as const) {
      assert.equal(settings[name], SETTINGS[name].default, name);
    }
    assert.equal(state?.qpuId, 'qpu-7');
    assert.equal(state?.jwtPrivateKey, KEY);
  });

  it('is not read for a command that clears it', async (t) => {
    const cwd = folder(t, { 'state/coda.config': 'broken' });
    chmodSync(join(cwd, 'state/coda.config'), 0o644);
    assert.match(await failure(load({ cwd })), /coda\.config has mode 0644/);
    const env = { CODA_STATE_DIR: 'state' };
    assert.equal(
      (await loadConfig({ env, cwd, builtinPlugins: [], modules, readState: false })).state,
      undefined,
    );
  });

  it('holds the VPN profile by default', async (t) => {
    const cwd = folder(t);
    assert.equal((await load({ cwd })).settings.nodeVpnProfilePath, join(cwd, 'state', 'coda-node.ovpn'));
  });
});

describe('paths', () => {
  it('start at the working directory, or at the config file that names them', async (t) => {
    const cwd = folder(t, { 'conf/lab.json': '{"deviceConfig": "./device.yaml"}' });
    const configPath = 'conf/lab.json';
    assert.equal((await load({ cwd, configPath })).settings.deviceConfig, join(cwd, 'conf/device.yaml'));
    const env = { CODA_DEVICE_CONFIG: './device.yaml' };
    assert.equal((await load({ cwd, configPath, env })).settings.deviceConfig, join(cwd, 'device.yaml'));
  });

  it('of the device: ./site/device.yaml if it is there', async (t) => {
    const cwd = folder(t);
    assert.equal((await load({ cwd })).settings.deviceConfig, '');
    put(cwd, 'site/device.yaml', '');
    const { settings, sources } = await load({ cwd });
    assert.equal(settings.deviceConfig, join(cwd, 'site/device.yaml'));
    assert.deepEqual(sources.deviceConfig, { source: 'default', where: './site/device.yaml' });
  });
});

describe('the executor', () => {
  it('is that of the config file, relative to its folder', async (t) => {
    const cwd = folder(t, {
      'conf/text.ts': "export default { executor: './a.ts:make' };",
      'conf/factory.ts': 'export default { executor: () => ({ run() {} }) };',
      'conf/object.ts': 'export default { executor: { run() {} } };',
    });
    const kinds = { text: 'string', factory: 'function', object: 'object' };
    for (const [name, kind] of Object.entries(kinds)) {
      const { executor, settings } = await load({ cwd, configPath: `conf/${name}.ts` });
      assert.equal(typeof executor?.value, kind);
      assert.equal(executor?.baseDir, join(cwd, 'conf'));
      assert.equal(executor?.source, `executor in ${join(cwd, 'conf', `${name}.ts`)}`);
      assert.equal(settings.executorFactory, name === 'text' ? './a.ts:make' : '');
    }
  });

  it('of a flag or a variable wins, from the working directory', async (t) => {
    const cwd = folder(t, { 'conf/a.ts': 'export default { executor: () => ({ run() {} }) };' });
    const env = { CODA_EXECUTOR_FACTORY: './b.ts:make' };
    const { executor } = await load({ cwd, configPath: 'conf/a.ts', env });
    assert.deepEqual(executor, { value: './b.ts:make', baseDir: cwd, source: 'CODA_EXECUTOR_FACTORY' });
    const flags = { executorFactory: 'simulator' };
    const flagged = await load({ cwd, configPath: 'conf/a.ts', env, flags });
    assert.deepEqual(flagged.executor, { value: 'simulator', baseDir: cwd, source: '--executor-factory' });
  });

  it('may be absent, but not anything', async (t) => {
    assert.equal((await load({ cwd: folder(t) })).executor, undefined);
    for (const value of ['5', '""', '{}', '[]', 'true']) {
      const cwd = folder(t, { 'coda.config.json': `{"executor": ${value}}` });
      assert.match(await failure(load({ cwd })), /^executor in .*coda\.config\.json is /);
    }
  });

  it('may be an async function, but not what it promises', async (t) => {
    for (const code of ['async (_, { options }) => options', 'async () => ({ run() {} })']) {
      const cwd = folder(t, {
        'coda.config.mjs': `const createExecutor = ${code};\nexport default { executor: createExecutor() };`,
      });
      assert.match(
        await failure(load({ cwd })),
        /^executor in .*coda\.config\.mjs is a promise\n {2}→ .*without calling it/,
      );
    }
  });
});
