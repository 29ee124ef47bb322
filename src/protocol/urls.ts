// Which URLs are taken, and what is taken from them. They come from the cloud, so what is not understood is refused.
import { isIP } from 'node:net';

export interface RedisPlace {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Where Redis is; nothing else of a `redis_url` is used. */
export interface RedisAddress {
  /** Several are servers of one cluster, or a primary and its replicas; with `sentinel`, the Sentinels. */
  readonly hosts: readonly [RedisPlace, ...RedisPlace[]];
  /** The name that the Sentinels have for the primary. */
  readonly sentinel?: string;
  readonly username?: string;
  readonly password?: string;
  /** The number of the database. */
  readonly db: number;
  readonly tls: boolean;
}

export const LONGEST_URL = 2_000;
const DEFAULT_REDIS_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
const MOST_HOSTS = 50;
/** Scheme and user, hosts, the rest. */
const PARTS = /^(rediss?(?:\+sentinel)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/is;
/** `user:password@host,user:password@host`: all but the last host would be taken for the password. */
const USER_TWICE = /^[^/]*\/\/[^/?#]*@[^/?#@]*,[^/?#]*@/;
const REDIS = ['redis:', 'rediss:'];
const SENTINEL = ['redis+sentinel:', 'rediss+sentinel:'];
const HOST = /^(?=.{1,253}$)[a-z\d](?:[\w-]{0,62})(?:\.[\w-]{1,63})*\.?$/i;

/** A URL as it must be written. The parser itself takes `http:host`, and drops line breaks without a word. */
export function isUrl(text: string, protocols: readonly string[]): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s\p{Cc}]+$/iu.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return text.length <= LONGEST_URL && protocols.includes(protocol) && hostname !== '';
}

/** What a URL of Redis says; a text says why it is refused, without quoting it: it holds a password. */
export function readRedisUrl(text: string): RedisAddress | string {
  const list = hostsIn(text);
  const first = firstHostUrl(text);
  if (text.length > LONGEST_URL || /[\s\p{Cc}]/u.test(text) || !isUrl(first, [...REDIS, ...SENTINEL]))
    return 'must be a URL with a host that begins with redis:// or rediss://, or with redis+sentinel:// or rediss+sentinel://';
  const { protocol, username, password, pathname } = new URL(first);
  if (text.includes('?'))
    return "must not have a query ('?' and what follows it): only host, port, user, password and database are taken";
  if (text.includes('#')) return "must not have a fragment ('#' and what follows it)";
  if (USER_TWICE.test(text))
    return "must have user and password once, before the first server ('@' and ',' in them are written as %40 and %2C)";
  const asksSentinel = SENTINEL.includes(protocol);
  if (list.length > MOST_HOSTS) return `must not name more than ${MOST_HOSTS} servers`;
  const hosts: RedisPlace[] = [];
  for (const one of list) {
    const place = readHost(one, asksSentinel ? DEFAULT_SENTINEL_PORT : DEFAULT_REDIS_PORT);
    if (typeof place === 'string') return place;
    hosts.push(place);
  }
  const [host, ...others] = hosts;
  if (host === undefined) return 'must name a host';
  const path = (asksSentinel ? /^\/([\w.-]{1,100})(?:\/(\d{0,5}))?$/ : /^()\/?(\d{0,5})$/).exec(pathname);
  if (path === null)
    return asksSentinel
      ? 'must have the name of the primary as its path, as the Sentinels know it, such as /mymaster, and may have the number of a database behind it'
      : 'must have the number of a database as its path, such as /0, or none';
  try {
    return {
      hosts: [host, ...others],
      ...(asksSentinel ? { sentinel: path[1] ?? '' } : {}),
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      db: Number(path[2] ?? 0),
      tls: protocol.startsWith('rediss'),
    };
  } catch {
    return "has a '%' in its user or password that is not part of an escape such as %25";
  }
}

/** A URL of Redis with the first of its servers only: one that `URL` can read. Any other text is returned as it is. */
export function firstHostUrl(text: string): string {
  const [, before = '', hosts = '', after = ''] = PARTS.exec(text) ?? [];
  return hosts === '' ? text : before + (hosts.split(',')[0] ?? '') + after;
}

/** Host and port of each server in the URL, as they are written. */
function hostsIn(text: string): string[] {
  return PARTS.exec(text)?.[2]?.split(',') ?? [];
}

function readHost(text: string, defaultPort: number): RedisPlace | string {
  if (!URL.canParse(`redis://${text}`))
    return 'must name each server by a host and a port, with commas between';
  const { hostname, port } = new URL(`redis://${text}`);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0 && !HOST.test(host)) return 'must name its host by a plain name or an IP address';
  if (port === '0') return 'must not name port 0';
  return { host, port: port === '' ? defaultPort : Number(port) };
}
