import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createModuleLoader } from '../../src/compose.ts';
import { CONFIG_FILES, loadConfigFile, type ConfigFile } from '../../src/config/config-file.ts';
import { ConfigError } from '../../src/errors.ts';
import { asNobody, folder, put } from './folder.ts';

/** The exports of the config files in these tests. */
interface Seen {
  readonly executor: {
    readonly ConfigError: unknown;
    readonly testing: Readonly<Record<string, unknown>>;
    readonly error: unknown;
    readonly token: symbol;
  };
}

const modules = createModuleLoader();
const SECRET = 'hunter2-secret';

function configOf(loaded: ConfigFile | undefined): Seen {
  assert.ok(loaded !== undefined);
  return loaded.config as Seen;
}

/** A key of the config. */
function fieldOf(loaded: ConfigFile | undefined, key: string): unknown {
  return (loaded?.config as Record<string, unknown> | undefined)?.[key];
}

async function loadFile(cwd: string, configPath?: string): Promise<ConfigFile | undefined> {
  return (await loadConfigFile(modules, cwd, configPath)).file;
}

async function failure(cwd: string, configPath?: string): Promise<string> {
  try {
    await loadFile(cwd, configPath);
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, String(thrown));
    assert.ok(!thrown.message.includes(SECRET), thrown.message);
    return thrown.message;
  }
  return assert.fail('it loads');
}

const ESM = 'export default { concurrency: 2 };';
const FORMS: Readonly<Record<string, string>> = {
  'coda.config.ts': 'interface A { concurrency: number }\nexport default { concurrency: 2 } satisfies A;',
  'coda.config.mts': 'const concurrency: number = await Promise.resolve(2);\nexport default { concurrency };',
  'coda.config.js': ESM,
  'coda.config.mjs': ESM,
  'coda.config.cjs': 'module.exports = { concurrency: 2 };',
  'coda.config.json': '\uFEFF{ "concurrency": 2 }',
  'coda.config.yaml': 'concurrency: 2 # runs',
  'coda.config.yml': '{ concurrency: 2 }',
  'package.json': '{ "name": "lab", "coda": { "concurrency": 2 } }',
};

describe('a config file', () => {
  it('is found under each of its names', async (t) => {
    assert.deepEqual(Object.keys(FORMS).toSorted(), [...CONFIG_FILES].toSorted());
    for (const [name, text] of Object.entries(FORMS)) {
      const cwd = folder(t, { [name]: text });
      const { path, config } = (await loadFile(cwd)) ?? assert.fail(`${name} is not found`);
      assert.equal(path, join(cwd, name));
      assert.deepEqual({ ...(config as object) }, { concurrency: 2 }, name);
      assert.deepEqual(readdirSync(cwd), [name]);
    }
  });

  it('is not looked for in folders above, nor in a package.json without the key', async (t) => {
    const cwd = folder(t, { 'coda.config.json': '{}', 'below/package.json': '{ "name": "lab" }' });
    assert.equal(await loadFile(join(cwd, 'below')), undefined);
    assert.equal(await loadFile(folder(t, { 'package.json': 'broken' })), undefined);
    assert.equal(await loadFile(join(cwd, 'nowhere')), undefined);
  });

  it('may be named, under any name and relative to the working directory', async (t) => {
    const cwd = folder(t, { 'coda.config.json': 'broken', 'conf/lab.yaml': 'concurrency: 2' });
    assert.deepEqual((await loadFile(cwd, 'conf/lab.yaml'))?.config, { concurrency: 2 });
    assert.match(await failure(cwd, 'nowhere.ts'), /nowhere\.ts does not exist or is not a file[^]*--config/);
    assert.match(await failure(cwd, 'conf'), /conf does not exist or is not a file/);
    put(cwd, 'lab.toml', '');
    assert.match(await failure(cwd, 'lab.toml'), /unknown extension[^]*\.ts, /);
  });

  it('may export a function or a promise', async (t) => {
    for (const [name, expression] of Object.entries({
      a: '() => ({ concurrency: 2 })',
      b: 'async () => ({ concurrency: 2 })',
      c: 'Promise.resolve({ concurrency: 2 })',
    })) {
      const cwd = folder(t, { [`${name}.ts`]: `export default ${expression};` });
      assert.deepEqual((await loadFile(cwd, `${name}.ts`))?.config, { concurrency: 2 });
    }
  });

  it('of comments only sets nothing', async (t) => {
    assert.deepEqual((await loadFile(folder(t, { 'coda.config.yaml': '# later' })))?.config, {});
  });

  it('of which there are two is an error that names both', async (t) => {
    const cwd = folder(t, { 'coda.config.ts': ESM, 'package.json': '{"coda": {}}' });
    const message = await failure(cwd);
    assert.ok(message.includes(join(cwd, 'coda.config.ts')) && message.includes(join(cwd, 'package.json')));
  });

  it('that cannot be read is an error, not a start without it', async (t) => {
    const cwd = folder(t, { 'coda.config.json': '{}' });
    chmodSync(cwd, 0o755);
    chmodSync(join(cwd, 'coda.config.json'), 0);
    assert.match(await asNobody(() => failure(cwd)), /coda\.config\.json cannot be read: EACCES[^]*readable/);
  });
});

describe('a faulty config file is named with the place of its fault', () => {
  const faults: readonly (readonly [name: string, text: string, expected: RegExp])[] = [
    [
      'coda.config.ts',
      `export default {\n  nodeToken: '${SECRET}' x\n};`,
      /coda\.config\.ts:2:\d+: syntax error: /,
    ],
    [
      'coda.config.mjs',
      `export default {\n  nodeToken: '${SECRET}' x\n};`,
      /coda\.config\.mjs:2:\d+: syntax error: /,
    ],
    [
      'coda.config.cjs',
      `module.exports = {\n  nodeToken: '${SECRET}' x\n};`,
      /coda\.config\.cjs:2:\d+: syntax error: /,
    ],
    ['coda.config.ts', "const a: number = 1;\n\nthrow new Error('boom');", /coda\.config\.ts:3:\d+: boom$/],
    [
      'coda.config.ts',
      "export default () => {\n  throw new Error('boom');\n};",
      /coda\.config\.ts:2:\d+: boom$/,
    ],
    [
      'coda.config.ts',
      'export default async () => {\n  throw undefined;\n};',
      /coda\.config\.ts: undefined$/,
    ],
    [
      'coda.config.ts',
      "import x from './nowhere.ts';\nexport default x;",
      /coda\.config\.ts.*Cannot find module '\.\/nowhere\.ts'$/,
    ],
    ['coda.config.ts', 'export const concurrency = 2;', /coda\.config\.ts has no default export/],
    ['coda.config.cjs', '', /coda\.config\.cjs is empty/],
    ['coda.config.ts', 'export default () => {};', /coda\.config\.ts is empty/],
    [
      'coda.config.json',
      `{\n  "nodeToken": "${SECRET}"\n  "port": 1\n}`,
      /coda\.config\.json:3:3: not valid JSON/,
    ],
    [
      'coda.config.json',
      `{ nodeToken: '${SECRET}' }`,
      /coda\.config\.json is not valid JSON[^]*double quotes/,
    ],
    ['coda.config.json', ' ', /coda\.config\.json is empty/],
    [
      'coda.config.yaml',
      `a: 1\nnodeToken: '${SECRET}' '${SECRET}'\n`,
      /coda\.config\.yaml:2:\d+: not valid YAML/,
    ],
    ['coda.config.yaml', `nodeToken: *${SECRET}\n`, /coda\.config\.yaml: an alias cannot be resolved/],
    ['package.json', `{ "coda": { "nodeToken": "${SECRET}", } `, /package\.json(:1:\d+:| is) not valid JSON/],
    ['package.json', '{ "coda": null }', /"coda" of .*package\.json is empty/],
  ];
  for (const [name, text, expected] of faults) {
    it(`${name}: ${text.slice(0, 40).replaceAll('\n', ' ')}`, async (t) => {
      assert.match(await failure(folder(t, { [name]: text })), expected);
    });
  }

  it('a fault in a module that it imports', async (t) => {
    const cwd = folder(t, {
      'coda.config.ts': "import './a.ts';\nexport default {};",
      'a.ts': 'const a = 1;\nlet b = ;',
    });
    assert.match(await failure(cwd), /a\.ts:2:\d+: syntax error: /);
  });
});

describe('`coda-node` in a config file', () => {
  const CONFIG = `
    import { ConfigError, defineConfig } from 'coda-node';
    import type { Plugin } from 'coda-node';
    import * as testing from 'coda-node/testing';
    import { error } from './lib/helper.ts';
    export default defineConfig({ executor: { run: () => undefined, ConfigError, testing, error } as never });`;
  const HELPER = "import { ConfigError } from 'coda-node';\nexport const error = new ConfigError('x');";

  it('is the running package, in a read-only folder without node_modules', async (t) => {
    for (const extension of ['ts', 'mts', 'js', 'mjs']) {
      const typed = extension.includes('t');
      const config = typed ? CONFIG : CONFIG.replace(' as never', '').replace(/import type.*/, '');
      const cwd = folder(t, { [`coda.config.${extension}`]: config, 'lib/helper.ts': HELPER });
      chmodSync(join(cwd, `coda.config.${extension}`), 0o444);
      chmodSync(join(cwd, 'lib/helper.ts'), 0o444);
      chmodSync(cwd, 0o555);
      // Root can write there anyway; but any write, even of a temporary file, changes the time of the folder.
      const written = statSync(cwd).mtimeMs;
      const loaded = await loadFile(cwd).finally(() => chmodSync(cwd, 0o755));
      assert.equal(statSync(cwd).mtimeMs, written);
      const { executor } = configOf(loaded);
      const testing: Record<string, unknown> = await import('../../src/testing/index.ts');
      assert.equal(executor.ConfigError, ConfigError);
      assert.ok(executor.error instanceof ConfigError);
      for (const name of Object.keys(testing)) assert.equal(executor.testing[name], testing[name], name);
    }
  });

  it('is the running package for require, too', async (t) => {
    const config =
      "const { ConfigError } = require('coda-node');\nmodule.exports = { executor: ConfigError };";
    const loaded = await loadFile(folder(t, { 'coda.config.cjs': config }));
    assert.equal(configOf(loaded).executor, ConfigError);
  });

  it('wins over a copy in the folder of the user', async (t) => {
    const cwd = folder(t, {
      'coda.config.mjs':
        "import { ConfigError } from 'coda-node';\nexport default { executor: ConfigError };",
      'node_modules/coda-node/package.json': '{"name":"coda-node","type":"module","exports":"./index.js"}',
      'node_modules/coda-node/index.js': 'export class ConfigError extends Error {}',
    });
    assert.equal(configOf(await loadFile(cwd)).executor, ConfigError);
  });

  it('shares the modules that it imports with later imports', async (t) => {
    const cwd = folder(t, {
      'coda.config.ts':
        "import { token } from './token.ts';\nexport default { executor: { run() {}, token } };",
      'token.ts': 'export const token = Symbol();',
    });
    const config = configOf(await loadFile(cwd));
    assert.equal((await modules.import(join(cwd, 'token.ts')))['token'], config.executor.token);
  });
});

describe('a start without a config file', () => {
  it('does not load packages that only a config file needs', (t) => {
    const cwd = folder(t, { 'package.json': '{ "name": "lab" }', 'coda.config': '' });
    const load = new URL('../../src/config/load.js', import.meta.url);
    const loader = new URL('../../src/config/modules.js', import.meta.url);
    const script = `
      import { createRequire } from 'node:module';
      const { loadConfig } = await import(${JSON.stringify(load.href)});
      const { ModuleLoader } = await import(${JSON.stringify(loader.href)});
      await loadConfig({ env: {}, cwd: ${JSON.stringify(cwd)}, builtinPlugins: [], modules: new ModuleLoader({}), readState: false });
      const cached = Object.keys(createRequire(${JSON.stringify(pathToFileURL(join(cwd, 'x')).href)}).cache);
      console.log(JSON.stringify(cached));`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      encoding: 'utf8',
    });
    const loaded: string[] = JSON.parse(out);
    // All of these are CommonJS packages, so they would show.
    for (const name of ['cosmiconfig', 'jiti', 'sucrase', 'yaml', 'fastest-levenshtein']) {
      assert.deepEqual(
        loaded.filter((path) => path.includes(`node_modules/${name}/`)),
        [],
      );
    }
  });

  it('ignores folders and dangling links with the names of config files', async (t) => {
    const cwd = folder(t);
    mkdirSync(join(cwd, 'coda.config.js'));
    symlinkSync('/nowhere', join(cwd, 'coda.config.ts'));
    assert.equal(await loadFile(cwd), undefined);
  });
});

it('a named config file is the only one that is read: no options of cosmiconfig are searched', async (t) => {
  const ran = join(folder(t), 'ran');
  const cwd = folder(t, {
    'package.json': `{ "coda": "${SECRET}" x`,
    '.config/config.js': `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '');`,
    'lab.json': '{ "concurrency": 2 }',
  });
  const before = process.cwd();
  process.chdir(cwd);
  t.after(() => process.chdir(before));
  assert.equal(fieldOf(await loadFile('/', join(cwd, 'lab.json')), 'concurrency'), 2);
  assert.equal(existsSync(ran), false);
});

describe('what looks like a config file', () => {
  const warningsOf = async (cwd: string, configPath?: string): Promise<readonly string[]> =>
    (await loadConfigFile(modules, cwd, configPath)).warnings;

  for (const name of [
    'coda.config.cts',
    'coda.config.tsx',
    'coda.config.YAML',
    'coda.config.toml',
    'coda.config.json5',
    'Coda.config.ts',
    'coda-config.ts',
    'codaconfig.json',
    '.coda.config.yaml',
    '.codarc',
    '.codarc.json',
    'config/coda.config.ts',
    '.config/coda.config.yaml',
    '.config/codarc',
  ]) {
    it(`but is not read is named: ${name}`, async (t) => {
      const cwd = folder(t, { [name]: 'never read', 'deep/x': '' });
      const [warning = '', ...others] = await warningsOf(cwd);
      assert.ok(warning.startsWith(`${join(cwd, name)} is not read: `), warning);
      assert.match(warning, /coda\.config\.ts.*--config/);
      assert.deepEqual(others, []);
      const beside = folder(t, { [name]: 'never read', 'coda.config.json': '{}' });
      assert.equal((await warningsOf(beside)).length, 1, 'beside a config file, too');
      assert.deepEqual(await warningsOf(beside, 'coda.config.json'), [], 'not if one is named');
    });
  }

  it('is left alone if it was set aside, is ours, or belongs to others', async (t) => {
    const cwd = folder(t, {
      'coda.config': '{}',
      'coda.config.bak': '',
      'coda.config.ts.example': '',
      'coda.config.d.ts': '',
      'barracoda.config.ts': '',
      'codarcade.yaml': '',
      'config/app.yaml': '',
      'package.json': '{}',
      'coda.config.cts/x': '',
    });
    assert.deepEqual(await warningsOf(cwd), []);
  });
});

describe('a config file in YAML or JSON', () => {
  it('may use merge keys', async (t) => {
    const cwd = folder(t, {
      'coda.config.yaml': 'plugins:\n  - [vpn, &v { required: false }]\n  - [vpn, { <<: *v, auto: false }]\n',
    });
    assert.deepEqual(fieldOf(await loadFile(cwd), 'plugins'), [
      ['vpn', { required: false }],
      ['vpn', { required: false, auto: false }],
    ]);
  });

  it('has keys that are there twice named, and the last one counts', async (t) => {
    for (const [name, text, expected] of [
      [
        'coda.config.yaml',
        'concurrency: 2\nprefetch: 3\nconcurrency: 4\n',
        /the key concurrency is there twice.*yaml:3:1; the last/,
      ],
      [
        'coda.config.json',
        '{ "concurrency": 2, "prefetch": 3,\n\t"concurrency": 4 }',
        /the key concurrency.*json:2:\d/,
      ],
      [
        'coda.config.yml',
        'concurrency: 4\nprefetch: 3\n"hunter 2": 1\n"hunter 2": 1\n',
        /a key \(not shown\).*yml:4:1/,
      ],
    ] as const) {
      const { file, warnings } = await loadConfigFile(modules, folder(t, { [name]: text }));
      assert.equal(fieldOf(file, 'concurrency'), 4);
      assert.equal(warnings.length, 1, name);
      assert.match(warnings[0] ?? '', expected);
    }
  });
});

describe('a config file that is a link', () => {
  const EXPORTING =
    "import { shots } from './ex.ts';\nexport default { concurrency: shots, executor: './run.ts:go' };";
  const linked = (t: TestContext, files: Readonly<Record<string, string>>): string => {
    const cwd = folder(t, files);
    symlinkSync(join(cwd, 'shared', 'coda.config.ts'), join(cwd, 'lab', 'coda.config.ts'));
    return join(cwd, 'lab');
  };

  it('finds what it imports beside its target, or beside itself', async (t) => {
    const files = { 'shared/coda.config.ts': EXPORTING, 'lab/x': '' };
    const beside = await loadFile(linked(t, { ...files, 'shared/ex.ts': 'export const shots: number = 5;' }));
    assert.equal(fieldOf(beside, 'concurrency'), 5);
    const own = {
      ...files,
      'shared/ex.ts': 'export const shots = 5;',
      'lab/ex.ts': 'export const shots = 6;',
    };
    assert.equal(fieldOf(await loadFile(linked(t, own)), 'concurrency'), 6);
  });

  it('names both places if it is in neither', async (t) => {
    const cwd = linked(t, { 'shared/coda.config.ts': EXPORTING, 'lab/x': '' });
    const target = join(cwd, '..', 'shared', 'coda.config.ts');
    await assert.rejects(loadFile(cwd), (thrown: unknown) => {
      const { message } = thrown as Error;
      assert.ok(message.includes(join(cwd, 'coda.config.ts')) && message.includes(target), message);
      assert.match(message, /ex\.ts/);
      return true;
    });
  });
});
