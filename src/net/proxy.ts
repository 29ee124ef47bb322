// The proxy on the way to the cloud: which one the environment names, for which URLs, and what its refusals mean.
import { ConfigError, refuseQuotes } from '../errors.ts';
import { createNoProxy } from './no-proxy.ts';

export interface Proxy {
  /** Without user and password. */
  readonly uri: string;
  /** `host:port`, for messages. */
  readonly name: string;
  /** The variable that names it. */
  readonly variable: string;
  /** The value of the header Proxy-Authorization; undefined if the URL has no user. */
  readonly authorization: string | undefined;
}

/** Finds the proxy for a URL; undefined if it is asked directly. Throws a ConfigError for a variable that is no URL. */
export function createProxyChoice(env: NodeJS.ProcessEnv): (url: URL) => Proxy | undefined {
  const http = proxyIn(env, 'http_proxy') ?? proxyIn(env, 'HTTP_PROXY');
  const https = proxyIn(env, 'https_proxy') ?? proxyIn(env, 'HTTPS_PROXY');
  for (const variable of ['no_proxy', 'NO_PROXY']) refuseQuotes(variable, env[variable] ?? '');
  const isDirect = createNoProxy(env['no_proxy'] ?? env['NO_PROXY'] ?? '');
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    return proxy === undefined || isLoopback(url.hostname) || isDirect(url) ? undefined : proxy;
  };
}

/** The error does not quote the value: it may hold a password. */
function proxyIn(env: NodeJS.ProcessEnv, variable: string): Proxy | undefined {
  const value = env[variable] ?? '';
  if (value === '') return undefined;
  refuseQuotes(variable, value);
  if (!/^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')) {
    throw new ConfigError(`${variable} is not the URL of an HTTP proxy`, {
      remedy: 'Write it as http://host:port, or https://user:password@host:port.',
    });
  }
  const { protocol, host, hostname, port, username, password } = new URL(value);
  const user = Buffer.from(`${plain(username)}:${plain(password)}`).toString('base64');
  return {
    uri: `${protocol}//${host}`,
    name: `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`,
    variable,
    authorization: username === '' ? undefined : `Basic ${user}`,
  };
}

function plain(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** Whether this is the machine itself, which no proxy can reach: `coda dev` runs there. */
function isLoopback(hostname: string): boolean {
  return hostname === '[::1]' || /^(127(\.\d+){3}|(.+\.)?localhost)$/.test(hostname);
}

/** undici's words for an answer of the proxy itself. */
const REFUSAL = /^Proxy response \((\d+)\)|^Proxy Authentication Required \((407)\)/;
const UNREACHABLE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|CONNECT_TIMEOUT/;

/** Why a request to `url` through the proxy failed, in words that say whose fault it is. Once it is sent, that may be the
 *  cloud's, unless the proxy itself has answered. */
export function proxyFault(text: string, { name, variable }: Proxy, url: string, isSent: boolean): string {
  const [, tunnel, plainly] = REFUSAL.exec(text) ?? [];
  const status = tunnel ?? plainly;
  if (status !== undefined)
    return `the proxy ${name} ${refusal(status, variable, new URL(url).host)} (${status})`;
  if (isSent) return text;
  if (UNREACHABLE.test(text)) return `the proxy ${name} (${variable}) cannot be reached: ${text}`;
  return `through the proxy ${name}: ${text}`;
}

function refusal(status: string, variable: string, target: string): string {
  if (status === '407') {
    return `takes no request without the right user and password: write them into ${variable} as http://user:password@host:port`;
  }
  if (/^50[234]$/.test(status)) return `cannot reach ${target}`;
  return `allows no connection to ${target}: ask those who run it, or name the host in NO_PROXY if it can be reached directly`;
}
