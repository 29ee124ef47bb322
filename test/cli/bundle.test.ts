// The package as it ships: complete, and with one copy of each class, whichever entry point is imported.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installPackage, type InstalledPackage } from '../../bench/lab/package.ts';
import { bell, startLocalCloud } from '../../src/testing/index.ts';
import { CA } from '../support/certificates.ts';
import { connectProxy, tlsInFrontOf } from '../support/middlemen.ts';
import { folder } from '../config/folder.ts';
import { coda, type CodaProcess } from './process.ts';

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

  it('carries the licence of every package in it', () => {
    const texts = readFileSync(join('dist', 'bundle', 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['ioredis', 'jose', 'sucrase', 'tapable', 'undici']) {
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
});

describe('the package as users install it', () => {
  let root: string;
  let installed: InstalledPackage;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'coda-installed-'));
    installed = installPackage(root);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  /** Starts the installed node. */
  const start = (cwd: string, env: Readonly<Record<string, string>>): CodaProcess =>
    coda(['start', '--host', '127.0.0.1', '--port', '0'], {
      main: installed.coda,
      cwd,
      env: { CODA_EXECUTOR_FACTORY: 'noop', CODA_STATE_DIR: join(cwd, 'state'), ...env },
    });

  it('leaves a code cache at its first start, uses it, and does without one that is broken', async (t) => {
    const cloud = await startLocalCloud();
    t.after(() => cloud.close());
    const cwd = folder(t);
    const cache = join(installed.folder, 'dist', 'bundle', 'core.cache');
    const runsAJob = async (): Promise<void> => {
      const node = start(cwd, { CODA_WEBAPP_URL: cloud.url, CODA_NODE_TOKEN: cloud.issueToken() });
      assert.equal((await cloud.outcome(await cloud.submit({ ir: bell('cz').ir }))).status, 'completed');
      node.child.kill('SIGTERM');
      assert.equal(await node.ended, 0, node.output());
    };
    rmSync(cache, { force: true });
    await runsAJob();
    const made = statSync(cache);
    await runsAJob();
    assert.equal(statSync(cache).ino, made.ino, 'a cache that fits is not written again');
    writeFileSync(cache, 'no cache');
    await runsAJob();
    assert.ok(statSync(cache).size > 100_000);
  });

  it('needs nothing that it does not bring, and writes nothing beside its own files', (t) => {
    const cwd = folder(t, { 'coda.config.ts': "import 'coda-node';\nexport default { concurrency: 7 };" });
    const bundle = join(installed.folder, 'dist', 'bundle');
    const files = readdirSync(bundle);
    const { stdout, stderr } = spawnSync(process.execPath, [installed.coda, 'config', '--json'], {
      cwd,
      encoding: 'utf8',
    });
    assert.match(stdout, /"concurrency"[^]*?7/, stderr);
    assert.deepEqual(readdirSync(bundle), files);
  });

  it('reaches an https cloud through a proxy that asks for a password, or directly if NO_PROXY has its network', async (t) => {
    const cloud = await startLocalCloud();
    const front = await tlsInFrontOf(Number(new URL(cloud.url).port));
    const proxy = await connectProxy({ credentials: 'lab:p@ss' });
    const cwd = folder(t, { 'ca.pem': CA });
    // This machine too, but not by a name for which proxies are left out anyway.
    const host = `0.0.0.0:${front.port}`;
    cloud.overrideBundle((bundle) => ({ ...bundle, webapp_url: `https://${host}` }));
    const tunnelsOf = async (noProxy: string): Promise<readonly string[]> => {
      const earlier = proxy.tunnels.length;
      const node = start(cwd, {
        SSL_CERT_FILE: join(cwd, 'ca.pem'),
        HTTPS_PROXY: `http://lab:p%40ss@127.0.0.1:${proxy.port}`,
        NO_PROXY: noProxy,
        CODA_WEBAPP_URL: `https://${host}`,
        CODA_NODE_TOKEN: cloud.issueToken(),
      });
      try {
        const raw = { callback_url: `https://${host}/api/internal/qpu/webhook` };
        const jobId = await cloud.submit({ ir: bell('cz').ir, raw });
        assert.equal((await cloud.outcome(jobId)).status, 'completed');
      } finally {
        node.child.kill('SIGTERM');
        await node.ended;
      }
      return [...new Set(proxy.tunnels.slice(earlier))];
    };
    try {
      assert.deepEqual(await tunnelsOf('10.0.0.0/8,localhost'), [host]);
      assert.deepEqual(await tunnelsOf('10.0.0.0/8, 0.0.0.0/29'), []);
    } finally {
      await proxy.close();
      await front.close();
      await cloud.close();
    }
  });
});
