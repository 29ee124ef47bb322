import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createModuleLoader } from '../../src/compose.ts';
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/errors.ts';
import { folder } from './folder.ts';

const modules = createModuleLoader();
const BUILTINS = [
  'connect',
  'heartbeat',
  'webhook',
  'cancellation',
  'batching',
  'discovery',
  'health',
  'simulator',
];
const PLUGIN = "{ name: 'mine', apply() {} }";

const load = (cwd: string): Promise<LoadedConfig> =>
  loadConfig({ env: {}, cwd, builtinPlugins: BUILTINS, modules, readState: false });

function withPlugins(
  t: TestContext,
  plugins: string,
  files: Readonly<Record<string, string>> = {},
): Promise<LoadedConfig> {
  return load(folder(t, { 'coda.config.ts': `export default { plugins: ${plugins} };`, ...files }));
}

async function refused(
  t: TestContext,
  plugins: string,
  expected: RegExp,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  await assert.rejects(withPlugins(t, plugins, files), (thrown: unknown) => {
    assert.ok(thrown instanceof ConfigError, String(thrown));
    assert.match(thrown.message, expected);
    return true;
  });
}

describe('built-in plugins', () => {
  it('take their options, and can be switched off', async (t) => {
    const { settings, sources, plugins } = await withPlugins(
      t,
      "[['heartbeat', { intervalSec: 5, path: '/h' }], ['vpn', false], ['health', true], 'batching', ['discovery', {}], null, false]",
    );
    assert.equal(settings.heartbeatIntervalSec, 5);
    assert.equal(settings.heartbeatPath, '/h');
    assert.match(
      sources.heartbeatIntervalSec.where,
      /^plugins\.heartbeat\.intervalSec in .*coda\.config\.ts$/,
    );
    assert.deepEqual([...plugins.disabled], ['vpn']);
    assert.deepEqual(plugins.extra, []);
  });

  it('refuse unknown options and wrong values, by path', async (t) => {
    await refused(
      t,
      "[['heartbeat', { intervalSec: 'x' }]]",
      /plugins\.heartbeat\.intervalSec in .*\.ts is "x", but must be a number from 0\.1 to 2147483/,
    );
    await refused(
      t,
      "[['heartbeat', { intervalSecs: 5 }]]",
      /plugins\.heartbeat\.intervalSecs in .* is unknown; did you mean "intervalSec"\?/,
    );
    await refused(
      t,
      "[['discovery', { a: 5 }]]",
      /plugins\.discovery\.a in .* is unknown: this plugin takes no options/,
    );
    await refused(
      t,
      "[['vpn', { probeTargets: ['https://a.org', 5] }]]",
      /plugins\.vpn\.probeTargets\[1\] in .* is 5, but must be a string/,
    );
    await refused(
      t,
      "[['vpn', { probeTargets: ['a.org'] }]]",
      /plugins\.vpn\.probeTargets in .*\[0\] is "a\.org", but must be a URL/,
    );
    await refused(
      t,
      "[['connect', { headers: { 'X-A': 5 } }]]",
      /plugins\.connect\.headers\["X-A"\] in .*\(not shown\)/,
    );
    await refused(
      t,
      "[['heartbeat', 'often']]",
      /options of plugins\[0\] in .* must be an object, true or false, but are a string/,
    );
  });

  it('listed twice are refused with both places', async (t) => {
    await refused(
      t,
      "['vpn', ['heartbeat', {}], ['vpn', false]]",
      /"vpn" is listed twice: plugins\[0\] in .* and plugins\[2\] in /,
    );
  });
});

describe('plugins of third parties', () => {
  it('are loaded in order: objects, paths, packages, factories', async (t) => {
    const { plugins } = await withPlugins(
      t,
      `[{ name: 'a', apply() {} }, './b.ts', ['./c.ts', { name: 'c' }], 'coda-d', ['./nowhere.ts', false], ['@lab/e', { x: 1 }]]`,
      {
        'b.ts':
          "import type { Plugin } from 'coda-node';\nexport default { name: 'b', apply() {} } satisfies Plugin;",
        'c.ts':
          'export const plugin = async (options: { name: string }) => ({ name: options.name, apply() {} });',
        'node_modules/coda-d/package.json': '{"name":"coda-d","main":"index.js"}',
        'node_modules/coda-d/index.js': "module.exports = { name: 'd', apply() {} };",
        'node_modules/@lab/e/package.json': '{"name":"@lab/e","type":"module","exports":"./e.js"}',
        'node_modules/@lab/e/e.js': 'export default (options) => ({ name: `e${options.x}`, apply() {} });',
      },
    );
    assert.deepEqual(
      plugins.extra.map(({ name }) => name),
      ['a', 'b', 'c', 'd', 'e1'],
    );
    assert.ok(plugins.extra.every((plugin) => typeof plugin.apply === 'function'));
  });

  it('are not loaded when the command runs none', async (t) => {
    const cwd = folder(t, { 'coda.config.json': '{"plugins": ["./nowhere.ts"]}' });
    const input = { env: {}, cwd, builtinPlugins: BUILTINS, modules, readState: false };
    assert.deepEqual((await loadConfig({ ...input, loadPlugins: false })).plugins.extra, []);
    await assert.rejects(loadConfig(input), ConfigError);
  });

  it('that are missing are named, with the built-in that may have been meant', async (t) => {
    await refused(
      t,
      "['hearbeat']",
      /plugins\[0\] in .*no plugin, file or package "hearbeat"; did you mean "heartbeat"\?/,
    );
    await refused(t, "['./nowhere.ts']", /"\.\/nowhere\.ts"[^]*taken from \//);
    await refused(t, "['fs']", /no plugin, file or package "fs"/);
  });

  it('that are none are refused', async (t) => {
    await refused(t, "'heartbeat'", /plugins in .* must be a list, but is a string/);
    await refused(t, '[5]', /plugins\[0\] in .* is a number, which is no plugin/);
    await refused(t, "[{ name: '' , apply() {} }]", /plugins\[0\] in .* without name and apply/);
    await refused(t, '[[]]', /plugins\[0\] in .* is a list, but not \[name, options\]/);
    await refused(t, "['']", /plugins\[0\] in .* is an empty name/);
    await refused(t, "['./a.ts']", /a\.ts exports no plugin[^]*It exports b;/, {
      'a.ts': 'export const b = 1;',
    });
    await refused(t, "['./a.ts']", /factory of .*a\.ts returned undefined/, {
      'a.ts': 'export default () => undefined;',
    });
    await refused(t, "['./a.ts']", /plugins\[0\] in .* failed: .*a\.ts:2:\d+: boom$/, {
      'a.ts': "export default () => {\n  throw new Error('boom');\n};",
    });
    await refused(t, "['./a.ts']", /plugins\[0\] in .* failed: .*a\.ts:1:\d+: syntax error/, {
      'a.ts': 'export default {',
    });
    await refused(
      t,
      "[['./a.ts', { b: 1 }]]",
      /plugins\[0\] in .* has options, but .*a\.ts exports a plugin that takes none/,
      { 'a.ts': `export default ${PLUGIN};` },
    );
  });

  it('of one name are refused, but one may replace a built-in that is switched off', async (t) => {
    await refused(
      t,
      `[${PLUGIN}, './a.ts']`,
      /"mine" is listed twice: plugins\[0\] in .* and plugins\[1\] in /,
      { 'a.ts': `export default ${PLUGIN};` },
    );
    await refused(
      t,
      "[{ name: 'heartbeat', apply() {} }]",
      /plugins\[0\] in .* has the name of the built-in plugin "heartbeat"[^]*\['heartbeat', false\]/,
    );
    const { plugins } = await withPlugins(t, "[['heartbeat', false], { name: 'heartbeat', apply() {} }]");
    assert.deepEqual(
      plugins.extra.map(({ name }) => name),
      ['heartbeat'],
    );
    assert.deepEqual([...plugins.disabled], ['heartbeat']);
  });

  it('find their path from the config file, not from the working directory', async (t) => {
    const cwd = folder(t, {
      'conf/lab.json': '{"plugins": ["./a.ts"]}',
      'conf/a.ts': `export default ${PLUGIN};`,
    });
    const loaded = await loadConfig({
      env: {},
      cwd,
      configPath: 'conf/lab.json',
      builtinPlugins: BUILTINS,
      modules,
      readState: false,
    });
    assert.equal(loaded.configFile, join(cwd, 'conf/lab.json'));
    assert.equal(loaded.plugins.extra[0]?.name, 'mine');
  });
});
