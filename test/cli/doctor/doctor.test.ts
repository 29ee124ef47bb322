// `coda doctor` as a process: on a bare machine, beside a healthy node, and for everything that can be wrong.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { clock } from '../../../src/cli/doctor/cloud.ts';
import { checkNodeVersion } from '../../../src/cli/doctor/machine.ts';
import { bench, cloud } from '../workbench.ts';

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly message: string;
  readonly remedy?: string;
}

describe('coda doctor', () => {
  afterEach(() => {
    for (const output of bench.outputs) assert.doesNotMatch(output, /planted/);
  });

  async function diagnose(
    code: number,
    env: Record<string, string> = {},
    args: readonly string[] = [],
  ): Promise<(check: string, level?: string) => string> {
    const output = await bench.ends(code, ['doctor', '--json', ...args], env);
    const { version, ok, findings } = JSON.parse(output) as {
      version: string;
      ok: boolean;
      findings: Finding[];
    };
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.equal(ok, code === 0);
    for (const { level, message, remedy } of findings) {
      assert.match(level, /^(ok|advice|warning|failure)$/);
      assert.ok(message !== '' && !message.includes('\n'));
      assert.equal(remedy === undefined, level === 'ok', message);
    }
    return (check, level) =>
      findings
        .filter((finding) => finding.check === check && (level === undefined || finding.level === level))
        .map(({ message }) => message)
        .join('\n');
  }

  it('works on a machine without any credentials', async () => {
    const found = await diagnose(0);
    assert.match(found('credentials', 'warning'), /none yet/);
    assert.match(found('redis', 'warning'), /not known yet/);
    assert.match(found('executor', 'warning'), /answered with zeros/);
    assert.match(found('cloud', 'ok'), /answers/);
    assert.match(found('clock', 'ok'), /cloud/);
    assert.match(found('state', 'ok'), /will be made/);
    assert.match(found('port', 'ok'), /free/);
    const text = await bench.ends(0, ['doctor']);
    assert.match(text, /^ok +node +coda-node \S+, Node.js \d+/m);
    assert.match(text, /^warning +credentials +.*\n +→ .*coda start --token/m);
  });

  it('finds a node that runs healthy, and tries its credentials only when asked', async () => {
    const env = { CODA_EXECUTOR_FACTORY: 'simulator' };
    await bench.ends(0, ['start', '-d'], { ...env, CODA_NODE_TOKEN: cloud.issueToken() });
    const beside = await diagnose(0, env, ['--online']);
    assert.match(beside('port', 'ok'), new RegExp(`the node \\(PID ${bench.pid}\\) answers`));
    assert.match(beside('executor', 'ok'), /simulator is in use by the running node/);
    assert.match(beside('credentials', 'ok'), /in use by the running node/);
    await bench.ends(0, ['stop']);
    const connects = cloud.connects.length;
    const offline = await diagnose(0, env);
    assert.equal(cloud.connects.length, connects);
    assert.match(offline('redis', 'ok'), /answers in [^]*group are there[^]*by push/);
    assert.match(offline('executor', 'ok'), /simulator loads/);
    assert.match((await diagnose(0, env, ['--online']))('credentials', 'ok'), /the cloud accepts them/);
    assert.equal(cloud.connects.length, connects + 1);
    assert.deepEqual(cloud.violations, []);
    const password = new URL(cloud.redisUrl).password;
    const key = readFileSync(join(bench.stateDir, 'coda-private-key'), 'utf8').split('\n')[1] ?? '';
    for (const output of bench.outputs) {
      for (const secret of [password, key]) assert.equal(output.includes(secret), false);
    }
  });

  it('names what is wrong, and never a secret', async () => {
    mkdirSync(bench.stateDir, { mode: 0o777 });
    chmodSync(bench.stateDir, 0o777);
    const found = await diagnose(1, {
      CODA_WEBAPP_URL: 'https://nobody:planted-password@127.0.0.1:1',
      CODA_REDIS_URL: 'redis://default:planted-redis@127.0.0.1:1/0',
      CODA_NODE_CONNECT_HEADERS: '{"x-lab":"planted-header"}',
      CODA_JWT_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\nplantedkeyplantedkey\n-----END PRIVATE KEY-----',
      CODA_JWT_KEY_ID: 'k1',
      CODA_QPU_ID: 'q1',
      CODA_EXECUTOR_FACTORY: './nothing.js:create',
      CODA_PORT: new URL(cloud.url).port,
      CODA_TYPO: '1',
    });
    assert.match(found('cloud', 'failure'), /cannot be reached/);
    assert.match(found('redis', 'failure'), /cannot be reached.*ECONNREFUSED/);
    assert.match(found('credentials', 'failure'), /key/i);
    assert.match(found('executor', 'failure'), /nothing\.js/);
    assert.match(found('port', 'failure'), /EADDRINUSE/);
    assert.match(found('config', 'warning'), /CODA_TYPO/);
    // A start refuses it.
    assert.match(found('state', 'failure'), /everybody may write to it/);
  });

  it('says which setting or file is broken, and looks at the rest', async () => {
    assert.match((await diagnose(1, { CODA_PORT: '80a' }))('config', 'failure'), /CODA_PORT/);
    mkdirSync(bench.stateDir);
    writeFileSync(join(bench.stateDir, 'coda.config'), '{"redis_url": "planted', { mode: 0o600 });
    const found = await diagnose(1);
    assert.match(found('credentials', 'failure'), /not valid JSON/);
    assert.match(found('cloud', 'ok'), /answers/);
  });
});

describe('the checks', () => {
  it('judge the clock by the cloud', () => {
    const now = Date.parse('2026-01-01T12:00:00Z');
    const at = (offsetSec: number): string =>
      clock(new Date(now - offsetSec * 1000).toUTCString(), now).level;
    assert.deepEqual([0, 4, -30, 30, 61, -120].map(at), [
      'ok',
      'ok',
      'warning',
      'warning',
      'failure',
      'failure',
    ]);
    assert.equal(clock(undefined, now).level, 'warning');
  });

  it('judge the version of Node', () => {
    const level = (version: string): string | undefined => checkNodeVersion(version)[0]?.level;
    assert.deepEqual(['18.20.0', '20.18.9', '20.19.0', '24.1.0'].map(level), [
      'failure',
      'failure',
      'ok',
      'ok',
    ]);
  });
});
