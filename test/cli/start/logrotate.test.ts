// The log of a daemon is rotated by the real logrotate, in each of its ways, without a signal to the node: no line is lost.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { blocksOf } from '../../support/page.ts';
import { bench, cloud } from '../workbench.ts';

const PROGRAM = ['/usr/sbin/logrotate', 'logrotate'].find(
  (path) => spawnSync(path, ['--version']).error === undefined,
);
const skip =
  PROGRAM === undefined &&
  'NOT TESTED: logrotate is not installed (node .ci/setup.mjs --logrotate needs root)';
/** As the page on logs has them; then the other ways. */
const [PAGE = ''] = blocksOf(join('docs', 'logs.md')).flatMap(({ text }) =>
  text.includes('nocreate') ? [text] : [],
);
const WAYS = ['nocreate', 'create 0600', 'copytruncate', 'create 0600\n  dateext\n  dateformat -%Y%m%d-%s'];

/** Of many jobs a second, the node itself has no line for each. */
const PLUGIN = `export default { plugins: [{
  name: 'scribe',
  apply: (node) => node.hooks.afterRun.tap('scribe', ({ jobId }) => node.log.info('wrote ' + jobId)),
}] };`;

describe('logrotate', { skip }, () => {
  it('can move, copy and compress the log while the node runs, and coda logs shows all of it', async () => {
    writeFileSync(join(bench.folder, 'coda.config.mjs'), PLUGIN);
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const log = join(bench.stateDir, 'coda-node.log');
    const rules = join(bench.folder, 'logrotate.conf');
    const jobs: string[] = [];
    const finish = async (): Promise<void> => {
      const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
      await cloud.outcome(jobId);
      jobs.push(jobId);
    };
    for (const way of WAYS) {
      await finish();
      writeFileSync(rules, PAGE.replace(/^\S+/, log).replace('nocreate', way));
      chmodSync(rules, 0o644);
      const words = ['-f', '-s', join(bench.folder, 'logrotate.state'), rules];
      const { status, stderr } = spawnSync(PROGRAM ?? '', words, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      await finish();
    }
    const files = readdirSync(bench.stateDir).filter((name) => name.startsWith('coda-node.log'));
    assert.equal(files.filter((name) => name.endsWith('.gz')).length, WAYS.length, files.join(' '));
    assert.equal(statSync(log).mode & 0o777, 0o600);
    const shown = await bench.ends(0, ['logs', '--since', '1h', '--level', 'info']);
    assert.match(shown, /serving QPU/);
    for (const jobId of jobs) assert.equal(shown.split(`scribe: wrote ${jobId}`).length, 2, jobId);
    assert.ok(!shown.includes('\0'), 'no hole where the log was emptied');
    await bench.ends(0, ['stop']);
  });
});
