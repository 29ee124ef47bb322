// Any input gives a configuration, or a ConfigError that names the place and never a secret.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { settingFromValue } from '../../src/config/coerce.ts';
import { createModuleLoader } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/load.ts';
import { faultsOf, pluginLevel, TOP_LEVEL } from '../../src/config/schema.ts';
import { SETTING_NAMES, settingOf, type SettingName } from '../../src/config/settings.ts';
import { readState } from '../../src/config/persisted.ts';
import { ConfigError } from '../../src/errors.ts';
import { folder, put, pythonState } from './folder.ts';

const modules = createModuleLoader();
const PLANTED = 'PlAnTeD-seCRet';
const cwd = folder({ after });
const isSecret = (name: SettingName): boolean => settingOf(name).secret === true;

/** Text around the planted secret that makes it more or less valid. */
const secretText = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('', 'redis://u:', '-----BEGIN PRIVATE KEY-----\n', '{"X":"', '[', 'a '),
      fc.string(),
    ),
    fc.oneof(fc.constantFrom('', '@h:1', '"}', '\n', ' b'), fc.string()),
  )
  .map(([before, behind]) => `${before}${PLANTED}${behind}`);

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '1e5',
    '0x1',
    '[]',
    '{}',
    '["a"]',
    '{"a":"b"}',
    '{"__proto__":"b"}',
    'true',
    '-0',
    '://',
    'a\0',
  ),
  fc.json(),
);

function checkError(thrown: unknown, named: string | RegExp): void {
  assert.ok(thrown instanceof ConfigError, `not a ConfigError: ${String(thrown)}`);
  assert.ok(
    typeof named === 'string' ? thrown.message.includes(named) : named.test(thrown.message),
    thrown.message,
  );
  assert.ok(!thrown.message.includes(PLANTED), thrown.message);
}

describe('any text', () => {
  it('in any variable', async () => {
    const anyVariable = fc
      .constantFrom(...SETTING_NAMES)
      .chain((name) =>
        fc.tuple(fc.constant(settingOf(name).env), isSecret(name) ? fc.oneof(secretText, anyText) : anyText),
      );
    await fc.assert(
      fc.asyncProperty(anyVariable, async ([variable, text]) => {
        try {
          await loadConfig({ env: { [variable]: text }, cwd, builtinPlugins: [], modules, readState: false });
        } catch (thrown) {
          checkError(thrown, variable);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('as a variable of its own never stops the node, nor shows its value', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), secretText, async (name, text) => {
        fc.pre(SETTING_NAMES.every((known) => settingOf(known).env !== `CODA_${name}`.toUpperCase()));
        const env = { [`CODA_${name}`]: text };
        const { warnings } = await loadConfig({ env, cwd, builtinPlugins: [], modules, readState: false });
        assert.ok(!warnings.join().includes(PLANTED));
      }),
      { numRuns: 200 },
    );
  });
});

describe('any JSON', () => {
  const builtins = ['connect', 'heartbeat', 'webhook', 'batching', 'health', 'vpn'];
  const anyJson = fc.jsonValue();
  /** A value for a setting of the file: its own type more often than not. */
  const valueFor = (name: SettingName): fc.Arbitrary<unknown> => {
    const own = fc.oneof(
      anyJson,
      fc.constant(settingOf(name).default),
      fc.integer(),
      fc.string(),
      fc.boolean(),
    );
    if (!isSecret(name)) return own;
    return fc.oneof(
      secretText,
      fc.array(secretText),
      fc.dictionary(fc.constantFrom('X-A', 'a b'), fc.oneof(secretText, fc.constant([PLANTED]))),
    );
  };
  const topLevel = fc.record(
    Object.fromEntries([...TOP_LEVEL.settings].map(([key, name]) => [key, valueFor(name)])),
    { requiredKeys: [] },
  );
  const builtin = fc
    .constantFrom(...builtins)
    .chain((name) =>
      fc.tuple(
        fc.constant(name),
        fc.oneof(
          anyJson,
          fc.record(
            Object.fromEntries(
              [...pluginLevel(name).settings].map(([key, setting]) => [key, valueFor(setting)]),
            ),
            { requiredKeys: [] },
          ),
        ),
      ),
    );
  const plugins = fc.oneof(anyJson, fc.array(fc.oneof(anyJson, builtin), { maxLength: 3 }));
  const anyConfig = fc.oneof(
    anyJson,
    topLevel,
    fc
      .tuple(topLevel, fc.record({ plugins, executor: anyJson }, { requiredKeys: [] }))
      .map(([a, b]) => ({ ...a, ...b })),
  );

  it('as a config file', async () => {
    const home = folder({ after });
    await fc.assert(
      fc.asyncProperty(anyConfig, async (config) => {
        const file = put(home, 'coda.config.json', JSON.stringify(config));
        try {
          await loadConfig({ env: {}, cwd: home, builtinPlugins: builtins, modules, readState: false });
        } catch (thrown) {
          checkError(thrown, file);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is judged alike by the schema and by the checks of single values', async () => {
    const anyOption = fc
      .constantFrom(...TOP_LEVEL.settings.keys())
      .chain((key) =>
        fc.tuple(fc.constant(key), fc.oneof(anyJson, fc.integer(), fc.boolean(), fc.array(fc.string()))),
      );
    await fc.assert(
      fc.asyncProperty(anyOption, async ([key, value]) => {
        const name = TOP_LEVEL.settings.get(key) ?? assert.fail(key);
        const faults = await faultsOf({ [key]: value }, TOP_LEVEL, 'F');
        if (faults.length === 0) return;
        assert.throws(
          () => settingFromValue(settingOf(name), value, { where: 'F', baseDir: '/' }),
          ConfigError,
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('any bytes', () => {
  const home = folder({ after });
  const keys = Object.keys(pythonState(home));
  const changed = fc
    .dictionary(fc.constantFrom(...keys), fc.oneof(fc.jsonValue(), fc.constant(PLANTED)))
    .map((changes) =>
      Buffer.from(
        JSON.stringify({ ...pythonState(home), redis_url: `redis://:${PLANTED}@h`, ...omitShown(changes) }),
      ),
    );
  /** Plants the secret only in places that hold secrets. */
  const omitShown = (changes: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(changes).filter(([key, value]) => value !== PLANTED || key === 'redis_url'),
    );
  const broken = fc.tuple(changed, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const copy = Buffer.from(bytes);
    copy[at % copy.length] = byte;
    return copy;
  });
  const truncated = fc.tuple(changed, fc.nat()).map(([bytes, end]) => bytes.subarray(0, end % bytes.length));

  it('as the state file', () => {
    put(home, 'coda-private-key', 'KEY');
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), changed, broken, truncated), (bytes) => {
        const file = put(home, 'coda.config', bytes);
        try {
          assert.equal(readState(home)?.jwtPrivateKey, 'KEY');
        } catch (thrown) {
          checkError(thrown, file);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('as a config file in JSON or YAML', async () => {
    const places = ['coda.config.json', 'coda.config.yaml'].map((name) => join(name.slice(-4), name));
    const document = fc.oneof(
      fc.uint8Array(),
      secretText.map((text) => Buffer.from(`{"redisUrl": ${text}`)),
      secretText.map((text) => Buffer.from(`nodeToken: ${text}`)),
    );
    await fc.assert(
      fc.asyncProperty(document, fc.constantFrom(...places), async (bytes, place) => {
        const file = put(home, place, bytes);
        try {
          await loadConfig({ env: {}, cwd: join(file, '..'), builtinPlugins: [], modules, readState: false });
        } catch (thrown) {
          checkError(thrown, file);
        }
      }),
      { numRuns: 150 },
    );
  });
});
