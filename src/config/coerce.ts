// Turns text or a typed value from a source into the value of a setting, and refuses what the table does not allow.
// An error names the place, the value (unless it is secret) and what is allowed (PROTOCOL §9).
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { isLogLevel, LOG_LEVELS } from '../log/levels.ts';
import { kindOf, isRecord, printable } from '../protocol/text.ts';
import { isUrl, readRedisUrl } from '../protocol/urls.ts';
import {
  largestOf,
  type ListSetting,
  type MapSetting,
  type NumberSetting,
  type Setting,
  type SettingValue,
  type StringSetting,
} from './settings.ts';

export interface Origin {
  /** Names the place in an error: `CODA_PORT`, `plugins.health.port in /lab/coda.config.ts`. */
  readonly where: string;
  /** The folder at which relative paths start. */
  readonly baseDir: string;
}

type StringFormat =
  NonNullable<StringSetting['format']> | NonNullable<ListSetting['format']> | 'token' | 'text';

const BOOLEANS = new Map([
  ...['1', 'true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, false] as const),
]);
const PEM = /^-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\n[\s\S]+\n-----END \1-----$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** How many characters of a value an error reads, and how many it shows. */
const SCANNED = 1000;
const SHOWN = 60;

/** The value of `text` from the environment or a flag; undefined for blank text, which counts as unset. */
export function settingFromText(setting: Setting, text: string, origin: Origin): SettingValue | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return check(setting, typedText(setting, text, trimmed), origin, 'text');
}

/** The value that a config file or the persisted state gives in its own type. */
export function settingFromValue(setting: Setting, value: unknown, origin: Origin): SettingValue {
  return check(setting, value, origin, 'value');
}

/** One line that says what is wrong with `value` at `where`, for a value that `setting` does not allow. */
export function wrongValue(
  setting: Setting,
  value: unknown,
  where: string,
  form: 'text' | 'value' = 'value',
): string {
  const got = setting.secret ? `holds ${kindOf(value)} (not shown)` : `is ${shownValue(value)}`;
  return `${where} ${got}, but must be ${allowed(setting, form)}`;
}

/** The value as JSON, shortened and without a password of a URL; for lists and objects only their kind. */
export function shownValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return kindOf(value);
  const quoted = JSON.stringify(value.slice(0, SCANNED));
  return printable(quoted.replace(/:\/\/[^\s"]*@/g, '://***@'), SHOWN);
}

/** The text in the type of the setting; unchanged if it does not have that form, and then `check` refuses it. */
function typedText(setting: Setting, text: string, trimmed: string): unknown {
  switch (setting.type) {
    case 'integer':
      return /^-?\d+$/.test(trimmed) ? Number(trimmed) : text;
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : text;
    case 'boolean':
      return BOOLEANS.get(trimmed.toLowerCase()) ?? text;
    case 'list':
    case 'map':
      return jsonOrText(trimmed);
    case 'string':
      return setting.choices === undefined ? text : trimmed.toLowerCase();
    case 'string?':
      return text;
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function check(setting: Setting, value: unknown, origin: Origin, form: 'text' | 'value'): SettingValue {
  const refuse = (): ConfigError => new ConfigError(wrongValue(setting, value, origin.where, form));
  switch (setting.type) {
    case 'integer':
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse();
      if (setting.type === 'integer' && !Number.isInteger(value)) throw refuse();
      if (value < setting.min || value > largestOf(setting)) throw refuse();
      return value + 0; // -0 becomes 0
    }
    case 'boolean':
      if (typeof value !== 'boolean') throw refuse();
      return value;
    case 'string?':
      if (value === null) return null;
      return checkString('text', value, origin) ?? fail(refuse());
    case 'string':
      // An empty string means "none" if it is also the default.
      if (value === '' && setting.default === '') return value;
      if (setting.choices !== undefined) {
        return setting.choices.find((choice) => choice === value) ?? fail(refuse());
      }
      return checkString(formatOf(setting), value, origin) ?? fail(refuse());
    case 'list':
      if (!Array.isArray(value)) throw refuse();
      return value.map((item: unknown, index) => checkItem(setting, item, index, origin));
    case 'map':
      if (!isRecord(value)) throw refuse();
      return Object.fromEntries(Object.entries(value).map((entry) => checkEntry(setting, entry, origin)));
  }
}

function formatOf(setting: StringSetting): StringFormat {
  return setting.format ?? (setting.secret ? 'token' : 'text');
}

function checkItem(setting: ListSetting, item: unknown, index: number, origin: Origin): string {
  const where = `${origin.where}[${index}]`;
  return (
    checkString(setting.format ?? 'text', item, origin) ??
    fail(
      new ConfigError(
        `${where} is ${shownValue(item)}, but must be ${ALLOWED_TEXT[setting.format ?? 'text']}`,
      ),
    )
  );
}

function checkEntry(setting: MapSetting, [key, item]: [string, unknown], origin: Origin): [string, string] {
  const refuse = (problem: string): never => {
    // Only a well-formed header name is shown: anything else may be a secret in the wrong place.
    const name = HEADER_NAME.test(key) && key.length <= SHOWN ? `["${key}"]` : '';
    throw new ConfigError(`${origin.where}${name} ${problem}, but must be ${allowed(setting, 'value')}`);
  };
  if (setting.format === 'headers' && !HEADER_NAME.test(key))
    return refuse('has a key that is no header name');
  if (typeof item !== 'string') return refuse(`holds ${kindOf(item)}`);
  if (setting.format === 'levels' && !isLogLevel(item)) return refuse(`is ${shownValue(item)}`);
  if (setting.format === 'headers' && !HEADER_VALUE.test(item)) {
    return refuse('holds characters that no header may carry');
  }
  return [key, item];
}

/** The string in its normal form, or undefined if it does not have the format. */
function checkString(format: StringFormat, value: unknown, origin: Origin): string | undefined {
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  switch (format) {
    case 'text':
      return /\p{Cc}/u.test(value) ? undefined : value;
    case 'token':
      return /^[\x21-\x7e]+$/.test(trimmed) ? trimmed : undefined;
    case 'url':
      return isUrl(trimmed, ['http:', 'https:']) ? trimmed : undefined;
    case 'redis-url':
      return typeof readRedisUrl(trimmed) === 'string' ? undefined : trimmed;
    case 'origin':
      return isUrl(trimmed, ['http:', 'https:']) ? originOf(trimmed) : undefined;
    case 'url-path':
      // `//host/path` would be the URL of another host once it is resolved against the base.
      return /^\/(?!\/)[^\s\\]*$/.test(trimmed) ? trimmed : undefined;
    case 'path':
      if (value === '' || value.includes('\0')) return undefined;
      return pathFrom(origin.baseDir, value);
    case 'pem':
      return pem(trimmed);
    case 'users':
      return /^[\w.@-]+\$?(?:\s*,\s*[\w.@-]+\$?)*$/.test(trimmed) ? trimmed : undefined;
  }
}

/** The absolute path that `text` means in a file of `baseDir`. */
export function pathFrom(baseDir: string, text: string): string {
  return text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(baseDir, text);
}

function originOf(text: string): string | undefined {
  const { origin, pathname, search, hash, username, password } = new URL(text);
  return pathname === '/' && search + hash + username + password === '' ? origin : undefined;
}

/** A key from one line of an env file has `\n` in place of line breaks. */
function pem(trimmed: string): string | undefined {
  const lines = trimmed.includes('\n') ? trimmed : trimmed.replaceAll('\\r', '').replaceAll('\\n', '\n');
  const text = lines.replaceAll('\r', '').trim();
  return PEM.test(text) ? `${text}\n` : undefined;
}

export const ALLOWED_TEXT: Record<StringFormat, string> = {
  text: 'a string without control characters',
  token: 'a string without spaces, of ASCII letters, digits and signs',
  url: 'a URL with its scheme, such as https://example.org',
  'redis-url':
    'a URL such as redis://user:password@host:6379/0 (rediss:// for TLS) or redis+sentinel://user:password@sentinel:26379/name-of-the-primary, with commas between several hosts, that says nothing else: no query, no other path',
  origin: 'an origin: scheme, host and perhaps a port, such as https://example.org:8443',
  'url-path': "a URL path that begins with one '/'",
  path: 'a path',
  users: 'names or ids of users, separated by commas, such as alice,1000',
  pem: 'a private key in PEM form, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----',
};

function allowed(setting: Setting, form: 'text' | 'value'): string {
  switch (setting.type) {
    case 'integer':
      return `a whole number${rangeText(setting)}`;
    case 'number':
      return `a number${rangeText(setting)}`;
    case 'boolean':
      return form === 'text' ? 'true or false (or 1/0, yes/no, on/off)' : 'true or false';
    case 'string?':
      return `${ALLOWED_TEXT.text}${form === 'text' ? '' : ', or null'}`;
    case 'string':
      return setting.choices === undefined
        ? ALLOWED_TEXT[formatOf(setting)]
        : `one of ${setting.choices.join(', ')}`;
    case 'list': {
      const example = setting.format === undefined ? '["a", "b"]' : '["https://example.org"]';
      return `a ${form === 'text' ? 'JSON ' : ''}list of strings, such as ${example}`;
    }
    case 'map': {
      const isLevels = setting.format === 'levels';
      const what = isLevels ? `levels (${LOG_LEVELS.join(', ')})` : 'strings';
      const example = isLevels ? '"vpn": "debug"' : '"X-Lab": "north"';
      return form === 'text'
        ? `a JSON object of ${what}, such as {${example}}`
        : `an object of ${what}, such as { ${example} }`;
    }
  }
}

function rangeText({ min, max }: NumberSetting): string {
  return max === undefined ? `, ${min} or more` : ` from ${min} to ${max}`;
}

function fail(error: ConfigError): never {
  throw error;
}
