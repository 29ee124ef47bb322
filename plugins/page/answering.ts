// How the page's routes answer: JSON without secrets, a refusal that says what to do, and headers that let a browser run
// nothing but the page's own files.
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { CodaError, messageOf, type Logger } from '../../src/index.ts';
import { isRecord } from '../../src/kit.ts';
import type { Refusal } from './api.ts';
import { asPayload } from './payload.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** A request that is not done, for a reason that the asker can do something about. */
export class RefusedError extends Error {
  readonly status: number;
  readonly remedy: string | null;

  constructor(status: number, message: string, remedy: string | null = null) {
    super(message);
    this.status = status;
    this.remedy = remedy;
  }
}

/** Returns the answer as a value for JSON; undefined if it has answered itself. */
export type Handler = (ctx: Context) => unknown;

export function answering(handler: Handler, log: Logger): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    ctx.set(HEADERS);
    try {
      const answer = await handler(ctx);
      if (answer !== undefined) write(ctx, 200, answer, log);
    } catch (thrown) {
      const { status, ...refusal } = refusalOf(thrown);
      if (status === 500) log.warn(`a request for ${ctx.path} failed: ${messageOf(thrown)}`);
      write(ctx, status, refusal, log);
    }
  };
}

/** What only the page itself may ask for: a page of another origin could count what it cannot read. */
export function refuseForeign({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw new RefusedError(403, 'a page of another origin may not ask for this', 'Open the page: coda page');
}

/** The body of a request, which has to be an object in JSON. */
export async function readBody(ctx: Context, mostBytes: number): Promise<Readonly<Record<string, unknown>>> {
  if (ctx.is('json') !== 'json') throw new RefusedError(415, 'the body has to be application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  // A request that is left unread is answered all the same; one that is destroyed is not.
  const unread = ctx.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of unread) {
    size += chunk.length;
    if (size > mostBytes) throw new RefusedError(413, `the body has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new RefusedError(400, 'the body is not JSON');
  }
  if (isRecord(body)) return body;
  throw new RefusedError(400, 'the body is not an object');
}

function write(ctx: Context, status: number, value: unknown, log: Logger): void {
  ctx.status = status;
  ctx.type = 'json';
  ctx.body = asPayload(value, log);
}

function refusalOf(thrown: unknown): Refusal & { readonly status: number } {
  if (thrown instanceof RefusedError) {
    return { status: thrown.status, error: thrown.message, remedy: thrown.remedy };
  }
  // The remedy is the second part of its message.
  const [error = ''] = messageOf(thrown).split('\n  → ');
  const isExpected = thrown instanceof CodaError;
  return { status: isExpected ? 422 : 500, error, remedy: (isExpected && thrown.remedy) || null };
}
