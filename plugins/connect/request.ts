// Sends the connect request, repeats it after failures, and interprets the cloud's answer (PROTOCOL §1).
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, NodeError, type CodaNode, type ConnectRequest, type Logger } from '../../src/index.ts';
import {
  CLOCK_REMEDY,
  clockFault,
  cloudRemedy,
  extraHeaders,
  headerFault,
  isRecord,
  printable,
  TransportError,
  verdictOf,
  type HttpAnswer,
} from '../../src/kit.ts';

const LONGEST_WAIT_SEC = 60;
/** Of a wait that the cloud asks for. */
const LONGEST_RETRY_AFTER_SEC = 300;

export interface Attempts {
  readonly request: ConnectRequest;
  /** The bearer of one attempt: the token, or a new JWT. */
  readonly bearer: () => string | Promise<string>;
  readonly log: Logger;
  /** Fires when the node closes. */
  readonly signal: AbortSignal;
}

/** Connects, with retries; returns the unchecked bundle. Throws a NodeError if the cloud gives none. */
export async function requestBundle(node: CodaNode, attempts: Attempts): Promise<unknown> {
  const { request, log, signal } = attempts;
  const { nodeConnectRetries: most } = node.settings;
  const { origin } = new URL(request.url);
  const headers = sendableHeaders(request.headers);
  const body = JSON.stringify(request.body);
  let mayHaveArrived = false;
  let trouble: string | undefined;
  node.hooks.readiness.tap('connect', (report) => {
    if (trouble !== undefined) report.notReady(trouble, cloudRemedy(trouble));
  });

  for (let attempt = 1; ; attempt += 1) {
    const bearer = await attempts.bearer();
    checkHeader('Authorization', bearer);
    log.info(`connecting to ${origin} by ${request.mode}`, { attempt, of: most });
    const sent = { ...headers, 'content-type': 'application/json', authorization: `Bearer ${bearer}` };
    let failure: Failure;
    try {
      const answer = await node.http.request({
        method: 'POST',
        url: request.url,
        headers: sent,
        body,
        timeoutMs: node.settings.nodeTimeoutSec * 1000,
        signal,
      });
      const verdict = verdictOf(answer, request.url, sent);
      if (verdict.kind !== 'transient') {
        trouble = undefined;
        return bundleOf(answer, { request, headers: sent, mayHaveArrived });
      }
      mayHaveArrived ||= verdict.sent;
      failure = { reason: `it answered ${verdict.reason}`, answer, afterMs: verdict.afterMs ?? 0 };
    } catch (thrown) {
      if (signal.aborted) throw closing(origin);
      if (!(thrown instanceof TransportError)) throw thrown;
      mayHaveArrived ||= thrown.sent;
      failure = { reason: thrown.message, cause: thrown, afterMs: 0 };
    }
    if (attempt >= most) throw givenUp(origin, attempt, failure);
    const waitSec = Math.max(
      Math.min(2 ** (attempt - 1), LONGEST_WAIT_SEC),
      Math.min(failure.afterMs / 1000, LONGEST_RETRY_AFTER_SEC),
    );
    const text = `connecting to ${origin} failed: ${failure.reason}`;
    // The remedy once is enough.
    const remedy = text === trouble ? '' : ` → ${cloudRemedy(text)}`;
    log.warn(`${text}; next attempt in ${Math.ceil(waitSec)} s${remedy}`);
    trouble = text;
    await sleep(waitSec * 1000, undefined, { signal }).catch(() => {
      throw closing(origin);
    });
  }
}

/** An attempt that may be repeated. */
interface Failure {
  readonly reason: string;
  /** If there was one. */
  readonly answer?: HttpAnswer;
  readonly cause?: unknown;
  /** What the cloud asks to wait. */
  readonly afterMs: number;
}

interface Asked {
  readonly request: ConnectRequest;
  /** As they were sent, including the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly mayHaveArrived: boolean;
}

function bundleOf(answer: HttpAnswer, asked: Asked): unknown {
  const { status } = answer;
  const { origin } = new URL(asked.request.url);
  const verdict = verdictOf(answer, asked.request.url, asked.headers);
  if (verdict.kind === 'no') {
    throw new NodeError(`the cloud refused the connect with ${verdict.reason}`, {
      status,
      remedy: remedyFor(answer, asked),
    });
  }
  let bundle: unknown;
  try {
    bundle = JSON.parse(answer.text);
  } catch {
    // The parser's message would quote the answer, which may hold a secret.
  }
  if (isRecord(bundle)) return bundle;
  throw new NodeError(`${origin} answered the connect with ${status}, but not with a JSON object`, {
    status,
    remedy: 'Check CODA_WEBAPP_URL and CODA_CONNECT_PATH: this does not seem to be the Coda cloud.',
  });
}

function remedyFor({ status, headers }: HttpAnswer, { request, mayHaveArrived }: Asked): string {
  if (status < 400) {
    return 'Set CODA_WEBAPP_URL to the address that it redirects to, if that is the Coda cloud. If it is the login page of a network, log in with a browser.';
  }
  if (status === 404 || status === 405) return 'Check CODA_WEBAPP_URL and CODA_CONNECT_PATH.';
  if (request.mode === 'jwt') {
    return clockFault(headers['date']) === undefined
      ? "Check this machine's clock, and the QPU in Coda. If the credentials of this node are no longer valid there, get a new token and run: coda start --token - (it asks for the token)"
      : CLOCK_REMEDY;
  }
  const how = 'Get a new token in Coda and run: coda start --token - (it asks for the token)';
  return mayHaveArrived ? `An earlier attempt may have used the token up. ${how}` : how;
}

/** The error after this many attempts, of which the last one failed like this. */
function givenUp(origin: string, attempts: number, { reason, answer, cause }: Failure): NodeError {
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  if (answer === undefined) {
    return new NodeError(`${origin} could not be reached in ${times}: ${reason}`, {
      cause,
      remedy: unreachableRemedy(reason),
    });
  }
  const isPage = answer.status < 300;
  return new NodeError(`${origin} did not accept the connect in ${times}: ${reason}`, {
    status: answer.status,
    remedy: isPage
      ? 'Something answers in the place of the cloud. Open a web page in a browser on this machine and log in, or set HTTPS_PROXY if the network has a proxy; check CODA_WEBAPP_URL too.'
      : 'The cloud is there, but cannot serve this now. That goes away by itself, usually within minutes.',
  });
}

function unreachableRemedy(reason: string): string {
  if (/certificate/i.test(reason)) {
    return 'Certificates are always verified. If a private authority signs them, name its PEM file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.';
  }
  if (reason.includes('the proxy ')) {
    return 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY. `coda doctor` checks each step of the connection.';
  }
  return 'Check the network, the firewall and CODA_WEBAPP_URL; if a proxy is needed, set HTTPS_PROXY. `coda doctor` checks each step of the connection.';
}

function closing(origin: string): NodeError {
  return new NodeError(`connecting to ${origin} was given up: the node is closing`);
}

function sendableHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const sendable = extraHeaders(headers);
  for (const [name, value] of Object.entries(sendable)) checkHeader(name, value);
  return sendable;
}

function checkHeader(name: string, value: unknown): void {
  const fault = headerFault(name, value);
  if (fault === undefined) return;
  throw new ConfigError(`the header '${printable(name, 60)}' cannot be sent: ${fault}`, {
    remedy:
      name === 'Authorization'
        ? 'Check CODA_NODE_TOKEN: a token is one line of plain characters.'
        : 'Check CODA_NODE_CONNECT_HEADERS and the plugins that tap beforeConnect.',
  });
}
