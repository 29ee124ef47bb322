import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { describe, it } from 'node:test';
import { settingFromText, settingFromValue } from '../../src/config/coerce.ts';
import {
  largestOf,
  SETTING_NAMES,
  settingOf,
  type Setting,
  type SettingName,
  type SettingValue,
} from '../../src/config/settings.ts';
import { ConfigError } from '../../src/errors.ts';
import { KEY } from './folder.ts';

const ORIGIN = { where: 'HERE', baseDir: '/lab' };

interface Samples {
  /** Text and the value that it stands for. */
  readonly good: readonly (readonly [text: string, value: SettingValue])[];
  readonly bad: readonly string[];
}

/** What text each setting takes and refuses, derived from its entry in the table. */
function samplesOf(setting: Setting): Samples {
  switch (setting.type) {
    case 'integer':
      return {
        good: [
          [String(setting.min), setting.min],
          [` ${largestOf(setting)}\n`, largestOf(setting)],
        ],
        bad: [
          'abc',
          '1.5',
          '0x10',
          '1e2',
          '1_0',
          '+1',
          'NaN',
          String(setting.min - 1),
          String(largestOf(setting) + 1),
        ],
      };
    case 'number':
      return {
        good: [
          [String(setting.min), setting.min],
          [`${largestOf(setting)}.0`, largestOf(setting)],
        ],
        bad: [
          'abc',
          '1e1',
          '0x10',
          '.5',
          '5.',
          'Infinity',
          String(setting.min - 1),
          String(largestOf(setting) + 1),
        ],
      };
    case 'boolean':
      return {
        good: [
          ...['1', 'true', 'YES', 'On'].map((text) => [text, true] as const),
          ...['0', 'False', 'no', ' off '].map((text) => [text, false] as const),
        ],
        bad: ['2', 'y', 'enabled', 'null'],
      };
    case 'list': {
      const item = setting.format === undefined ? 'a' : 'https://a.example.org';
      return {
        good: [
          [JSON.stringify([item]), [item]],
          ['[]', []],
        ],
        bad: [item, '{}', '[1]', '[""]', '['],
      };
    }
    case 'map':
      if (setting.format === 'levels') {
        return {
          good: [['{"vpn":"debug","@lab/fridge":"warn"}', { vpn: 'debug', '@lab/fridge': 'warn' }]],
          bad: ['vpn=debug', '[]', '{"vpn":1}', '{"vpn":"loud"}'],
        };
      }
      return {
        good: [
          ['{"X-A":"b"}', { 'X-A': 'b' }],
          ['{}', {}],
        ],
        bad: ['X-A: b', '[]', '{"X-A":1}', '{"X A":"b"}'],
      };
    case 'string?':
      return { good: [['tun3', 'tun3']], bad: ['tun\n3'] };
    case 'string':
      return stringSamples(setting);
  }
}

function stringSamples(setting: Extract<Setting, { type: 'string' }>): Samples {
  if (setting.choices !== undefined) {
    return { good: setting.choices.map((choice) => [choice.toUpperCase(), choice]), bad: ['loud'] };
  }
  switch (setting.format ?? 'none') {
    case 'url':
      return {
        good: [[' https://x.example.org/a\n', 'https://x.example.org/a']],
        bad: ['x.example.org', 'localhost:8080', 'ftp://x.example.org', 'https://', 'https://a b'],
      };
    case 'redis-url':
      return {
        good: [['rediss://u:p@h:6380/0 ', 'rediss://u:p@h:6380/0']],
        bad: ['h:6379', 'https://h', 'redis:///7'],
      };
    case 'url-path':
      return { good: [['/a/b', '/a/b']], bad: ['a/b', '//host/a', '/a b', 'https://host/a'] };
    case 'path':
      return {
        good: [
          ['a/b', '/lab/a/b'],
          ['/a/b', '/a/b'],
          ['~/b', `${homedir()}/b`],
        ],
        bad: ['a\0b'],
      };
    case 'users':
      return { good: [[' alice, 1000 ', 'alice, 1000']], bad: ['a b', 'a,,b', 'a;b'] };
    case 'pem':
      return {
        good: [
          [KEY, KEY],
          [KEY.replaceAll('\n', '\\n'), KEY],
          [`${KEY.replaceAll('\n', '\\n')}\n`, KEY],
          [`\r\n${KEY.replaceAll('\n', '\r\n')}`, KEY],
        ],
        bad: ['MIIEvQIBADANBgkqhkiG', KEY.replace('PRIVATE', 'PUBLIC'), KEY.slice(0, 40)],
      };
    case 'none':
      return setting.secret
        ? { good: [[' tok.en-1_\n', 'tok.en-1_']], bad: ['a b', 'a\nb', 'tökén'] }
        : { good: [[' any thing ', ' any thing ']], bad: ['a\nb', 'a\0'] };
  }
}

/** A value of the wrong type for each type of setting. */
function wrongTyped(setting: Setting): readonly unknown[] {
  const others = [undefined, Symbol('s'), () => 1, 1n, Number.NaN];
  switch (setting.type) {
    case 'integer':
    case 'number':
      return [...others, '5', true, null, [], {}, Infinity];
    case 'boolean':
      return [...others, 'true', 1, null, []];
    case 'list':
      return [...others, 'a', {}, [1], null];
    case 'map':
      return [...others, 'a', [], { a: 1 }, null];
    case 'string':
    case 'string?':
      return [...others, 5, true, [], {}];
  }
}

describe('every setting of the table', () => {
  const each = (check: (name: SettingName, setting: Setting) => void): void => {
    for (const name of SETTING_NAMES) check(name, settingOf(name));
  };

  it('accepts the text of a valid value, and nothing else', () => {
    each((name, setting) => {
      const { good, bad } = samplesOf(setting);
      for (const [text, value] of good) {
        assert.deepEqual(
          settingFromText(setting, text, ORIGIN),
          value,
          `${name} from ${JSON.stringify(text)}`,
        );
      }
      for (const text of bad) {
        assert.throws(
          () => settingFromText(setting, text, ORIGIN),
          (thrown: unknown) => {
            assert.ok(
              thrown instanceof ConfigError,
              `${name} refuses ${JSON.stringify(text)}: ${String(thrown)}`,
            );
            assert.match(thrown.message, /^HERE.* must be /s);
            if (setting.secret) assert.ok(!thrown.message.includes(text), thrown.message);
            return true;
          },
          `${name} takes ${JSON.stringify(text)}`,
        );
      }
    });
  });

  it('takes its own values as a config file gives them', () => {
    each((name, setting) => {
      for (const [, value] of samplesOf(setting).good) {
        assert.deepEqual(settingFromValue(setting, value, ORIGIN), value, name);
      }
    });
  });

  it('refuses values of another type', () => {
    each((name, setting) => {
      for (const value of wrongTyped(setting)) {
        assert.throws(
          () => settingFromValue(setting, value, ORIGIN),
          ConfigError,
          `${name} takes ${String(value)}`,
        );
      }
    });
  });

  it('takes its default, and counts blank text as unset', () => {
    each((name, setting) => {
      assert.deepEqual(settingFromValue(setting, setting.default, ORIGIN), setting.default, name);
      for (const blank of ['', ' ', '\n'])
        assert.equal(settingFromText(setting, blank, ORIGIN), undefined, name);
    });
  });
});

describe('the error for a wrong value', () => {
  const messageFor = (name: SettingName, text: string): string => {
    try {
      settingFromText(settingOf(name), text, { where: settingOf(name).env, baseDir: '/' });
    } catch (thrown) {
      if (thrown instanceof ConfigError) return thrown.message;
    }
    return assert.fail(`${name} takes ${text}`);
  };

  it('names the variable, the value and the allowed values', () => {
    assert.equal(messageFor('port', 'abc'), 'CODA_PORT is "abc", but must be a whole number from 0 to 65535');
    assert.equal(
      messageFor('port', '65536'),
      'CODA_PORT is 65536, but must be a whole number from 0 to 65535',
    );
    assert.equal(
      messageFor('logLevel', 'loud'),
      'CODA_LOG_LEVEL is "loud", but must be one of debug, info, warn, error',
    );
    assert.match(
      messageFor('vpnProbeTargets', '["https://a.example.org", "b"]'),
      /^CODA_VPN_PROBE_TARGETS\[1\] is "b", /,
    );
  });

  it('shortens a long value, and escapes what would garble a terminal', () => {
    assert.ok(messageFor('port', 'x'.repeat(100_000)).length < 200);
    assert.ok(!/[\p{Cc}\u202e]/u.test(messageFor('port', 'a\u001b[31m\u202e')));
  });

  it('shows no password of a URL', () => {
    for (const text of ['ftp://user:hunter2@host', 'ftp://user:hun/ter2@host', '["x://u:hunter2@h"]']) {
      assert.doesNotMatch(messageFor('webappUrl', text), /hun|ter2/);
      assert.doesNotMatch(messageFor('vpnProbeTargets', text), /hun|ter2/);
    }
  });

  it('names the header, not its value', () => {
    const message = messageFor(
      'nodeConnectHeaders',
      JSON.stringify({ 'X-Good': 'a', 'X-Bad': 'top\nsecret' }),
    );
    assert.match(message, /^CODA_NODE_CONNECT_HEADERS\["X-Bad"\]/);
    assert.doesNotMatch(message, /secret/);
  });
});

describe('origins', () => {
  const setting = settingOf('webhookAllowedOrigins');

  it('are brought to their normal form', () => {
    const value = settingFromValue(setting, ['HTTPS://Coda.Example.ORG:443/'], ORIGIN);
    assert.deepEqual(value, ['https://coda.example.org']);
  });

  it('hold neither a path, a query nor a user', () => {
    for (const text of ['https://a.org/x', 'https://a.org?x', 'https://u@a.org', 'https://a.org/#x']) {
      assert.throws(() => settingFromValue(setting, [text], ORIGIN), ConfigError, text);
    }
  });
});
