// Runs the tests from the build. `npm test -- journal outbox` runs the files whose path contains one of the words.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const words = process.argv.slice(2);
// From the sources, so that what an earlier build left behind is not run.
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .map((file) => join('dist', 'test', file.replace(/\.ts$/, '.js')))
  .toSorted();
if (files.length === 0) {
  process.stderr.write(`no test file matches ${words.join(' ')}\n`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--import=./.ci/leaks.mjs',
    '--test',
    // Only for what hangs: on a busy machine, the longest files take minutes.
    '--test-timeout=400000',
    // They wait for processes more than they compute.
    `--test-concurrency=${Math.max(2, availableParallelism())}`,
    '--test-reporter=./.ci/reporter.mjs',
    ...files,
  ],
  // A variable of the machine must not reach the node that is tested.
  { stdio: 'inherit', env: withoutCoda(process.env) },
);
process.exit(status ?? 1);

function withoutCoda(env) {
  const kept = /^CODA_(RUN_E2E|E2E_NODE_TOKEN|RUN_VPN_E2E)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^CODA_/i.test(name) || kept.test(name)));
}
