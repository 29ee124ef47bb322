// The bundle: each field's rule, what counts as absent, and that no secret reaches an error.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NodeError } from '../../src/errors.ts';
import { parseBundle } from '../../src/protocol/bundle.ts';
import { mutated } from './arbitraries.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PKCS8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const SMALL = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const NEW = { hasPrivateKey: false, hasKeyId: false };
const KNOWN = { hasPrivateKey: true, hasKeyId: true };

const SMALLEST = {
  qpu_id: 'qpu-1',
  native_gate_set: 'cz',
  redis_url: 'rediss://user:hunter2@redis.example:6380/0',
  webapp_url: 'https://coda.example',
};
const VPN = {
  required: true,
  interface_hint: 'tun7',
  check_interval_sec: 20,
  probe_targets: ['https://10.8.0.1/health'],
  client_profile_ovpn: 'client\nremote hunter2 1194\n',
};
const FULL = {
  ...SMALLEST,
  num_qubits: 17,
  qpu_display_name: 'Seventeen',
  jwt_private_key: PKCS8,
  jwt_key_id: 'key-1',
  connect_path: '/c',
  heartbeat_path: '/h',
  webhook_path: '/w',
  vpn: VPN,
  stream_key: 'ignored',
  webhook_url: 5,
  register_path: null,
};

describe('parseBundle', () => {
  it('reads a full bundle and drops fields that are only informational', () => {
    assert.deepEqual(parseBundle(FULL, NEW), {
      qpuId: 'qpu-1',
      qpuDisplayName: 'Seventeen',
      nativeGateSet: 'cz',
      numQubits: 17,
      jwtPrivateKey: PKCS8,
      jwtKeyId: 'key-1',
      redisUrl: SMALLEST.redis_url,
      webappUrl: 'https://coda.example',
      connectPath: '/c',
      heartbeatPath: '/h',
      webhookPath: '/w',
      vpn: {
        required: true,
        interfaceHint: 'tun7',
        checkIntervalSec: 20,
        probeTargets: ['https://10.8.0.1/health'],
        profile: VPN.client_profile_ovpn,
      },
    });
  });

  it('reads the smallest bundle of a reconnect; absent fields have no key', () => {
    assert.deepEqual(Object.entries(parseBundle(SMALLEST, KNOWN)), [
      ['qpuId', 'qpu-1'],
      ['qpuDisplayName', ''],
      ['nativeGateSet', 'cz'],
      ['redisUrl', SMALLEST.redis_url],
      ['webappUrl', 'https://coda.example'],
    ]);
  });

  it('treats null as absent if a field may be absent', () => {
    const nulls = {
      num_qubits: null,
      qpu_display_name: null,
      jwt_private_key: null,
      jwt_key_id: null,
      connect_path: null,
    };
    assert.deepEqual(parseBundle({ ...SMALLEST, ...nulls, vpn: null }, KNOWN), parseBundle(SMALLEST, KNOWN));
  });

  it('falls back to cloud_base_url and qpu_label', () => {
    const bundle = {
      ...SMALLEST,
      webapp_url: undefined,
      cloud_base_url: 'http://localhost:3000',
      qpu_label: 'Lab',
    };
    const { webappUrl, qpuDisplayName } = parseBundle(bundle, KNOWN);
    assert.deepEqual([webappUrl, qpuDisplayName], ['http://localhost:3000', 'Lab']);
    const both = { ...SMALLEST, cloud_base_url: 'http://other', qpu_display_name: 'Name', qpu_label: 'Lab' };
    assert.equal(parseBundle(both, KNOWN).webappUrl, SMALLEST.webapp_url);
    assert.equal(parseBundle(both, KNOWN).qpuDisplayName, 'Name');
  });

  it('ignores paths that are no non-empty strings', () => {
    for (const path of ['', 5, null, ['/x']]) {
      assert.equal('connectPath' in parseBundle({ ...SMALLEST, connect_path: path }, KNOWN), false);
    }
  });

  it('reads an HTTPS-mode vpn, empty and null vpn fields', () => {
    const vpn = { required: false, interface_hint: null, check_interval_sec: null, probe_targets: [] };
    assert.deepEqual(parseBundle({ ...SMALLEST, vpn }, KNOWN).vpn, { required: false, interfaceHint: null });
    assert.deepEqual(parseBundle({ ...SMALLEST, vpn: {} }, KNOWN).vpn, {});
  });

  it('turns a PKCS1 key, and one with escaped line breaks, into PKCS8', () => {
    const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    for (const key of [pkcs1, PKCS8.replaceAll('\n', '\\n'), PKCS8.trim()]) {
      assert.equal(parseBundle({ ...FULL, jwt_private_key: key }, NEW).jwtPrivateKey, PKCS8);
    }
  });

  it('demands key and key id only from a cloud that has never sent them', () => {
    const { jwt_private_key: _key, ...noKey } = FULL;
    const { jwt_key_id: _id, ...noId } = FULL;
    assert.equal(parseBundle(noKey, { hasPrivateKey: true, hasKeyId: false }).jwtKeyId, 'key-1');
    assert.equal(parseBundle(noId, { hasPrivateKey: false, hasKeyId: true }).jwtPrivateKey, PKCS8);
    assert.throws(() => parseBundle(noKey, NEW), /bundle field 'jwt_private_key' is missing/);
    assert.throws(() => parseBundle(noId, NEW), /bundle field 'jwt_key_id' is missing/);
  });

  const broken: [string, Record<string, unknown>, RegExp][] = [
    ...['qpu_id', 'native_gate_set', 'redis_url', 'webapp_url'].flatMap(
      (name): [string, Record<string, unknown>, RegExp][] => [
        [`no ${name}`, { [name]: undefined }, new RegExp(`^bundle field '${name}' is missing or empty`)],
        [`an empty ${name}`, { [name]: '' }, new RegExp(`^bundle field '${name}' is missing or empty`)],
        [`a blank ${name}`, { [name]: ' ' }, new RegExp(`^bundle field '${name}' is missing or empty`)],
        [
          `${name} as list`,
          { [name]: ['x'] },
          new RegExp(`^bundle field '${name}' must be a string, got a list of 1`),
        ],
      ],
    ),
    ['num_qubits as string', { num_qubits: '5' }, /'num_qubits' must be an integer, 1 or more, got a string/],
    ['num_qubits 0', { num_qubits: 0 }, /'num_qubits' .* got 0/],
    ['num_qubits 2.5', { num_qubits: 2.5 }, /'num_qubits' .* got 2\.5/],
    ['num_qubits true', { num_qubits: true }, /'num_qubits' .* got a boolean/],
    ['a numeric name', { qpu_display_name: 5 }, /'qpu_display_name' must be a string, got 5/],
    [
      'a key that is no PEM',
      { jwt_private_key: 'hunter2' },
      /'jwt_private_key' cannot be used: .*cannot be read/,
    ],
    ['a short key', { jwt_private_key: SMALL }, /'jwt_private_key' cannot be used: .*only 1024 bits/],
    ['a key id as number', { jwt_key_id: 7 }, /'jwt_key_id' must be a string, got 7/],
    [
      'redis over http',
      { redis_url: 'http://hunter2@host' },
      /'redis_url' must be a URL .* redis:\/\/ or rediss:\/\//,
    ],
    ['redis without host', { redis_url: 'redis://' }, /'redis_url' must be a URL/],
    [
      'a stray % in the password of redis',
      { redis_url: 'redis://:hunter2%zz@host' },
      /'redis_url' has a '%' .* not part of an escape/,
    ],
    ['redis as host:port', { redis_url: 'hunter2:6379' }, /'redis_url' must be a URL/],
    [
      'webapp over ftp',
      { webapp_url: 'ftp://host' },
      /'webapp_url' must be a URL .* http:\/\/ or https:\/\//,
    ],
    ['webapp with a line break', { webapp_url: 'https://ho\nst' }, /'webapp_url' must be a URL/],
    ['a bad cloud_base_url', { webapp_url: null, cloud_base_url: 'x' }, /'cloud_base_url' must be a URL/],
    ['a relative path', { connect_path: 'x/y' }, /'connect_path' must be a URL path/],
    ['a path to another host', { heartbeat_path: '//evil/x' }, /'heartbeat_path' must be a URL path/],
    ['a path with a blank', { webhook_path: '/a b' }, /'webhook_path' must be a URL path/],
    ['vpn as list', { vpn: [] }, /'vpn' must be an object, got a list of 0/],
    [
      'vpn.required as string',
      { vpn: { required: 'no' } },
      /'vpn\.required' must be a boolean, got a string/,
    ],
    ['a missing profile', { vpn: { required: true } }, /'vpn\.client_profile_ovpn' is missing although/],
    [
      'an empty profile',
      { vpn: { required: true, client_profile_ovpn: '' } },
      /'vpn\.client_profile_ovpn' is missing/,
    ],
    [
      'a profile as object',
      { vpn: { client_profile_ovpn: {} } },
      /'vpn\.client_profile_ovpn' must be a string/,
    ],
    [
      'interval 0',
      { vpn: { check_interval_sec: 0 } },
      /'vpn\.check_interval_sec' must be an integer .* got 0/,
    ],
    ['interval 0.5', { vpn: { check_interval_sec: 0.5 } }, /'vpn\.check_interval_sec' .* got 0\.5/],
    ['a numeric hint', { vpn: { interface_hint: 5 } }, /'vpn\.interface_hint' must be a string, got 5/],
    [
      'probe targets as string',
      { vpn: { probe_targets: 'https://x' } },
      /'vpn\.probe_targets' must be a list of URLs/,
    ],
    [
      'a probe target that is no URL',
      { vpn: { probe_targets: ['https://x', '10.8.0.1'] } },
      /'vpn\.probe_targets\[1\]' must be a URL/,
    ],
    [
      'a numeric probe target',
      { vpn: { probe_targets: [5] } },
      /'vpn\.probe_targets\[0\]' must be a URL, got 5/,
    ],
  ];
  for (const [name, fields, pattern] of broken) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parseBundle({ ...FULL, ...fields }, NEW),
        (error) => {
          assert.ok(error instanceof NodeError);
          assert.match(error.message, pattern);
          assert.ok(error.remedy !== undefined);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      );
    });
  }

  it('refuses a value that is not an object, without quoting it', () => {
    for (const value of [undefined, null, [], 'hunter2', 5]) {
      assert.throws(
        () => parseBundle(value, NEW),
        (error) => error instanceof NodeError && !error.message.includes('hunter2'),
      );
    }
  });

  it('answers any JSON with a bundle or a short NodeError that quotes no secret', () => {
    const bundles = fc.constantFrom<unknown>(FULL, SMALLEST, { ...FULL, vpn: { ...VPN, required: false } });
    // Reading a private key takes most of the time, so few of the cases carry one.
    const light = mutated(fc.constantFrom<unknown>(SMALLEST, { ...SMALLEST, num_qubits: 5, vpn: VPN }));
    let accepted = 0;
    const check = (value: unknown): void => {
      try {
        const bundle = parseBundle(value, KNOWN);
        assert.ok(bundle.qpuId !== '' && bundle.nativeGateSet !== '');
        assert.match(bundle.redisUrl, /^rediss?:\/\/./i);
        assert.match(bundle.webappUrl, /^https?:\/\/./i);
        assert.ok(Object.values(bundle).every((field) => field !== undefined));
        accepted += 1;
      } catch (error) {
        assert.ok(error instanceof NodeError, String(error));
        assert.ok(error.message.length <= 500);
        assert.doesNotMatch(error.message, /hunter2|BEGIN/);
      }
    };
    fc.assert(fc.property(fc.oneof(light, fc.jsonValue()), check), { numRuns: 3000 });
    fc.assert(fc.property(mutated(bundles), check), { numRuns: 300 });
    assert.ok(accepted > 200, 'the property hardly saw a good bundle');
  });
});
