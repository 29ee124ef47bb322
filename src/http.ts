// The one way to speak HTTP to the cloud: total deadline, bounded answer, no redirects, proxies and extra CAs honoured.
// PROTOCOL §13.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { ConfigError, messageOf } from './errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; set `content-type` with it. */
  readonly body?: string;
  /** Bounds the request from its start to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Longer answers fail the request. Default 1 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** The request never got a whole answer. `sent`: the peer may have received it all the same. */
export class TransportError extends Error {
  readonly sent: boolean;

  constructor(message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'TransportError';
    this.sent = options.sent;
  }
}

export interface HttpClient {
  /** Resolves with any status; throws a TransportError if there is no whole answer in time. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Connections to one origin at a time. */
  readonly connections?: number;
}

/** Failures that happen before a byte of the request has left. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const MIB = 1024 * 1024;

export function createHttpClient(options: HttpOptions): HttpClient {
  const ca = extraCertificates(options.env);
  const common = { connections: options.connections ?? 64, pipelining: 1 };
  const direct = new Agent({ ...common, ...(ca === undefined ? {} : { connect: { ca } }) });
  const proxies = proxySettings(options.env);
  const proxied =
    proxies.httpProxy === '' && proxies.httpsProxy === ''
      ? undefined
      : new EnvHttpProxyAgent({
          ...common,
          ...proxies,
          // Plain http goes to the proxy as a request: many refuse tunnels to other ports than 443.
          proxyTunnel: false,
          ...(ca === undefined ? {} : { connect: { ca }, requestTls: { ca }, proxyTls: { ca } }),
        });

  return {
    async request(request) {
      const timeout = new Deadline(request);
      try {
        const { origin, protocol, hostname, pathname, search } = new URL(request.url);
        const proxy = protocol === 'https:' ? proxies.httpsProxy : proxies.httpProxy;
        const agent: Dispatcher =
          proxied === undefined || proxy === '' || isLoopback(hostname) ? direct : proxied;
        const answering = agent.request({
          origin,
          path: `${pathname}${search}`,
          method: request.method,
          ...(request.headers === undefined ? {} : { headers: request.headers }),
          ...(request.body === undefined ? {} : { body: request.body }),
          signal: timeout.signal,
          // The total deadline rules; these would only cut a slow but lawful answer short.
          headersTimeout: 0,
          bodyTimeout: 0,
        });
        const answer = await orAborted(answering, timeout.signal);
        const text = await boundedText(answer.body, request.maxBytes ?? MIB);
        return { status: answer.statusCode, headers: answer.headers, text };
      } catch (thrown) {
        throw asTransportError(thrown, request, timeout.hasPassed);
      } finally {
        timeout.end();
      }
    },
    // Whatever is still under way at the end is cut off: the outbox keeps what was not confirmed.
    async close() {
      await Promise.all([direct.destroy(), proxied?.destroy()]);
    },
  };
}

/** The end of a request: its own time, or its caller's signal. Unlike `AbortSignal.timeout`, it leaves no timer behind. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #callers: AbortSignal | undefined;
  hasPassed = false;

  constructor({ timeoutMs, signal }: HttpRequest) {
    this.#timer = setTimeout(() => {
      this.hasPassed = true;
      this.#controller.abort();
    }, timeoutMs);
    this.#callers = signal;
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#callers?.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.#controller.abort(this.#callers?.reason);
}

/** undici heeds the signal only once it is connected: a connect that hangs must not outlast the deadline. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => (abort = () => reject(new Error('aborted'))));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function asTransportError(thrown: unknown, request: HttpRequest, tooLate: boolean): TransportError {
  if (tooLate) {
    return new TransportError(`no whole answer within ${request.timeoutMs / 1000} s`, {
      sent: true,
      cause: thrown,
    });
  }
  const code = errorCode(thrown);
  const text = messageOf(thrown);
  const detail = code === undefined || text.includes(code) ? text : `${text} (${code})`;
  return new TransportError(detail, { sent: code === undefined || !NOT_SENT.has(code), cause: thrown });
}

function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  // Node tries several addresses of one host and throws their errors together.
  if (thrown instanceof AggregateError) return errorCode(thrown.errors[0]);
  return 'cause' in thrown ? errorCode(thrown.cause) : undefined;
}

async function boundedText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function proxySettings(env: NodeJS.ProcessEnv): { httpProxy: string; httpsProxy: string; noProxy: string } {
  const httpProxy = proxyUrl(env, 'http_proxy') || proxyUrl(env, 'HTTP_PROXY');
  const httpsProxy = proxyUrl(env, 'https_proxy') || proxyUrl(env, 'HTTPS_PROXY');
  return { httpProxy, httpsProxy, noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '' };
}

/** Not quoted where it is wrong: it may hold a password. */
function proxyUrl(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name] ?? '';
  if (value === '' || /^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')) return value;
  throw new ConfigError(`${name} is not the URL of an HTTP proxy`, {
    remedy: 'Write it as http://host:port, or https://user:password@host:port.',
  });
}

/** This machine itself, which no proxy can reach: `coda dev` runs there. */
function isLoopback(hostname: string): boolean {
  return hostname === '[::1]' || /^(127(\.\d+){3}|(.+\.)?localhost)$/.test(hostname);
}

/** Node reads NODE_EXTRA_CA_CERTS itself, but giving a `ca` replaces that: so both files are added to Node's own roots. */
export function extraCertificates(env: NodeJS.ProcessEnv): string[] | undefined {
  const sslCertFile = env['SSL_CERT_FILE'];
  if (sslCertFile === undefined || sslCertFile === '') return undefined;
  const files = [sslCertFile, env['NODE_EXTRA_CA_CERTS']].filter((file) => file !== undefined && file !== '');
  return [...rootCertificates, ...files.map((file) => readCertificates(String(file)))];
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`the CA file ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Correct SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.',
    });
  }
}
