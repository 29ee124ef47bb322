// The packed package on the oldest supported Node.js and on the current LTS lines. The npm package `node` brings each of
// them, which takes a while: npm run test:nodes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installPackage, type InstalledPackage } from '../bench/lab/package.ts';
import { bell, startLocalCloud, type LocalCloud } from '../src/testing/index.ts';
import { coda } from './cli/process.ts';

const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
const VERSIONS = [engines.node.replace('>=', ''), '22', '24', '26'];

const CONFIG = `import { defineConfig, type ExecutorFactory } from 'coda-node';
const createExecutor: ExecutorFactory = () => ({
  run: async (ir, shots) => ({ counts: { ['0'.repeat(ir.measurements.length)]: shots }, executionTimeMs: 1, shotsCompleted: shots }),
});
export default defineConfig({ executor: createExecutor, stateDir: './state' });
`;

const isWanted = process.env['TEST_NODES'] !== undefined;
if (!isWanted) it('the packed package on other versions of Node.js', { skip: 'npm run test:nodes runs it' });

describe('the packed package', { skip: !isWanted }, () => {
  let folder: string;
  let installed: InstalledPackage;
  let cloud: LocalCloud;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coda-nodes-'));
    installed = installPackage(folder);
    cloud = await startLocalCloud();
  });
  after(async () => {
    await cloud?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const version of VERSIONS) {
    it(`starts, runs a job and stops on Node.js ${version}`, async (t) => {
      const node = nodeOf(version);
      if (node === undefined) {
        t.skip(`Node.js ${version} cannot be had from npm`);
        return;
      }
      const options = { cwd: mkdtempSync(join(folder, 'site-')), main: installed.coda, node };
      writeFileSync(join(options.cwd, 'coda.config.ts'), CONFIG);
      const token = cloud.issueToken();
      const running = coda(['start', '-H', '127.0.0.1', '-p', '0', '-t', token], {
        ...options,
        env: { CODA_WEBAPP_URL: cloud.url },
      });
      const outcome = await cloud.outcome(await cloud.submit({ ir: bell('cz').ir, shots: 17 }));
      assert.equal(outcome.status, 'completed', running.output());
      const stop = coda(['stop'], options);
      assert.equal(await stop.ended, 0, stop.output());
      assert.equal(await running.ended, 0, running.output());
      assert.doesNotMatch(running.output(), /Warning/);
      const dev = coda(['dev', '--once', '--shots', '100'], options);
      assert.equal(await dev.ended, 0, dev.output());
      assert.deepEqual(cloud.violations, []);
    });
  }
});

/** The program of a version; undefined if npm cannot bring it. */
function nodeOf(version: string): string | undefined {
  const words = ['exec', '--yes', `--package=node@${version}`, '--', 'node', '-p', 'process.execPath'];
  const { status, stdout } = spawnSync('npm', words, { encoding: 'utf8' });
  const path = stdout.trim();
  if (status !== 0) return undefined;
  const { stdout: found } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  assert.ok(found.startsWith(`v${version}`), `${path} is ${found}`);
  return path;
}
