// The HTTP client for the cloud: a deadline for the whole exchange, a bounded answer, no redirects; it uses the proxies
// and extra certificates that the environment names (PROTOCOL §13).
import type { Socket } from 'node:net';
import { callbackify } from 'node:util';
import { Agent, buildConnector, Pool, ProxyAgent, type Dispatcher } from 'undici';
import { errorCode, messageOf } from '../errors.ts';
import { version } from '../version.ts';
import { EACH_ADDRESS } from './addresses.ts';
import { extraCertificates } from './certificates.ts';
import { createProxyChoice, proxyFault, type Proxy } from './proxy.ts';
import { ForbiddenTargetError, type Targets } from './targets.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** Their names in lower case. */
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

/** There is no complete answer. `sent`: the peer may have received the request anyway. */
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
  /** All further requests connect anew; those that are under way fail. */
  renew(): void;
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Connections to one origin at a time. */
  readonly connections?: number;
  /** Where no request may go. */
  readonly targets?: Targets;
}

/** How a URL is reached. */
interface Route {
  readonly href: string;
  readonly origin: string;
  readonly path: string;
  readonly proxy: Proxy | undefined;
}

const MIB = 1024 * 1024;
/** In every request, unless it has its own (PROTOCOL §13). */
const USER_AGENT = `coda-node/${version}`;
const ACCEPT = 'application/json';

export function createHttpClient(options: HttpOptions): HttpClient {
  const ca = extraCertificates(options.env);
  const common = { connections: options.connections ?? 64, pipelining: 1 };
  const connect = { ...EACH_ADDRESS, ...(ca === undefined ? {} : { ca }) };
  const { targets } = options;
  /** One for each origin; an agent itself forgets one whose last connection is gone, also if requests wait in it. */
  const pools = new Set<Pool>();
  const newDirect = (): Agent =>
    new Agent({
      ...common,
      connect: targets === undefined ? connect : guarded(buildConnector(connect), targets),
      factory(origin, poolOptions) {
        for (const pool of pools) if (pool.destroyed) pools.delete(pool);
        const pool = new Pool(origin, poolOptions);
        pools.add(pool);
        return pool;
      },
    });
  let direct = newDirect();
  const proxyOf = createProxyChoice(options.env);
  const agents = new Map<Proxy, ProxyAgent>();
  const agentOf = (proxy: Proxy): ProxyAgent => {
    const known = agents.get(proxy);
    if (known !== undefined) return known;
    const agent = new ProxyAgent({
      ...common,
      uri: proxy.uri,
      ...(proxy.authorization === undefined ? {} : { token: proxy.authorization }),
      // Plain http goes through the proxy as a request: many proxies tunnel to port 443 only.
      proxyTunnel: false,
      requestTls: ca === undefined ? {} : { ca },
      proxyTls: connect,
    });
    agents.set(proxy, agent);
    return agent;
  };

  const routeTo = (url: URL): Route => {
    const { origin, href, pathname, search } = url;
    const proxy = proxyOf(url);
    // A proxy resolves names itself: only what the URL says can be judged here.
    const fault = proxy === undefined ? undefined : targets?.faultOfName(url);
    if (fault !== undefined) throw forbidden(fault);
    return { href, origin, path: `${pathname}${search}`, proxy };
  };
  /** Results nearly always go where the one before went. */
  let latest: Route | undefined;

  return {
    request(request) {
      return new Promise((resolve, reject) => {
        const exchange = new Exchange(request, resolve, reject);
        if (exchange.hasEnded) return;
        try {
          if (latest?.href !== request.url) latest = routeTo(new URL(request.url));
          const { origin, path, proxy } = latest;
          exchange.proxy = proxy;
          const agent = proxy === undefined ? direct : agentOf(proxy);
          agent.dispatch(
            {
              origin,
              path,
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
    renew() {
      const cause = new Error('the network has changed meanwhile');
      for (const old of [...pools, direct, ...agents.values()]) old.destroy(cause).catch(() => {});
      direct = newDirect();
      agents.clear();
    },
    // Requests in progress are cut off: the outbox keeps every result that was not confirmed.
    async close() {
      await Promise.all([direct, ...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

/** Name, value, …: undici takes such a list faster than an object. */
function withDefaults(headers: HttpRequest['headers'] = {}): string[] {
  const list = ['user-agent', headers['user-agent'] ?? USER_AGENT, 'accept', headers['accept'] ?? ACCEPT];
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'user-agent' && name !== 'accept') list.push(name, value);
  }
  return list;
}

/** Judges every connection before a request is written to it. */
function guarded(connector: buildConnector.connector, targets: Targets): buildConnector.connector {
  const judge = callbackify((url: URL, socket: Socket) => targets.faultOf(url, socket));
  return (to, done) => {
    const url = new URL(`${to.protocol}//${to.host ?? to.hostname}`);
    const named = targets.faultOfName(url);
    if (named !== undefined) return done(forbidden(named), null);
    connector(to, (...result) => {
      const [error, socket] = result;
      if (error !== null) return done(error, null);
      judge(url, socket, (failed, fault) => {
        if (failed === null && fault === undefined) return done(null, socket);
        socket.destroy();
        done(failed ?? forbidden(String(fault)), null);
      });
    });
  };
}

function forbidden(fault: string): ForbiddenTargetError {
  return new ForbiddenTargetError(
    `not sent: ${fault}. If results must go there, name the origin in webhook.allowedOrigins`,
  );
}

/** One request and its answer. It ends with the last byte of the answer, at its deadline, or at the caller's signal; also
 *  while undici still connects and has nothing yet that could be aborted. */
class Exchange implements Dispatcher.DispatchHandler {
  hasEnded = false;
  /** What the request goes through. */
  proxy: Proxy | undefined;
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
      const way = this.proxy === undefined ? '' : ` through the proxy ${this.proxy.name}`;
      this.#fail(`no whole answer within ${timeoutMs / 1000} s${way}`, undefined);
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
    const full = code === undefined || text.includes(code) ? text : `${text} (${code})`;
    const { proxy } = this;
    const isSent = this.#controller !== undefined;
    this.#fail(proxy === undefined ? full : proxyFault(full, proxy, this.#request.url, isSent), error);
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
