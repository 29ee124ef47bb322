// What the cloud says is saved only if the next start can read it; what it must not say is refused at once, by name.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { provision } from '../../plugins/connect/provision.ts';
import { readState, writeState } from '../../src/config/persisted.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { CodaError, ConfigError } from '../../src/index.ts';
import { createLogger } from '../../src/log.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { KEY_PEM } from '../support/harness.ts';

const GOOD = {
  qpu_id: 'qpu-7',
  qpu_display_name: 'Seven',
  native_gate_set: 'cz',
  redis_url: 'redis://:pw@127.0.0.1:6379/0',
  webapp_url: 'https://cloud.example',
  jwt_private_key: KEY_PEM,
  jwt_key_id: 'key-7',
};

/** A field, what it must not be, as the tests name it. */
const HOSTILE: readonly (readonly [field: string, value: unknown])[] = [
  ['qpu_display_name', 'a\nb'],
  ['qpu_display_name', 'a\u202eb'],
  ['qpu_display_name', 'x'.repeat(201)],
  ['webapp_url', 'http:host'],
  ['webapp_url', 'https://user:pw@host'],
  ['webapp_url', 'https://host?x=1'],
  ['webapp_url', `https://host/${'x'.repeat(3_000)}`],
  ['qpu_id', 'q\u001b[2J'],
  ['qpu_id', 'q1\nMAINPID=1'],
  ['qpu_id', 'a b'],
  ['qpu_id', 'q'.repeat(129)],
  ['jwt_key_id', 'key\r\n'],
  ['native_gate_set', 'cz\u0000'],
  ['num_qubits', 1e300],
  ['redis_url', 'redis://h/0?path=/tmp/u.sock'],
  ['redis_url', 'rediss://h?tls='],
  ['redis_url', 'redis://h/abc'],
  ['connect_path', '/a\u001bb'],
  ['connect_path', '//elsewhere'],
  ['heartbeat_path', 'https://elsewhere'],
  ['webhook_path', `/${'x'.repeat(600)}`],
  ['vpn.interface_hint', 'tun0\n'],
  ['vpn.check_interval_sec', 1e12],
  ['vpn.probe_targets', ['http:host']],
  ['vpn.probe_targets', Array.from({ length: 30 }, () => 'https://h')],
];

function withField(bundle: object, field: string, value: unknown): object {
  const [first = '', second] = field.split('.');
  return { ...bundle, [first]: second === undefined ? value : { required: false, [second]: value } };
}

describe('a bundle', () => {
  const log = createLogger({ write: () => {} });
  const save = (stateDir: string, answer: unknown) =>
    provision({
      answer,
      mode: 'token',
      current: { ...defaultSettings(), stateDir },
      fingerprint: 'machine-1',
      log,
    });

  for (const [field, value] of HOSTILE) {
    it(`with ${field} ${JSON.stringify(value).slice(0, 50)} is refused by name, and nothing is saved`, async (t) => {
      const stateDir = folder(t);
      await assert.rejects(save(stateDir, withField(GOOD, field, value)), (thrown: unknown) => {
        assert.ok(thrown instanceof CodaError);
        assert.ok(thrown.message.includes(`'${field}`), thrown.message);
        assert.match(thrown.message, /Nothing was saved, and the token may be used up: get a new one/);
        assert.ok(!thrown.message.includes('\u001b') && !thrown.message.includes('MAINPID'));
        return true;
      });
      assert.deepEqual(readdirSync(stateDir), []);
    });
  }

  it('that is accepted is read by the next start, whatever it says', async (t) => {
    const stateDir = folder(t);
    const text = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        '',
        ' ',
        '5',
        'true',
        'null',
        'a\nb',
        '\u202e',
        'https://h',
        'http:h',
        'redis://h/1',
        '/p',
      ),
    );
    const any = fc.oneof(text, fc.double(), fc.integer(), fc.constantFrom(null, true, [], {}));
    const url = fc
      .tuple(fc.constantFrom('http://', 'https://', 'redis://', 'rediss://'), text)
      .map((two) => two.join(''));
    const change = fc.oneof(
      fc.tuple(
        fc.constantFrom('qpu_id', 'qpu_display_name', 'qpu_label', 'native_gate_set', 'jwt_key_id'),
        any,
      ),
      fc.tuple(fc.constantFrom('redis_url', 'webapp_url', 'cloud_base_url'), fc.oneof(any, url)),
      fc.tuple(fc.constantFrom('connect_path', 'heartbeat_path', 'webhook_path', 'num_qubits'), any),
      fc.tuple(fc.constantFrom('vpn.interface_hint', 'vpn.check_interval_sec', 'vpn.required'), any),
      fc.tuple(fc.constant('vpn.probe_targets'), fc.array(fc.oneof(any, url), { maxLength: 2 })),
    );
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 2 }), async (changes) => {
        const bundle = changes.reduce<object>((all, [field, value]) => withField(all, field, value), GOOD);
        const session = await save(stateDir, bundle).catch((thrown: unknown) => {
          assert.ok(thrown instanceof CodaError, String(thrown));
          // The check of the table is only the last one: the field has been named before.
          assert.doesNotMatch(thrown.message, /no start could read/);
        });
        if (session === undefined) return;
        accepted += 1;
        const state = readState(stateDir);
        assert.deepEqual(
          [
            state?.qpuId,
            state?.qpuDisplayName ?? '',
            state?.nativeGateSet,
            state?.redisUrl,
            state?.webappUrl,
          ],
          [session.qpuId, session.qpuDisplayName, session.nativeGateSet, session.redisUrl, session.webappUrl],
        );
        assert.deepEqual(state?.vpnProbeTargets, session.vpn.probeTargets);
      }),
      { numRuns: 300 },
    );
    assert.ok(accepted > 30, `${accepted} accepted`);
  });

  it('is not saved over credentials that work, if no start could read it', async (t) => {
    const stateDir = folder(t);
    await save(stateDir, GOOD);
    const good = readState(stateDir);
    assert.ok(good !== undefined);
    await assert.rejects(
      writeState(stateDir, { ...good, webappUrl: 'http:host' }),
      (thrown: unknown) =>
        thrown instanceof ConfigError && /webapp_url .*\n?.*is "http:host"/.test(thrown.message),
    );
    assert.deepEqual(readState(stateDir), good);
  });
});

describe('a node whose cloud sends a hostile bundle', () => {
  it('says which field is wrong and what has become of the token', async (t) => {
    t.after(() => cloud.overrideBundle(undefined));
    const socket = join(bench.folder, 'u.sock');
    let connections = 0;
    const listener = createServer(() => (connections += 1)).listen(socket);
    t.after(() => listener.close());
    for (const [field, value] of [
      ['qpu_id', 'q\u001b[2J'],
      ['qpu_id', 'q1\nMAINPID=1'],
      ['qpu_display_name', 'a\nb'],
      ['webapp_url', 'http:host'],
      ['redis_url', `redis://127.0.0.1:1/0?path=${socket}`],
      ['redis_url', 'rediss://127.0.0.1:1?tls='],
      ['redis_url', 'redis://127.0.0.1:1/abc'],
    ] as const) {
      cloud.overrideBundle((bundle) => ({ ...bundle, [field]: value }));
      const output = await bench.ends(1, ['start', '--token', cloud.issueToken()]);
      assert.match(output, new RegExp(`bundle field '${field}' must`));
      assert.match(output, /Nothing was saved, and the token may be used up/);
      assert.ok(!output.includes('\u001b[2J') && !/^MAINPID/m.test(output));
      assert.equal(existsSync(join(bench.stateDir, 'coda.config')), false);
    }
    assert.equal(connections, 0);
  });

  it('keeps its credentials when a reconnect brings one', async (t) => {
    t.after(() => cloud.overrideBundle(undefined));
    const node = bench.spawn(['start', '--token', cloud.issueToken()], { CODA_WEBAPP_URL: cloud.url });
    await node.says('serving QPU');
    node.child.kill('SIGTERM');
    await node.ended;
    const before = readState(bench.stateDir);
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: 'redis://127.0.0.1:1/0?path=/tmp/u.sock' }));
    const output = await bench.ends(1, ['start']);
    assert.match(output, /bundle field 'redis_url' must not have a query/);
    assert.match(output, /the credentials of this node stay as they are/);
    assert.deepEqual(readState(bench.stateDir), before);
    cloud.overrideBundle(undefined);
    const again = bench.spawn(['start']);
    await again.says('serving QPU');
    again.child.kill('SIGTERM');
    assert.equal(await again.ended, 0, again.output());
  });
});

function folder(t: { after(release: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'coda-bundle-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
