// The one way to speak HTTP to the cloud: total deadline, bounded answer, no redirects, proxies and extra CAs honoured.
// PROTOCOL §13.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { ConfigError, messageOf } from '../errors.ts';

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

/** How a URL is reached. */
interface Route {
  readonly url: string;
  readonly agent: Dispatcher;
  readonly origin: string;
  readonly path: string;
}

const MIB = 1024 * 1024;

/** How much WebAssembly (in bytes, roughly) V8 runs before it optimizes it. undici parses answers with it, in one function
 *  so large that optimizing takes 100 ms of a core and 30 MiB, of which malloc keeps 10 for good. By V8's own figure, which
 *  differs by version, that comes with the first answers, in the midst of a start; by this one after many hundreds of them:
 *  at once under load, where it pays, and after hours on an idle node. */
const WASM_BUDGET = 2_000_000_000;

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
  const routeOf = (url: string): Route => {
    const { origin, protocol, hostname, pathname, search } = new URL(url);
    const proxy = protocol === 'https:' ? proxies.httpsProxy : proxies.httpProxy;
    const isDirect = proxied === undefined || proxy === '' || isLoopback(hostname);
    return { url, agent: isDirect ? direct : proxied, origin, path: `${pathname}${search}` };
  };
  /** Results nearly always go where the one before went. */
  let latest: Route | undefined;
  let isTuned = false;

  return {
    request(request) {
      // Not before: code caches, Node's own too, are good only for the flags that they were made with.
      if (!isTuned) setFlagsFromString(`--wasm-tiering-budget=${WASM_BUDGET}`);
      isTuned = true;
      return new Promise((resolve, reject) => {
        const exchange = new Exchange(request, resolve, reject);
        if (exchange.hasEnded) return;
        try {
          if (request.url !== latest?.url) latest = routeOf(request.url);
          const { agent, origin, path } = latest;
          agent.dispatch(
            {
              origin,
              path,
              method: request.method,
              headers: request.headers ?? {},
              body: request.body ?? null,
              // The total deadline rules; these would only cut a slow but lawful answer short.
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
    // Whatever is still under way at the end is cut off: the outbox keeps what was not confirmed.
    async close() {
      await Promise.all([direct.destroy(), proxied?.destroy()]);
    },
  };
}

/** One request and its answer. It ends with the answer's last byte, its own deadline, or its caller's signal:
 *  also while the connection is still being made, when there is nothing yet that could be aborted. */
class Exchange implements Dispatcher.DispatchHandler {
  hasEnded = false;
  readonly #request: HttpRequest;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #timer: NodeJS.Timeout;
  /** There is one once the request goes out. */
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
    const code = errorCode(error);
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

  /** False where it has ended before. */
  #end(): boolean {
    if (this.hasEnded) return false;
    this.hasEnded = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#abort);
    return true;
  }
}

function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  // Node tries several addresses of one host and throws their errors together.
  if (thrown instanceof AggregateError) return errorCode(thrown.errors[0]);
  return 'cause' in thrown ? errorCode(thrown.cause) : undefined;
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
