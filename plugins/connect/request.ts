// Sends the connect request, repeats it after failures, and interprets the cloud's answer (PROTOCOL §1).
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, NodeError, type CodaNode, type ConnectRequest, type Logger } from '../../src/index.ts';
import {
  answerText,
  extraHeaders,
  headerFault,
  isRecord,
  isTransient,
  pageText,
  printable,
  redirectText,
  retryAfterMs,
  TransportError,
  type HttpAnswer,
} from '../../src/kit.ts';

const LONGEST_WAIT_SEC = 60;
/** A Retry-After beyond this is cut: the start should say soon that it does not work. */
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

  for (let attempt = 1; ; attempt += 1) {
    const bearer = await attempts.bearer();
    checkHeader('Authorization', bearer);
    log.info(`connecting to ${origin} by ${request.mode}`, { attempt, of: most });
    let reason: string;
    let askedSec = 0;
    const sent = { ...headers, 'content-type': 'application/json', authorization: `Bearer ${bearer}` };
    try {
      const answer = await node.http.request({
        method: 'POST',
        url: request.url,
        headers: sent,
        body,
        timeoutMs: node.settings.nodeTimeoutSec * 1000,
        signal,
      });
      const page = pageText(answer);
      if (page === undefined && !isTransient(answer.status)) {
        return bundleOf(answer, { request, headers: sent, mayHaveArrived });
      }
      mayHaveArrived ||= answer.status >= 500;
      reason = `it answered ${page ?? answerText(answer, sent)}`;
      askedSec = Math.ceil((retryAfterMs(answer) ?? 0) / 1000);
      if (attempt >= most) throw unreachable(origin, most, reason, { status: answer.status });
    } catch (thrown) {
      if (signal.aborted) throw closing(origin);
      if (!(thrown instanceof TransportError)) throw thrown;
      mayHaveArrived ||= thrown.sent;
      reason = thrown.message;
      if (attempt >= most) throw unreachable(origin, most, reason, { cause: thrown });
    }
    const waitSec = Math.max(
      Math.min(2 ** (attempt - 1), LONGEST_WAIT_SEC),
      Math.min(askedSec, LONGEST_RETRY_AFTER_SEC),
    );
    log.warn(`connecting to ${origin} failed: ${reason}; next attempt in ${waitSec} s`);
    await sleep(waitSec * 1000, undefined, { signal }).catch(() => {
      throw closing(origin);
    });
  }
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
  const redirect = redirectText(answer, asked.request.url);
  if (redirect !== undefined) {
    throw new NodeError(
      `${origin} answered the connect with ${redirect}, since they would carry the credentials elsewhere`,
      {
        status,
        remedy: 'Set CODA_WEBAPP_URL to the address that it redirects to, if that is the Coda cloud.',
      },
    );
  }
  if (status < 200 || status >= 400) {
    throw new NodeError(`the cloud refused the connect with ${answerText(answer, asked.headers)}`, {
      status,
      remedy: remedyFor(status, asked),
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

function remedyFor(status: number, { request, mayHaveArrived }: Asked): string {
  if (status === 404 || status === 405) return 'Check CODA_WEBAPP_URL and CODA_CONNECT_PATH.';
  if (request.mode === 'jwt') {
    return "Check the machine's clock (coda doctor compares it with the cloud's) and the QPU in Coda. If both are right, get a new token in Coda and run: coda start --token <token>";
  }
  const how = 'Get a new token in Coda and run: coda start --token <token>';
  return mayHaveArrived ? `An earlier attempt may have used the token up. ${how}` : how;
}

function unreachable(
  origin: string,
  attempts: number,
  reason: string,
  details: { status?: number; cause?: unknown },
): NodeError {
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return new NodeError(`${origin} could not be reached in ${times}: ${reason}`, {
    ...details,
    remedy: /certificate/i.test(reason)
      ? 'Certificates are always verified. If a private authority signs them, name its PEM file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.'
      : 'Check the network and CODA_WEBAPP_URL; `coda doctor` checks each step of the connection.',
  });
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
