// What a config file imports: `coda-node`, which is the running package, and files of its own.
import assert from 'node:assert/strict';
import { chmodSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ConfigFile } from '../../src/config/config-file.ts';
import { ConfigError } from '../../src/errors.ts';
import { folder } from './folder.ts';
import { fieldOf, loadFile, modules } from './loading.ts';

/** The exports of the config files in these tests. */
interface Seen {
  readonly executor: {
    readonly ConfigError: unknown;
    readonly testing: Readonly<Record<string, unknown>>;
    readonly error: unknown;
    readonly token: symbol;
  };
}

function configOf(loaded: ConfigFile | undefined): Seen {
  assert.ok(loaded !== undefined);
  return loaded.config as Seen;
}

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
