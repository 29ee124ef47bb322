// The config file: its names and forms, and what a start without one does not load.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { CONFIG_FILES } from '../../src/config/config-file.ts';
import { asNobody, folder, put } from './folder.ts';
import { failure, loadFile } from './loading.ts';

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
    assert.match(
      await failure(loadFile(cwd, 'nowhere.ts')),
      /nowhere\.ts does not exist or is not a file[^]*--config/,
    );
    assert.match(await failure(loadFile(cwd, 'conf')), /conf does not exist or is not a file/);
    put(cwd, 'lab.toml', '');
    assert.match(await failure(loadFile(cwd, 'lab.toml')), /unknown extension[^]*\.ts, /);
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
    const message = await failure(loadFile(cwd));
    assert.ok(message.includes(join(cwd, 'coda.config.ts')) && message.includes(join(cwd, 'package.json')));
  });

  it('that cannot be read is an error, not a start without it', async (t) => {
    const cwd = folder(t, { 'coda.config.json': '{}' });
    chmodSync(cwd, 0o755);
    chmodSync(join(cwd, 'coda.config.json'), 0);
    assert.match(
      await asNobody(() => failure(loadFile(cwd))),
      /coda\.config\.json cannot be read: EACCES[^]*readable/,
    );
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
