// What the test runner adds to node:test: whole names of tests, and files that fail if they leave something open.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it, type TestContext } from 'node:test';
import { temporaryFolder } from './temporary.ts';

const harness = pathToFileURL(resolve('dist', 'src', 'testing', 'index.js')).href;
const redis = pathToFileURL(resolve('dist', 'src', 'net', 'redis.js')).href;

/** What a file leaves open, and how it is named. Nothing of it outlives the process that runs the file. */
const LEAKS: Readonly<Record<string, readonly [code: string, named: RegExp]>> = {
  'a timer': ['setTimeout(() => {}, 60_000);', /^left open after the last test: timer: 1$/m],
  'an interval': ['setInterval(() => {}, 10);', /timer: 1$/m],
  'a server': ["(await import('node:net')).createServer().listen(0, '127.0.0.1');", /server: 1$/m],
  'a child process': ["(await import('node:child_process')).spawn('cat');", /child process: 1$/m],
  'a Redis connection': [
    `const { startRedisServer } = await import('${harness}');
     const { openRedis } = await import('${redis}');
     const { url } = await startRedisServer();
     await openRedis({ url, name: 'test', env: {} }).ping();`,
    /connection: 1/,
  ],
  'a node': [
    `const { startLocalCloud, startTestNode } = await import('${harness}');
     const cloud = await startLocalCloud();
     await startTestNode({ cloud });`,
    /connection: \d+.*server: \d+/,
  ],
};

async function run(t: TestContext, code: string): Promise<{ status: number | null; output: string }> {
  const file = join(await temporaryFolder(t), 'some.test.js');
  writeFileSync(file, code);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import=./.ci/leaks.mjs', '--test', '--test-reporter=./.ci/reporter.mjs', file],
    { encoding: 'utf8', env },
  );
  return { status, output: stdout + stderr };
}

describe('a test file', () => {
  for (const [what, [code, named]] of Object.entries(LEAKS)) {
    it(`fails if it leaves ${what} open`, async (t) => {
      const { status, output } = await run(
        t,
        `const { it } = require('node:test');\nit('passes', async () => {\n${code}\n});`,
      );
      assert.equal(status, 1, output);
      assert.match(output, named);
      assert.match(output, /1 passed, 1 failed/);
    });
  }

  it('passes if a hook closes what the tests opened', async (t) => {
    const { status, output } = await run(
      t,
      `const { after, it } = require('node:test');
       const timer = setInterval(() => {}, 10);
       after(async () => {
         await new Promise((resolve) => setTimeout(resolve, 500));
         clearInterval(timer);
       });
       it('passes', () => {});`,
    );
    assert.equal(status, 0, output);
  });
});

describe('the reporter', () => {
  it('shows the whole name of a test that fails or is skipped', async (t) => {
    const { output } = await run(
      t,
      `const { describe, it } = require('node:test');
       describe('a suite', () => {
         it('passes', () => {});
         describe('in it another', () => {
           it('fails', () => { throw new Error('on purpose'); });
         });
         it('is left out', { skip: 'too slow' }, () => {});
       });`,
    );
    assert.match(output, /^FAILED .*some\.test\.js > a suite > in it another > fails\nError: on purpose$/m);
    assert.match(output, /^skipped: .*some\.test\.js > a suite > is left out \(too slow\)$/m);
    assert.match(output, /^1 passed, 1 failed, 1 skipped$/m);
  });
});
