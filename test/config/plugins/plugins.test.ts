import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createModuleLoader } from '../../../src/compose.ts';
import { loadConfig, type LoadedConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/errors.ts';
import type { CodaNode } from '../../../src/plugin.ts';
import { folder } from '../folder.ts';

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
    await refused(t, '[[]]', /plugins\[0\] in .* is a list, but neither \[plugin, options\] nor \[/);
    await refused(t, "[['./a.ts', {}, '']]", /the name of plugins\[0\] in .* is '', but must be a text/);
    await refused(t, "[['vpn', {}, 'v']]", /gives the built-in plugin "vpn" another name/);
    await refused(t, "['']", /plugins\[0\] in .* is an empty name/);
    await refused(t, "['./a.ts']", /a\.ts exports no plugin[^]*It exports b;/, {
      'a.ts': 'export const b = 1;',
    });
    await refused(t, "['./a.ts']", /factory of .*a\.ts returned undefined/, {
      'a.ts': 'export default () => undefined;',
    });
    for (const [code, expected] of [
      ["{ name: 'a', aply() {} }", /a\.ts exports an object without a function apply,[^]*It has name, aply;/],
      ["{ name: 'a', apply: 5 }", /a\.ts exports an object without a function apply/],
      ['{ apply() {} }', /a\.ts exports an object without a name, which is no plugin/],
      ["{ name: '', options: {} }", /a\.ts exports an object without a name and a function apply/],
      ['{ other: 1 }', /a\.ts exports no plugin/],
      [
        "definePlugin({ name: 'a', options: { file: {} }, apply() {} } as never)",
        /a\.ts:\d+:\d+: the options of plugin 'a' are no JSON schema of type 'object'\n {2}→ Write: options: \{ type/,
      ],
      [
        'function a(node: CodaNode) { node.log.info(1); }',
        /a\.ts:\d+:\d+: .*reading 'log'[^]*→ .*To tap hooks, export \{ name, apply/,
      ],
    ] as const) {
      await refused(t, "['./a.ts']", expected, {
        'a.ts': `import { definePlugin, type CodaNode } from 'coda-node';\nexport default ${code};`,
      });
    }
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

describe('the forms of a plugin', () => {
  /** Each takes a greeting, and has it in its name. */
  const OBJECT = "{ name: 'object', options: SCHEMA, apply(node, { greeting }) { node.says(greeting); } }";
  const CLASS = `class Lab {
    static options = SCHEMA;
    name = 'class';
    #greeting;
    constructor({ greeting }) { this.#greeting = greeting; }
    apply(node) { node.says(this.#greeting); }
  }`;
  const FACTORY = `Object.assign(
    async ({ greeting }) => ({ name: 'factory', apply(node) { node.says(greeting); } }),
    { options: SCHEMA },
  )`;
  const DEFINING = `(options) => ({ name: 'defining', options: SCHEMA, apply(node, { greeting }) { node.says(greeting); } })`;
  const SCHEMA = "{ type: 'object', properties: { greeting: { type: 'string', default: 'hello' } } }";
  const FORMS = { OBJECT, CLASS, FACTORY, DEFINING };
  const EXPORTS: Readonly<Record<string, (form: string) => string>> = {
    'default.mjs': (form) => `export default ${form};`,
    'named.mjs': (form) => `export const plugin = ${form};`,
    'both.ts': (form) =>
      `export const helper: number = 1;\nconst it: unknown = ${form};\nexport { it as default };`,
    'module.cjs': (form) => `module.exports = ${form};`,
    'named.cjs': (form) => `exports.plugin = ${form};`,
    'translated.cjs': (form) => `exports.__esModule = true;\nexports.default = ${form};`,
  };

  /** What the plugins say when they are applied. */
  function said({ plugins }: LoadedConfig): string[] {
    const heard: string[] = [];
    const node = { says: (text: string) => heard.push(text) } as unknown as CodaNode;
    for (const plugin of plugins.extra) plugin.apply(node);
    return heard;
  }

  for (const [form, code] of Object.entries(FORMS)) {
    it(`${form} works as each kind of export, in a file and in a package, with options and without`, async (t) => {
      const text = code.replaceAll('SCHEMA', SCHEMA);
      const files = Object.fromEntries(
        Object.entries(EXPORTS).flatMap(([name, make]) => [
          [name, make(text)],
          [`node_modules/lab-${name}/package.json`, JSON.stringify({ main: name, exports: `./${name}` })],
          [`node_modules/lab-${name}/${name}`, make(text)],
        ]),
      );
      const names = Object.keys(EXPORTS).flatMap((name) => [
        `./${name}`,
        ...(name === 'both.ts' ? [] : [`lab-${name}`]),
      ]);
      const entries = names.flatMap((name, index) => [
        [name, true, `a${index}`],
        [name, { greeting: 'hi' }, `b${index}`],
      ]);
      const loaded = await withPlugins(t, JSON.stringify(entries), files);
      assert.deepEqual(
        said(loaded),
        names.flatMap(() => ['hello', 'hi']),
      );
      await refused(
        t,
        "[['./default.mjs', { greting: 'hi', greeting: 5 }]]",
        /plugins\[0\]\.greting in .*did you mean "greeting"\?\n {2}plugins\[0\]\.greeting in .* is 5, but must be a string/,
        files,
      );
    });

    it(`${form} works in the list itself`, async (t) => {
      const text = code.replaceAll('SCHEMA', SCHEMA);
      const cwd = folder(t, {
        'coda.config.ts': `import it from './it.mjs';\nexport default { plugins: [it, [it, { greeting: 'hi' }, 'second']] };`,
        'it.mjs': `export default ${text};`,
      });
      assert.deepEqual(said(await load(cwd)), ['hello', 'hi']);
    });
  }

  it('classes and functions without a schema get the options as they are', async (t) => {
    const loaded = await withPlugins(
      t,
      "[['./class.ts', { a: 1 }], ['./old.cjs', { a: 2 }], ['./field.ts', { a: 3 }]]",
      {
        'class.ts':
          'export class Other {}\nexport default class { name = "c"; options: object; constructor(options: object) { this.options = options; } apply(node) { node.says(this.options.a); } }',
        'old.cjs':
          'function Old(options) { this.name = "o"; this.options = options; }\nOld.prototype.apply = function (node) { node.says(this.options.a); };\nmodule.exports = Old;',
        'field.ts':
          'export default class { name = "f"; apply; constructor({ a }) { this.apply = (node) => node.says(a); } }',
      },
    );
    assert.deepEqual(said(loaded), [1, 2, 3]);
  });

  it('an object that keeps its options has no schema for that', async (t) => {
    const mine = "((options) => ({ name: 'mine', options, apply(node) { node.says(this.options.a); } }))";
    assert.deepEqual(said(await withPlugins(t, `[${mine}({ a: 1 })]`)), [1]);
    assert.deepEqual(
      said(await withPlugins(t, "[['./a.ts', { a: 2 }]]", { 'a.ts': `export default ${mine};` })),
      [2],
    );
  });

  it('definePlugin refuses options that are no schema', async (t) => {
    await refused(
      t,
      "['./a.ts']",
      /plugins\[0\] in .* failed: .*a\.ts:2:\d+: the options of plugin 'a' are no JSON schema/,
      {
        'a.ts':
          "import { definePlugin } from 'coda-node';\nexport default definePlugin({ name: 'a', options: { type: 'objct' }, apply() {} });",
      },
    );
  });

  it('one plugin is used twice under two names, and not under one', async (t) => {
    const files = { 'a.ts': "export default { name: 'a', apply(node) { node.says(this.name); } };" };
    const { plugins } = await withPlugins(t, "['./a.ts', ['./a.ts', true, 'second']]", files);
    assert.deepEqual(
      plugins.extra.map(({ name }) => name),
      ['a', 'second'],
    );
    await refused(t, "['./a.ts', './a.ts']", /"a" is listed twice[^]*'my-name'\]/, files);
    await refused(
      t,
      "[['./a.ts', true, 'vpn']]",
      /plugins\[0\] in .* has the name of the built-in plugin "vpn"/,
      files,
    );
  });

  it('wrong options of several plugins are told together', async (t) => {
    const schema = "options: { type: 'object', properties: { n: { type: 'number' } } }, apply() {}";
    await refused(
      t,
      `[[{ name: 'a', ${schema} }, { n: 'x' }], [{ name: 'b', ${schema} }, { m: 1 }]]`,
      /plugins\[0\]\.n in .* \(plugin 'a'\) is "x"[^]*\n {2}plugins\[1\]\.m in .* \(plugin 'b'\) is unknown/,
    );
  });
});
