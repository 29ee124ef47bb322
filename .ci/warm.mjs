// Leaves V8's code cache of a node's start beside the bundle (load.cjs), by starting one here. Without redis-server
// there is none, and a start is slower by what it takes to compile the bundle.
//   node .ci/warm.mjs [outDir, default dist]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import v8 from 'node:v8';

const CONFIG = `import { defineConfig } from 'coda-node';
const executor: string = 'noop';
export default defineConfig({ executor });
`;

// A cache is refused where other flags are set than where it was made, and a start loads the bundle before it sets any.
v8.setFlagsFromString = () => {};
const bundle = join(resolve(process.argv[2] ?? 'dist'), 'bundle');
const core = createRequire(import.meta.url)(join(bundle, 'load.cjs'));
const folder = mkdtempSync(join(tmpdir(), 'coda-warm-'));
let said = '';
const { write } = process.stderr;
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
try {
  const cloud = await core.testing().startLocalCloud();
  try {
    await warmUp(cloud);
  } finally {
    await cloud.close();
  }
  for (const [name, { script }] of core.bundles) {
    writeFileSync(join(bundle, `${name}.cache`), script.createCachedData());
  }
} catch (thrown) {
  process.stderr.write = write;
  process.stderr.write(`no code cache for the bundle: ${thrown.message}\n${said}`);
}
process.exit(0);

/** As an operator starts it: with a config in TypeScript, by the credentials of an earlier start. */
async function warmUp(cloud) {
  const stateDir = join(folder, 'state');
  const { stop } = await core
    .testing()
    .startTestNode({ cloud, stateDir, token: cloud.issueToken(), env: { HOME: folder } });
  await stop();
  // Nothing of this machine's settings.
  for (const name of Object.keys(process.env)) if (/^coda_/i.test(name)) delete process.env[name];
  const env = {
    CODA_WEBAPP_URL: cloud.url,
    CODA_HOST: '127.0.0.1',
    CODA_PORT: '0',
    CODA_STATE_DIR: stateDir,
  };
  Object.assign(process.env, env);
  writeFileSync(join(folder, 'coda.config.ts'), CONFIG);
  process.chdir(folder);
  process.argv.splice(2, Infinity, 'start');
  process.stderr.write = (text) => (said += text) !== '';
  core.coda();
  await until(() => said.includes('reading jobs') || process.exitCode !== undefined);
  if (process.exitCode !== undefined) throw new Error('the node did not start');
  process.emit('SIGTERM', 'SIGTERM');
  await until(() => process.exitCode !== undefined);
  process.chdir('/');
}

async function until(isSo) {
  for (const end = Date.now() + 20_000; !isSo(); await new Promise((next) => setTimeout(next, 10))) {
    if (Date.now() > end) throw new Error('the node did not start in time');
  }
}
