// The hardening list of `coda doctor`: each item is named where it is so, and the list is that of docs/security.md.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { HARDENING } from '../../../src/cli/doctor/hardening.ts';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { needsRoot } from '../../support/second-user.ts';
import { bench, cloud } from '../workbench.ts';

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly message: string;
  readonly remedy?: string;
}

/** As it should be. */
const HARDENED = {
  CODA_VPN_REQUIRED: 'true',
  CODA_WEBHOOK_ALLOWED_ORIGINS: '["https://coda.example"]',
};

/** What the list says, with each level. */
async function advised(env: Readonly<Record<string, string>>): Promise<string[]> {
  const { output } = await bench.run(['doctor', '--json'], { ...HARDENED, ...env });
  // With a debugger, Node.js itself writes to standard error, too.
  const text = output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1);
  const { findings } = JSON.parse(text) as { findings: Finding[] };
  const found = findings.filter(({ check }) => check === 'hardening');
  assert.ok(found.length > 0);
  for (const { level, message, remedy } of found) {
    assert.ok(level === 'ok' ? remedy === undefined : remedy !== undefined, message);
  }
  return found.map(({ level, message, remedy = '' }) => `${level}: ${message} → ${remedy}`);
}

describe('the hardening list', () => {
  it('is the one in docs/security.md, word for word', () => {
    const page = readFileSync(join('docs', 'security.md'), 'utf8').replaceAll(/\s+/g, ' ');
    for (const { words } of HARDENING) assert.ok(page.includes(words), words);
  });

  it('is one line if nothing is to be said', async () => {
    mkdirSync(bench.stateDir, { mode: 0o700 });
    assert.deepEqual(await advised({}), [`ok: all ${HARDENING.length} items of docs/security.md → `]);
  });

  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['allowed origins that are missing', { CODA_WEBHOOK_ALLOWED_ORIGINS: '' }, /^advice: any job may name/],
    ['trusted owners', { CODA_TRUSTED_OWNERS: 'root' }, /^advice: users are named .*TRUSTED_OWNERS=root/],
    [
      'an open health server',
      { CODA_HEALTH_OPEN: 'true', CODA_HOST: '0.0.0.0' },
      /^advice: other machines see/,
    ],
    ['a cloud without TLS', { CODA_WEBAPP_URL: 'http://192.0.2.1' }, /^warning: the cloud .*192\.0\.2\.1/],
    [
      'certificates that are not checked',
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      /^warning: certificates are not checked/,
    ],
    ['a debugger', { NODE_OPTIONS: '--inspect=127.0.0.1:0' }, /^warning: Node\.js listens for a debugger/],
    [
      'a token',
      { CODA_NODE_TOKEN: 'planted-token' },
      /^advice: a secret is in the environment.*CODA_NODE_TOKEN/,
    ],
  ];
  for (const [name, env, says] of cases) {
    it(`names ${name}`, async () => {
      const found = await advised(env);
      assert.ok(
        found.some((line) => says.test(line)),
        found.join('\n'),
      );
      assert.equal(found.length, 1, found.join('\n'));
      assert.doesNotMatch(found.join(), /planted/);
    });
  }

  it('names a Redis without TLS or password, but not one behind a VPN or on this machine', async () => {
    const at = async (url: string, vpn: string): Promise<string> =>
      (await advised({ CODA_REDIS_URL: url, CODA_VPN_REQUIRED: vpn, CODA_NODE_AUTO_VPN: 'true' })).join('\n');
    const open = await at('redis://192.0.2.1:1', 'false');
    assert.match(open, /^advice: Redis is reached without TLS or a VPN.*192\.0\.2\.1/m);
    assert.match(open, /^advice: Redis asks for no password/m);
    assert.doesNotMatch(await at('redis://u:planted@192.0.2.1:1', 'true'), /Redis/);
    assert.doesNotMatch(await at('redis://u:planted@127.0.0.1:1', 'false'), /Redis/);
    assert.doesNotMatch(await at('rediss://u:planted@192.0.2.1:1', 'false'), /Redis/);
  });

  it('names root where no VPN needs it', needsRoot, async () => {
    assert.match(
      (await advised({ CODA_VPN_REQUIRED: 'false' })).join('\n'),
      /^advice: the node runs as root/m,
    );
    assert.match(
      (await advised({ CODA_NODE_AUTO_VPN: 'false' })).join('\n'),
      /^advice: the node runs as root/m,
    );
  });

  it('names a state directory that others see, or share', async () => {
    mkdirSync(bench.stateDir);
    chmodSync(bench.stateDir, 0o755);
    assert.match((await advised({})).join(), /^advice: the state directory is open.* → Run: chmod o-rwx/);
    chmodSync(bench.stateDir, 0o1777);
    assert.match((await advised({})).join(), /^advice: the state directory is shared/);
    assert.match((await advised({ CODA_STATE_DIR: bench.folder, TMPDIR: bench.folder })).join(), /is shared/);
  });

  it('names files with a secret that other users can read: the config file, and that of a service', async () => {
    const config = join(bench.folder, 'coda.config.json');
    writeFileSync(config, JSON.stringify({ redisUrl: 'redis://u:planted@127.0.0.1:1' }), { mode: 0o644 });
    assert.match((await advised({})).join(), /^advice: a secret is in a file .*coda\.config\.json/);
    chmodSync(config, 0o600);
    assert.match((await advised({})).join(), /^advice: the state|^ok/);
    const file = join(bench.folder, 'config', 'coda-node.env');
    mkdirSync(join(bench.folder, 'config'));
    const at = { XDG_CONFIG_HOME: join(bench.folder, 'config') };
    writeFileSync(file, '# CODA_NODE_TOKEN=planted\nCODA_PORT=0\n', { mode: 0o644 });
    assert.match((await advised(at)).join(), /^ok/);
    writeFileSync(file, 'CODA_NODE_TOKEN=planted\n');
    assert.match((await advised(at)).join(), /^advice: a secret is in a file .*coda-node\.env/);
  });

  it('names few file descriptors, and is advice: everything is fine, exit code 0', async () => {
    const limited = bench.spawn(['doctor'], HARDENED, ['prlimit', '--nofile=512:512', '--']);
    assert.equal(await limited.ended, 0, limited.output());
    assert.match(limited.output(), /^advice +hardening +the node may open few files.*\(512\)\n +→ Raise/m);
    assert.match(limited.output(), /advice: \d+ \(what would make the node safer\)/);
  });

  it('has the line to set beside a node that has posted results', async () => {
    await bench.ends(0, ['start', '-d'], {
      CODA_NODE_TOKEN: cloud.issueToken(),
      CODA_EXECUTOR_FACTORY: 'simulator',
    });
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 1 });
    await waitUntil('the result', () =>
      cloud.deliveries.some(({ body }) => JSON.stringify(body).includes(jobId)),
    );
    const found = (await advised({ CODA_WEBHOOK_ALLOWED_ORIGINS: '' })).join('\n');
    assert.ok(found.includes(`CODA_WEBHOOK_ALLOWED_ORIGINS='["${new URL(cloud.url).origin}"]'`), found);
    assert.match(found, /^advice: any job may name/m);
  });
});
