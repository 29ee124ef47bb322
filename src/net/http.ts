// The HTTP client for the cloud: a deadline for the whole exchange, a bounded answer, no redirects; it uses the proxies
// and extra certificates that the environment names (PROTOCOL §13).
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { version } from '../version.ts';
import { ConfigError, errorCode, messageOf } from '../errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; set the header `content-type` too. */
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

/** The request got no complete answer. `sent`: the peer may have received it anyway. */
export class TransportError extends Error {
  readonly sent: boolean;

  constructor(message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'TransportError';
    this.sent = options.sent;
  }
}

export interface HttpClient {
  /** Resolves with any status; throws a TransportError if there is no complete answer in time. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Connections to one origin at a time. */
  readonly connections?: number;
}

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
          // Plain http goes through the proxy as a request: many proxies tunnel to port 443 only.
          proxyTunnel: false,
          ...(ca === undefined ? {} : { connect: { ca }, requestTls: { ca }, proxyTls: { ca } }),
        });
  const agentFor = ({ protocol, hostname }: URL): Dispatcher => {
    const proxy = protocol === 'https:' ? proxies.httpsProxy : proxies.httpProxy;
    return proxied === undefined || proxy === '' || isLoopback(hostname) ? direct : proxied;
  };

  return {
    request(request) {
      return new Promise((resolve, reject) => {
        const exchange = new Exchange(request, resolve, reject);
        if (exchange.hasEnded) return;
        try {
          const url = new URL(request.url);
          agentFor(url).dispatch(
            {
              origin: url.origin,
              path: `${url.pathname}${url.search}`,
              method: request.method,
              headers: withDefaults(request.headers),
              body: request.body ?? null,
              // The exchange has its own deadline; these would only cut off a slow but complete answer.
              headersTimeout: 0,
              bodyTimeout: 0,
            },
            exchange,
          );
        } catch (thrown) {
          exchange.onResponseError(undefined, thrown);
        }
      });
    },
    // Requests in progress are cut off: the outbox keeps every result that was not confirmed.
    async close() {
      await Promise.all([direct.destroy(), proxied?.destroy()]);
    },
  };
}

const DEFAULT_HEADERS = { 'user-agent': `coda-node/${version}`, accept: 'application/json' };

/** PROTOCOL §13: every request says who asks, and what it can read, unless the operator says otherwise. */
function withDefaults(headers: HttpRequest['headers'] = {}): Record<string, string> {
  const all: Record<string, string> = { ...DEFAULT_HEADERS };
  for (const name in headers) {
    const lower = name.toLowerCase();
    if (lower !== name && lower in DEFAULT_HEADERS) delete all[lower];
    all[name] = headers[name] ?? '';
  }
  return all;
}

/** One request and its answer. It ends with the last byte of the answer, at its deadline, or at the caller's signal; also
 *  while undici still connects and has nothing yet that could be aborted. */
class Exchange implements Dispatcher.DispatchHandler {
  hasEnded = false;
  readonly #request: HttpRequest;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #timer: NodeJS.Timeout;
  /** Undefined until the request is sent. */
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: HttpAnswer['headers'] = {};
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(
    request: HttpRequest,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: TransportError) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    const { timeoutMs, signal } = request;
    this.#timer = setTimeout(() => {
      this.#fail(`no whole answer within ${timeoutMs / 1000} s`, undefined);
    }, timeoutMs);
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted) this.#abort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.hasEnded) controller.abort(new Error('aborted'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: HttpAnswer['headers']): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    const maxBytes = this.#request.maxBytes ?? MIB;
    this.#length += chunk.length;
    if (this.#length <= maxBytes) this.#chunks.push(chunk);
    else this.#fail(`the answer is longer than ${maxBytes} bytes`, undefined);
  }

  onResponseEnd(): void {
    if (!this.#end()) return;
    const text = Buffer.concat(this.#chunks, this.#length).toString('utf8');
    this.#resolve({ status: this.#status, headers: this.#headers, text });
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: unknown): void {
    const code = systemCode(error);
    const text = messageOf(error);
    this.#fail(code === undefined || text.includes(code) ? text : `${text} (${code})`, error);
  }

  readonly #abort = (): void => this.#fail('aborted', this.#request.signal?.reason);

  #fail(message: string, cause: unknown): void {
    if (!this.#end()) return;
    const sent = this.#controller !== undefined;
    this.#controller?.abort(new Error(message));
    this.#reject(new TransportError(message, { sent, cause }));
  }

  /** False if the exchange has already ended. */
  #end(): boolean {
    if (this.hasEnded) return false;
    this.hasEnded = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#abort);
    return true;
  }
}

/** The code of the system error at the bottom of what undici throws. */
function systemCode(thrown: unknown): string | undefined {
  const code = errorCode(thrown);
  if (code !== undefined || !(thrown instanceof Error)) return code;
  // Node tries several addresses of one host and throws their errors together.
  return systemCode(thrown instanceof AggregateError ? thrown.errors[0] : thrown.cause);
}

function proxySettings(env: NodeJS.ProcessEnv): { httpProxy: string; httpsProxy: string; noProxy: string } {
  const httpProxy = proxyUrl(env, 'http_proxy') || proxyUrl(env, 'HTTP_PROXY');
  const httpsProxy = proxyUrl(env, 'https_proxy') || proxyUrl(env, 'HTTPS_PROXY');
  return { httpProxy, httpsProxy, noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '' };
}

/** The error does not quote the value: it may hold a password. */
function proxyUrl(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name] ?? '';
  if (value === '' || /^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')) return value;
  throw new ConfigError(`${name} is not the URL of an HTTP proxy`, {
    remedy: 'Write it as http://host:port, or https://user:password@host:port.',
  });
}

/** Whether this is the machine itself, which no proxy can reach: `coda dev` runs there. */
function isLoopback(hostname: string): boolean {
  return hostname === '[::1]' || /^(127(\.\d+){3}|(.+\.)?localhost)$/.test(hostname);
}

/** The certificates of SSL_CERT_FILE, added to Node's own; undefined if it is not set. A `ca` option replaces all that
 *  Node trusts, so the file in NODE_EXTRA_CA_CERTS is added again. */
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
