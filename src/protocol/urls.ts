// Which URLs are taken, and what is taken from them. They come from the cloud, so what is not understood is refused.
import { isIP } from 'node:net';

/** Where Redis is; nothing else of a `redis_url` is used. */
export interface RedisAddress {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** The number of the database. */
  readonly db: number;
  readonly tls: boolean;
}

export const LONGEST_URL = 2_000;
const DEFAULT_REDIS_PORT = 6379;
const HOST = /^(?=.{1,253}$)[a-z\d](?:[\w-]{0,62})(?:\.[\w-]{1,63})*\.?$/i;

/** A URL as it must be written. The parser itself takes `http:host`, and drops line breaks without a word. */
export function isUrl(text: string, protocols: readonly string[]): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s\p{Cc}]+$/iu.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return text.length <= LONGEST_URL && protocols.includes(protocol) && hostname !== '';
}

/** What a URL of Redis says; a text says why it is refused, without quoting it: it holds a password. */
export function readRedisUrl(text: string): RedisAddress | string {
  if (!isUrl(text, ['redis:', 'rediss:']))
    return 'must be a URL with a host that begins with redis:// or rediss://';
  const { protocol, hostname, port, username, password, pathname } = new URL(text);
  if (text.includes('?'))
    return "must not have a query ('?' and what follows it): only host, port, user, password and database are taken";
  if (text.includes('#')) return "must not have a fragment ('#' and what follows it)";
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0 && !HOST.test(host)) return 'must name its host by a plain name or an IP address';
  if (port === '0') return 'must not name port 0';
  const path = /^\/?(\d{0,5})$/.exec(pathname);
  if (path === null) return 'must have the number of a database as its path, such as /0, or none';
  try {
    return {
      host,
      port: port === '' ? DEFAULT_REDIS_PORT : Number(port),
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      db: Number(path[1]),
      tls: protocol === 'rediss:',
    };
  } catch {
    return "has a '%' in its user or password that is not part of an escape such as %25";
  }
}
