// The test rig itself: a file that leaves something behind fails, and its report has the whole name of a test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';

const TESTING = JSON.stringify(resolve('dist', 'src', 'testing', 'index.js'));
const REDIS = JSON.stringify(resolve('dist', 'src', 'net', 'redis.js'));

/** What a test does, and what the report then says is left. */
const LEAKS = {
  'a timer': ['setTimeout(() => {}, 60_000);', /: a timer$/m],
  'a server': [`(await import('node:http')).createServer().listen(0);`, /: a server$/m],
  'a child process': [
    `(await import('node:child_process')).spawn('sleep', ['10'], { stdio: 'ignore' });`,
    /: a child process$/m,
  ],
  'a Redis connection': [
    `const { startRedisServer } = await import(${TESTING});
     const { openRedis } = await import(${REDIS});
     const server = await startRedisServer();
     globalThis.redis = openRedis({ url: server.url, name: 'test', env: {} });
     await globalThis.redis.ping();
     (await import('node:test')).after(() => server.stop());`,
    /: .*(a connection|a timer)/,
  ],
  'a node': [
    `const { startLocalCloud, startTestNode } = await import(${TESTING});
     const cloud = await startLocalCloud();
     await startTestNode({ cloud });
     (await import('node:test')).after(() => cloud.close());`,
    /: .*(a connection|a timer)/,
  ],
} as const;

describe('a test file', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'coda-leaks-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a test file with one test, as `npm test` does. */
  function run(body: string): { code: number | null; report: string } {
    const file = join(folder, 'some.test.mjs');
    writeFileSync(
      file,
      `import { describe, it } from 'node:test';
       describe('a suite', () => describe('within', () => { it('a test', async (t) => { ${body} }); }));`,
    );
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import=./.ci/leaks.mjs', '--test', '--test-reporter=./.ci/reporter.mjs', file],
      { env, encoding: 'utf8', timeout: 60_000 },
    );
    return { code: status, report: stdout };
  }

  it('passes if it leaves nothing behind', () => {
    const { code, report } = run(`await new Promise((resolve) => setTimeout(resolve, 10));`);
    assert.equal(report, '1 passed, 0 failed, 0 skipped\n');
    assert.equal(code, 0);
  });

  for (const [what, [body, expected]] of Object.entries(LEAKS)) {
    it(`fails if it leaves ${what} behind`, () => {
      const { code, report } = run(body);
      assert.match(report, /left behind by the tests of .*some\.test\.mjs/);
      assert.match(report, expected);
      assert.equal(code, 1);
    });
  }

  it('is reported with the names of the suites around a test that fails or is skipped', () => {
    assert.match(
      run(`throw new Error('no');`).report,
      /FAILED .*some\.test\.mjs: a suite > within > a test\n/,
    );
    assert.match(
      run(`t.skip('not here');`).report,
      /^skipped: .*some\.test\.mjs: a suite > within > a test \(not here\)$/m,
    );
  });
});
