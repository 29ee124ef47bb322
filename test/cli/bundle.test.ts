// What ships: one set of classes, whichever door they come through.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { folder } from '../config/folder.ts';
import { coda } from './process.ts';

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { types: string; default: string } | string>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

describe('the package', () => {
  it('has every file that its manifest names', () => {
    for (const path of Object.values(manifest.bin)) assert.ok(existsSync(path), path);
    for (const entry of Object.values(manifest.exports)) {
      for (const path of typeof entry === 'string' ? [entry] : Object.values(entry)) {
        assert.ok(existsSync(path), path);
      }
    }
  });

  it('exports the same names bundled as compiled', async () => {
    for (const [bundled, compiled] of [
      ['index.js', 'index.js'],
      ['testing.js', 'testing/index.js'],
    ] as const) {
      const names = async (path: string): Promise<string[]> =>
        Object.keys((await import(resolve('dist', path))) as object).toSorted();
      assert.deepEqual(await names(join('bundle', bundled)), await names(join('src', compiled)));
    }
  });

  it('has code caches that V8 takes', () => {
    const script = `
      const { bundles } = require('./dist/bundle/load.cjs');
      console.log(bundles.get('core').script.cachedDataRejected);`;
    assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }), 'false\n');
  });

  it('carries the licence of every package in it', () => {
    const texts = readFileSync(join('dist', 'bundle', 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['ioredis', 'jiti', 'jose', 'sucrase', 'tapable', 'undici']) {
      assert.match(texts, new RegExp(`^${name} \\d[^]*?(copyright|licence)`, 'im'));
    }
  });
});

describe('`coda` and what users write', () => {
  const PLUGIN = `import { ConfigError } from 'coda-node';
    export default { name: 'thrower', apply() { throw new ConfigError('not like this', { remedy: 'Like that.' }); } };`;

  /** Runs the node with a plugin that throws; what it says. */
  async function saidAbout(cwd: string, plugin: string): Promise<string> {
    writeFileSync(
      join(cwd, 'coda.config.ts'),
      `import { defineConfig } from 'coda-node';\nexport default defineConfig({ plugins: ['${plugin}'] });`,
    );
    const run = coda(['start'], { cwd, env: { CODA_STATE_DIR: join(cwd, 'state'), CODA_PORT: '0' } });
    assert.equal(await run.ended, 1);
    return run.output();
  }

  it('have one ConfigError: in a file beside the config', async (t) => {
    const output = await saidAbout(folder(t, { 'thrower.ts': PLUGIN }), './thrower.ts');
    assert.match(output, /plugin 'thrower' failed in apply: not like this\n.*→ Like that\./);
  });

  it('have one ConfigError: in an installed package, which Node itself loads', async (t) => {
    const cwd = folder(t, {
      'node_modules/coda-thrower/package.json':
        '{"name":"coda-thrower","type":"module","exports":"./index.js"}',
      'node_modules/coda-thrower/index.js': PLUGIN,
    });
    symlinkSync(resolve('.'), join(cwd, 'node_modules', 'coda-node'));
    const output = await saidAbout(cwd, 'coda-thrower');
    assert.match(output, /plugin 'thrower' failed in apply: not like this\n.*→ Like that\./);
  });

  it('have one ConfigError for import and for require', (t) => {
    const cwd = folder(t);
    mkdirSync(join(cwd, 'node_modules'));
    symlinkSync(resolve('.'), join(cwd, 'node_modules', 'coda-node'));
    const script = `
      import { createRequire } from 'node:module';
      import { ConfigError } from 'coda-node';
      import * as testing from 'coda-node/testing';
      const required = createRequire(process.cwd() + '/x')('coda-node');
      console.log(required.ConfigError === ConfigError, typeof testing.startLocalCloud);`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    assert.equal(out, 'true function\n');
  });

  it('work as well without the code cache, and write nothing into their folder', (t) => {
    const cwd = folder(t, { 'coda.config.ts': "import 'coda-node';\nexport default { concurrency: 7 };" });
    const bundle = resolve('dist', 'bundle');
    mkdirSync(join(cwd, 'bundle'));
    for (const name of readdirSync(bundle).filter((file) => !file.endsWith('.cache'))) {
      writeFileSync(join(cwd, 'bundle', name), readFileSync(join(bundle, name)));
    }
    writeFileSync(join(cwd, 'package.json'), readFileSync('package.json'));
    symlinkSync(resolve('node_modules'), join(cwd, 'node_modules'));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(cwd, 'bundle', 'coda.cjs'), 'config', '--json'],
      {
        cwd,
        encoding: 'utf8',
      },
    );
    assert.match(stdout, /"concurrency"[^]*?7/, stderr);
    assert.ok(!readdirSync(join(cwd, 'bundle')).some((file) => file.endsWith('.cache')));
  });
});
