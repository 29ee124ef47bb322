// Finds the secrets in the settings, and hides them.
import { SETTING_NAMES, settingOf, type Settings, type SettingValue, type Setting } from './settings.ts';
import { maskUrlPasswords } from '../log/redaction.ts';
import { firstHostUrl } from '../protocol/urls.ts';
import type { PersistedState } from './persisted.ts';

const HIDDEN = '***';

/** Every text that must not appear in a log: tokens, keys, header values, URLs with passwords, and the passwords. */
export function secretsOf(settings: Settings, state?: PersistedState): string[] {
  const secrets = SETTING_NAMES.filter((name) => settingOf(name).secret).flatMap((name) =>
    textsOf(settings[name]),
  );
  if (state !== undefined) secrets.push(state.jwtPrivateKey, state.redisUrl ?? '');
  const texts = [...secrets, settings.webappUrl, ...settings.vpnProbeTargets];
  const passwords = texts.flatMap(passwordsOf);
  return [...new Set([...secrets.filter((text) => !isOpenUrl(text)), ...passwords])].filter(
    (text) => text !== '',
  );
}

/** `value` as people may see it: secrets as `***`, of URLs only the password, of headers only the values. */
export function hiddenValue(setting: Setting, value: SettingValue): SettingValue {
  if (typeof value === 'string') {
    if (value === '') return value;
    if (setting.secret && !(setting.type === 'string' && setting.format === 'redis-url')) return HIDDEN;
    return URL.canParse(firstHostUrl(value)) ? withoutPassword(value, setting.secret === true) : value;
  }
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map((item) => (URL.canParse(item) ? withoutPassword(item, false) : item));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, setting.secret ? HIDDEN : item]),
  );
}

function textsOf(value: SettingValue): string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value) : [];
}

/** The passwords of the proxies that the environment names. */
export function proxyPasswords(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(env)
    .filter(([name]) => /^(?:https?|all)_proxy$/i.test(name))
    .flatMap(([, text = '']) => passwordsOf(text));
}

/** The password as it is written in the URL, and decoded. */
function passwordsOf(text: string): string[] {
  const url = firstHostUrl(text);
  if (!URL.canParse(url)) return [];
  const { password } = new URL(url);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** Whether logs may show the URL: it names no user and no parameters. */
function isOpenUrl(text: string): boolean {
  const url = firstHostUrl(text);
  if (!URL.canParse(url) || text.includes('-----BEGIN')) return false;
  const { protocol, username, password, search } = new URL(url);
  return /^rediss?(\+sentinel)?:$/.test(protocol) && username + password + search === '';
}

function withoutPassword(text: string, hideQuery: boolean): string {
  if (!URL.canParse(text)) return maskUrlPasswords(text);
  const url = new URL(text);
  if (url.password === '' && !(hideQuery && url.search !== '')) return text;
  if (url.password !== '') url.password = HIDDEN;
  if (hideQuery) url.search = '';
  return url.href;
}

function isList(value: object): value is readonly string[] {
  return Array.isArray(value);
}
