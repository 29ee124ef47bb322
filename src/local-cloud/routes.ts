// The Coda API that nodes speak to: connect, heartbeat, webhook and health (PROTOCOL §1, §6, §7, §8).
// A request is checked first; then a planned fault may apply; only then does it take effect.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Router, type RouterContext } from '@koa/router';
import { messageOf } from '../errors.ts';
import { CLOUD_PATHS } from '../protocol/paths.ts';
import type { WebhookBody } from '../protocol/webhook.ts';
import { connectBody, heartbeatBody, parseJson, webhookBody } from './contract.ts';
import type { ConnectBody, HeartbeatBody } from './contract.ts';
import type { Credentials, Paths } from './credentials.ts';
import type { Endpoint, Fault, Faults } from './faults.ts';
import type { CloudJobs } from './jobs.ts';
import { Refusal } from './refusal.ts';

/** One request as it was received; `body` is undefined if it broke the contract. */
export interface CloudRequest<Body> {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it was sent. */
  readonly text: string;
  readonly body: Body | undefined;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The HTTP status of the answer, or the fault in place of an answer. */
  readonly answer: number | 'hang' | 'reset' | 'lose-answer';
}

export type ConnectRecord = CloudRequest<ConnectBody> & { readonly mode: 'token' | 'jwt' | undefined };
export type HeartbeatRecord = CloudRequest<HeartbeatBody>;
/** `isDuplicate`: the same outcome was accepted before. */
export type DeliveryRecord = CloudRequest<WebhookBody> & { readonly isDuplicate: boolean };

export interface CloudLog {
  readonly connects: ConnectRecord[];
  readonly heartbeats: HeartbeatRecord[];
  readonly deliveries: DeliveryRecord[];
  violation(text: string): void;
}

interface Parts {
  readonly paths: Paths;
  readonly credentials: Credentials;
  readonly jobs: CloudJobs;
  readonly faults: Faults;
  readonly log: CloudLog;
}

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly receivedAt: number;
}

type Answer = Pick<CloudRequest<never>, 'answer'>['answer'];
/** Carries out the request, and returns the body of the 200. */
type Accept = () => unknown;

interface Handler {
  /** Throws a Refusal for a request that breaks the contract. */
  check(request: Received): Promise<Accept>;
  record(request: Received, answer: Answer): void;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export function cloudRoutes(parts: Parts): Router {
  const { paths, faults, log } = parts;
  const router = new Router();
  const route = (endpoint: Endpoint, handler: () => Handler) => (context: RouterContext) =>
    serve(context, endpoint, handler(), faults, log);

  router.post(
    paths.connect,
    route('connect', () => connectHandler(parts)),
  );
  router.post(
    paths.heartbeat,
    route('heartbeat', () => heartbeatHandler(parts)),
  );
  router.post(
    [paths.webhook, '/callback/:anything'],
    route('webhook', () => webhookHandler(parts)),
  );
  router.head(CLOUD_PATHS.health, route('health', healthHandler));
  return router;
}

function connectHandler({ credentials, log }: Parts): Handler {
  let body: ConnectBody | undefined;
  let mode: 'token' | 'jwt' | undefined;
  return {
    async check({ headers, text }) {
      body = connectBody(parseJson(headers['content-type'], text));
      const check = await credentials.checkConnect(headers.authorization, body.machine_fingerprint);
      mode = check.mode;
      return check.accept;
    },
    record: (request, given) => void log.connects.push({ ...request, body, mode, answer: given }),
  };
}

function heartbeatHandler({ credentials, log }: Parts): Handler {
  let body: HeartbeatBody | undefined;
  return {
    async check({ headers, text }) {
      await credentials.checkJwt(headers.authorization);
      body = heartbeatBody(parseJson(headers['content-type'], text));
      return () => ({ ok: true });
    },
    record: (request, given) => void log.heartbeats.push({ ...request, body, answer: given }),
  };
}

function webhookHandler({ credentials, jobs, log }: Parts): Handler {
  let body: WebhookBody | undefined;
  let isDuplicate = false;
  return {
    async check({ headers, text }) {
      await credentials.checkJwt(headers.authorization);
      const checked = webhookBody(parseJson(headers['content-type'], text), (jobId) => jobs.termsOf(jobId));
      body = checked;
      return () => {
        isDuplicate = !jobs.report(checked);
        return { ok: true };
      };
    },
    record: (request, given) => void log.deliveries.push({ ...request, body, answer: given, isDuplicate }),
  };
}

function healthHandler(): Handler {
  return { check: async () => () => undefined, record: () => {} };
}

async function serve(
  context: RouterContext,
  endpoint: Endpoint,
  handler: Handler,
  faults: Faults,
  log: CloudLog,
): Promise<void> {
  const text = await readBody(context.req).catch(() => undefined);
  // The node closed the connection during its request, or the body was too long: no answer is possible.
  if (text === undefined) return;
  const request: Received = {
    path: context.path,
    headers: context.req.headers,
    text,
    receivedAt: Date.now(),
  };
  let fault: Fault | undefined;
  try {
    const accept = await handler.check(request);
    fault = faults.next(endpoint);
    if (fault !== undefined && 'status' in fault) {
      context.set({ ...fault.headers });
      answer(context, fault.status, fault.body ?? { error: `a ${fault.status} on purpose` });
    } else if (fault === undefined || fault.action === 'lose-answer') {
      answer(context, 200, await accept());
    }
  } catch (thrown) {
    fault = undefined;
    const refusal =
      thrown instanceof Refusal ? thrown : new Refusal(500, `error in the local cloud: ${messageOf(thrown)}`);
    if (refusal.isViolation) log.violation(`${endpoint}: ${refusal.message}`);
    answer(context, refusal.status, { error: refusal.message });
    if (refusal.isStray) return;
  }
  if (fault === undefined || 'status' in fault) {
    handler.record(request, context.status);
    return;
  }
  context.respond = false;
  if (fault.action === 'hang') faults.hang(context.req.socket);
  else context.req.socket.destroy();
  handler.record(request, fault.action);
}

function answer(context: RouterContext, status: number, body: unknown): void {
  context.status = status;
  // koa would send a string as plain text, but overrides of the bundle may be any JSON.
  if (body === undefined) return;
  context.type = 'application/json';
  context.body = JSON.stringify(body);
}

/** The whole body; throws if it is too long, which closes the connection. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Refusal(413, `the body is longer than ${MAX_BODY_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
