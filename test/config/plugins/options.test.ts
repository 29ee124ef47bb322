// The options of a plugin against the schema that it declares: defaults, and each fault in the words of a config file.
import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkOptions } from '../../../src/config/plugins/options.ts';
import type { JsonSchema, OptionsSchema } from '../../../src/config/plugins/schema-types.ts';
import { PluginError } from '../../../src/errors.ts';

type Given = Readonly<Record<string, unknown>>;

interface Checked {
  readonly options: Given;
  readonly faults: readonly string[];
  readonly masked: readonly string[];
}

async function check(schema: OptionsSchema, given: Given): Promise<Checked> {
  const faults: string[] = [];
  const masked: string[] = [];
  const options = await checkOptions(schema, given, {
    plugin: 'lab',
    place: { position: 'plugins[2]', file: '/lab/coda.config.ts' },
    baseDir: '/lab',
    path: '/lab/plugin.ts',
    log: { mask: (secret) => masked.push(secret) },
    faults,
  });
  return { options, faults, masked };
}

const withProperties = (
  properties: Readonly<Record<string, JsonSchema>>,
  more: JsonSchema = {},
): OptionsSchema => ({
  ...more,
  type: 'object',
  properties,
});

/** The faults without what is the same in each: the place of the entry. */
const faultsOf = async (schema: OptionsSchema, given: Given): Promise<string[]> =>
  (await check(schema, given)).faults.map((fault) =>
    fault.replace(" in /lab/coda.config.ts (plugin 'lab')", ''),
  );

describe('options that are right', () => {
  it('get the defaults, deep ones too, and are not changed themselves', async () => {
    const schema = withProperties({
      every: { type: 'number', default: 30 },
      note: { type: 'string' },
      retry: { type: 'object', default: {}, properties: { times: { type: 'integer', default: 3 } } },
      bare: { type: 'object', properties: { times: { type: 'integer', default: 3 } } },
    });
    const given = { retry: Object.freeze({}), note: undefined };
    assert.deepEqual((await check(schema, given)).options, { every: 30, retry: { times: 3 } });
    assert.deepEqual(given, { retry: {}, note: undefined });
    assert.deepEqual((await check(schema, {})).options, { every: 30, retry: { times: 3 } });
    const [one, other] = [await check(schema, {}), await check(schema, {})];
    assert.notEqual(one.options['retry'], other.options['retry'], 'two plugins share no default');
  });

  it('keep functions and objects of a class as they are', async () => {
    const when = new Date(0);
    const pick = (): number => 1;
    const { options, faults } = await check(withProperties({ when: {}, pick: {} }), { when, pick });
    assert.deepEqual(faults, []);
    assert.equal(options['when'], when);
    assert.equal(options['pick'], pick);
  });

  it('have absolute paths, from the folder of the config file', async () => {
    const path = { type: 'string', format: 'path' } as const;
    const schema = withProperties({
      log: { ...path, default: './jobs.log' },
      more: { type: 'array', items: path },
      either: { anyOf: [path, { type: 'boolean' }] },
    });
    assert.deepEqual((await check(schema, { more: ['a', '/b', '~/c'], either: 'd' })).options, {
      log: '/lab/jobs.log',
      more: ['/lab/a', '/b', join(homedir(), 'c')],
      either: '/lab/d',
    });
  });

  it('may have keys that no property names only where the schema says so', async () => {
    const open = withProperties({ a: {} }, { additionalProperties: { type: 'number' } });
    assert.deepEqual(await faultsOf(open, { b: 1 }), []);
    assert.deepEqual(await faultsOf(open, { b: 'x' }), ['plugins[2].b is "x", but must be a number']);
    const headers = withProperties({ headers: { type: 'object' } });
    assert.deepEqual(await faultsOf(headers, { headers: { 'X-A': '1' } }), []);
    const either = withProperties({ a: {}, b: {} }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] });
    assert.deepEqual(await faultsOf(either, { b: 1 }), []);
  });

  it('hide their secrets in the log', async () => {
    const schema = withProperties({
      token: { type: 'string', writeOnly: true },
      keys: { type: 'array', writeOnly: true, items: { type: 'string' } },
      open: { type: 'string' },
    });
    const { masked } = await check(schema, { token: 's3cret', keys: ['k1', 'k2'], open: 'all' });
    assert.deepEqual(masked, ['s3cret', 'k1', 'k2']);
    const shared = withProperties(
      { all: { $ref: '#/$defs/keys', writeOnly: true } },
      { $defs: { keys: { type: 'array', items: { type: 'string' } } } },
    );
    assert.deepEqual((await check(shared, { all: ['k3', ''] })).masked, ['k3']);
  });
});

describe('options that are wrong', () => {
  const rows: readonly (readonly [rule: JsonSchema, value: unknown, expected: string])[] = [
    [{ type: 'number' }, 'x', 'is "x", but must be a number'],
    [{ type: 'integer', minimum: 1 }, 0, 'is 0, but must be a whole number, 1 or more'],
    [{ type: 'integer', minimum: 1, maximum: 9 }, 1.5, 'is 1.5, but must be a whole number from 1 to 9'],
    [{ type: 'number', maximum: 9 }, 10, 'is 10, but must be a number, 9 or less'],
    [
      { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1, multipleOf: 0.25 },
      3.1,
      'is 3.1, but must be a number, more than 0, less than 1, a multiple of 0.25',
    ],
    [{ type: 'boolean' }, 'yes', 'is "yes", but must be true or false'],
    [{ type: ['string', 'null'] }, 5, 'is 5, but must be a string or null'],
    [{ enum: ['fast', 'exact', 3] }, 'slow', 'is "slow", but must be one of fast, exact, 3'],
    [{ const: 'on' }, 'off', 'is "off", but must be on'],
    [
      { type: 'string', format: 'uri' },
      'a.org',
      'is "a.org", but must be a URL with its scheme, such as https://example.org',
    ],
    [{ type: 'string', format: 'path' }, '', 'is "", but must be a path'],
    [
      { type: 'string', minLength: 1, maxLength: 2 },
      'abc',
      'is "abc", but must be a string of 1 to 2 characters',
    ],
    [{ type: 'string', pattern: '^q\\d$' }, 'x1', 'is "x1", but must be a string that matches /^q\\d$/'],
    [{ type: 'array', minItems: 1 }, [], 'is a list of 0, but must be a list of 1 or more items'],
    [{ type: 'array', uniqueItems: true }, [1, 1], 'is a list of 2, but must be a list, each different'],
    [{ type: 'object' }, [], 'is a list of 0, but must be an object'],
    [
      { anyOf: [{ type: 'number', minimum: 1 }, { enum: ['off'] }] },
      0,
      'is 0, but must be a number, 1 or more, or one of off',
    ],
    [{ not: { const: 5 } }, 5, 'must NOT be valid'],
    [
      { type: 'string', writeOnly: true, minLength: 40 },
      's3cret',
      'holds a string (not shown), but must be a string of 40 or more characters',
    ],
    [
      { type: 'object', writeOnly: true, additionalProperties: { type: 'string', minLength: 9 } },
      { key: 's3cret' },
      '.key holds a string (not shown), but must be a string of 9 or more characters',
    ],
    [
      { $ref: '#/$defs/long', writeOnly: true },
      's3cret',
      'holds a string (not shown), but must be a string of 40 or more characters',
    ],
    [
      { $ref: '#/$defs/long', allOf: [{ writeOnly: true }] },
      's3cret',
      'holds a string (not shown), but must be a string of 40 or more characters',
    ],
    [
      { anyOf: [{ type: 'string', writeOnly: true, minLength: 40 }, { type: 'boolean' }] },
      5150,
      'holds a number (not shown), but must be a string of 40 or more characters, or true or false',
    ],
    [
      { type: 'array', items: { type: 'object', properties: { at: { type: 'number' } } } },
      [{}, { at: 'x' }],
      '[1].at is "x", but must be a number',
    ],
    [
      { type: 'object', additionalProperties: { type: 'number' } },
      { 'a/b': 'x' },
      '["a/b"] is "x", but must be a number',
    ],
  ];
  const shared: JsonSchema = { $defs: { long: { type: 'string', minLength: 40 } } };
  for (const [rule, value, expected] of rows) {
    it(`${JSON.stringify(rule)}: ${expected}`, async () => {
      const [fault = '', ...more] = await faultsOf(withProperties({ it: rule }, shared), { it: value });
      assert.equal(fault.replace(/^plugins\[2\]\.it ?/, ''), expected);
      assert.deepEqual(more, []);
    });
  }

  it('name the place in the file, and the plugin', async () => {
    const { faults } = await check(withProperties({ every: { type: 'number' } }), { every: 'x' });
    assert.deepEqual(faults, [
      'plugins[2].every in /lab/coda.config.ts (plugin \'lab\') is "x", but must be a number',
    ]);
  });

  it('are named with the key that may have been meant, and those that are missing', async () => {
    const schema = withProperties(
      { everyMin: { type: 'number' }, url: { type: 'string', format: 'uri' } },
      { required: ['url'] },
    );
    assert.deepEqual(await faultsOf(schema, { evryMin: 5 }), [
      'plugins[2].url is missing, and must be a URL with its scheme, such as https://example.org',
      'plugins[2].evryMin is unknown; did you mean "everyMin"?',
    ]);
    assert.deepEqual(await faultsOf(schema, { url: 'http://a', zzz: 5 }), [
      'plugins[2].zzz is unknown; known are everyMin, url',
    ]);
    assert.deepEqual(await faultsOf(withProperties({}), { a: 5 }), [
      'plugins[2].a is unknown: there are no options',
    ]);
    assert.deepEqual(await faultsOf(withProperties({ a: {} }), { 'Bearer s3cret\n': 1 }), [
      'a key (not shown, since it does not look like a name) of plugins[2] is unknown; known are a',
    ]);
  });

  it('of which one of several is needed are all named', async () => {
    const either = withProperties({ a: {}, b: {} }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] });
    assert.deepEqual(await faultsOf(either, {}), ['plugins[2].a is missing', 'plugins[2].b is missing']);
  });

  it('of several kinds are told by their kind, or by what is wrong in them', async () => {
    const kinds = withProperties({
      it: {
        oneOf: [
          { type: 'boolean' },
          { type: 'object', properties: { kind: { const: 'a' }, n: { type: 'number' } } },
          { type: 'object', properties: { kind: { const: 'b' }, s: { type: 'string' } } },
        ],
      },
    });
    assert.deepEqual(await faultsOf(kinds, { it: 'x' }), [
      'plugins[2].it is "x", but must be true or false, or an object',
    ]);
    assert.deepEqual(await faultsOf(kinds, { it: { kind: 'c' } }), [
      'plugins[2].it.kind is "c", but must be a',
      'plugins[2].it.kind is "c", but must be b',
    ]);
    assert.deepEqual(await faultsOf(kinds, { it: {} }), [
      'plugins[2].it must match exactly one schema in oneOf',
    ]);
  });

  it('show no password of a URL', async () => {
    const [fault = ''] = await faultsOf(withProperties({ it: { type: 'number' } }), {
      it: 'https://u:s3cret@a.org',
    });
    assert.doesNotMatch(fault, /s3cret/);
  });
});

describe('any JSON', () => {
  it('as options is right, and stays so, or is told without its secrets', async () => {
    const schema = withProperties(
      {
        token: { type: 'string', writeOnly: true, minLength: 30 },
        keys: { type: 'array', writeOnly: true, items: { type: 'string', pattern: '^k' } },
        n: { type: 'integer', minimum: 1, default: 3 },
        file: { type: 'string', format: 'path' },
        either: { anyOf: [{ type: 'number' }, { type: 'object', properties: { a: { enum: [1, 2] } } }] },
        deep: { type: 'object', default: {}, properties: { b: { type: 'boolean', default: true } } },
      },
      { required: ['n'] },
    );
    const secret = fc.oneof(
      fc.constant('PlAnTeD'),
      fc.constant('kPlAnTeD'),
      fc.constant(['PlAnTeD', 5, ['PlAnTeD']]),
    );
    const any = fc.oneof(fc.jsonValue(), fc.integer(), fc.constant(undefined));
    const given = fc.oneof(
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'PlAnTeD is no name')),
        any,
      ),
      fc.record(
        {
          ...{ token: fc.oneof(secret, any), keys: fc.oneof(secret, any) },
          ...{ n: any, file: any, either: any, deep: any },
        },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(given, async (options) => {
        const first = await check(schema, options);
        assert.ok(!first.faults.join().includes('PlAnTeD'), first.faults.join());
        if (first.faults.length > 0) return;
        const again = await check(schema, first.options);
        assert.deepEqual(again.faults, []);
        assert.deepEqual(again.options, first.options);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a schema that is broken', () => {
  const broken: readonly (readonly [schema: object, expected: RegExp])[] = [
    [
      { type: 'object', properties: { a: { type: 'nmber' } } },
      /options\/properties\/a\/type must be equal to one of/,
    ],
    [{ type: 'object', properties: { a: { tpye: 'number' } } }, /unknown keyword: "tpye"/],
    [{ type: 'object', properties: { a: { format: 'date' } } }, /unknown format "date"/],
    [{ type: 'object', properties: { a: { $ref: '#/nowhere' } } }, /can't resolve reference #\/nowhere/],
    [{ type: 'object', properties: { a: { pattern: '(' } } }, /regular expression|regex/i],
    [
      { type: 'object', properties: { a: { type: 'number', default: 'x' } } },
      /a default is not allowed by it: .*\.a .* is "x", but must be a number/,
    ],
    [{ type: 'object', anyOf: [{ properties: { a: { default: 1 } } }] }, /default is ignored/],
  ];
  for (const [schema, expected] of broken) {
    it(`is the plugin's fault: ${JSON.stringify(schema)}`, async () => {
      await assert.rejects(check(schema as OptionsSchema, {}), (thrown: unknown) => {
        assert.ok(thrown instanceof PluginError, String(thrown));
        assert.equal(thrown.plugin, 'lab');
        assert.match(
          thrown.message,
          /schema of the options of plugin 'lab' \(plugins\[2\] in .*\) is broken: /,
        );
        assert.match(thrown.message, expected);
        assert.match(thrown.message, /→ This is a fault of the plugin[^]*\/lab\/plugin\.ts/);
        return true;
      });
    });
  }
});
