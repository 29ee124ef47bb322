// What all requests to the cloud have in common: the address, which headers they may carry, what an answer means.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { messageOf } from '../errors.ts';
import { maskSecrets, SHORTEST_SECRET } from '../log/redaction.ts';
import { isRecord, printable } from '../protocol/text.ts';
import { clockFault } from './clock.ts';
import type { HttpAnswer } from './http.ts';

/** The request or the connection sets these; the operator and plugins may not. */
const RESERVED_HEADERS = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** Longest quotation of the cloud, in characters. */
const MOST_WORDS = 200;
const LONGEST_TITLE = 60;
/** Where an HTML page shows what it is. */
const PAGE_HEAD = 4_096;

/** Client errors that go away by themselves. */
const TRANSIENT = new Set([408, 425, 429]);
/** A wrong Retry-After must not delay anything for days. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** What an answer means. */
export type Verdict =
  | { readonly kind: 'yes' }
  /** Goes away by itself: ask again, not before `afterMs` if the answer says so. `sent`: the cloud may have acted on it. */
  | { readonly kind: 'transient'; readonly reason: string; readonly sent: boolean; readonly afterMs?: number }
  | { readonly kind: 'no'; readonly reason: string };

const YES: Verdict = { kind: 'yes' };

/** What the answer to a request to `url` with these headers means (PROTOCOL §13); a `reason` begins with the status. */
export function verdictOf(
  answer: HttpAnswer,
  url: string,
  headers: Readonly<Record<string, string>>,
): Verdict {
  const { status } = answer;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && !isPage(answer)) return YES;
  const redirect = redirectText(answer, url);
  if (redirect !== undefined) return { kind: 'no', reason: redirect };
  const reason = answerText(answer, headers);
  // Non-standard codes (e.g. 999) count as server errors.
  if (status >= 400 && status < 500 && !TRANSIENT.has(status)) {
    const fault = status === 401 || status === 403 ? clockFault(answer.headers['date']) : undefined;
    return { kind: 'no', reason: fault === undefined ? reason : `${reason} (${fault})` };
  }
  const afterMs = retryAfterMs(answer.headers['retry-after']);
  return {
    kind: 'transient',
    reason: isSuccess ? `${reason}, so not from the cloud: perhaps the login page of this network` : reason,
    // 503 says that the request was not processed; with other server errors it may have been.
    sent: status >= 500 && status !== 503,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

/** Whether this is an HTML page. The cloud has none: what sent it stands between the node and the cloud. */
function isPage({ status, headers, text }: HttpAnswer): boolean {
  const type = headers['content-type'];
  if (status !== 204 && /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(String(type))) return true;
  const [first = ''] = /\S/.exec(text) ?? [];
  if (first !== '<') return false;
  const head = text.slice(0, PAGE_HEAD).replaceAll(/<!--[^]*?-->|<\?[^>]*\?>/g, '');
  return /^\s*<(!doctype\s+html|html|head|body)\b/i.test(head);
}

/** `a web page ("Campus WiFi")`. */
function pageText(text: string, headers: Readonly<Record<string, string>>): string {
  const [, title = ''] = /<title[^>]{0,200}>([^<]{1,200})</i.exec(text.slice(0, PAGE_HEAD)) ?? [];
  const words = title.replaceAll(/\s+/g, ' ').trim();
  const isShort = words !== '' && words.length <= LONGEST_TITLE;
  return isShort ? `a web page ("${withoutSecrets(words, headers)}")` : 'a web page';
}

/** Milliseconds from now, from seconds or an HTTP date; undefined for anything else. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : text.endsWith(' GMT')
      ? Date.parse(text) - Date.now()
      : NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/** `path` (beginning with a slash) below the cloud's base URL. */
export function cloudUrl(base: string, path: string): string {
  return base.replace(/\/+$/, '') + path;
}

/** `headers`, with names in lower case, without those that are not the caller's to set (PROTOCOL §1). */
export function extraHeaders<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !RESERVED_HEADERS.has(name)),
  );
}

/** Why this header cannot be sent; undefined if it can. The value is not quoted: it may be a credential. */
export function headerFault(name: string, value: unknown): string | undefined {
  try {
    validateHeaderName(name);
    if (typeof value !== 'string') return 'its value is not a string';
    validateHeaderValue(name, value);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/**
 * What the cloud said in the body of a refusal: short, on one line, and without the `headers` of the request,
 * which hold the credentials: some servers and proxies quote what they refuse.
 */
export function cloudWords(text: string, headers: Readonly<Record<string, string>>): string {
  let words = text;
  try {
    const body: unknown = JSON.parse(text);
    const said = isRecord(body) ? (body['error'] ?? body['message'] ?? body['detail'] ?? text) : text;
    words = typeof said === 'string' ? said : JSON.stringify(said);
  } catch {
    // Not JSON, or it nests too deep to be written again: quote the text itself.
  }
  return withoutSecrets(words, headers);
}

function withoutSecrets(quoted: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.entries(headers)
    .filter(([name]) => name !== 'content-type')
    .map(([, value]) => value.replace(/^Bearer /, ''))
    .filter((value) => value.length >= SHORTEST_SECRET);
  return printable(maskSecrets(quoted, secrets).trim(), MOST_WORDS);
}

/** `503: the database is down`, `200 with a web page`, or only `503`; `headers` are those of the request. */
function answerText(answer: HttpAnswer, headers: Readonly<Record<string, string>>): string {
  if (isPage(answer)) return `${answer.status} with ${pageText(answer.text, headers)}`;
  const words = cloudWords(answer.text, headers);
  return words === '' ? String(answer.status) : `${answer.status}: ${words}`;
}

/** `302, a redirect to https://login.example.org; redirects are not followed`, for an answer of `url`; undefined for
 *  any other answer. */
function redirectText({ status, headers }: HttpAnswer, url: string): string | undefined {
  if (status < 300 || status >= 400) return undefined;
  const { location } = headers;
  const isKnown = typeof location === 'string' && URL.canParse(location, url);
  // Only the origin: the address of a login page may hold secrets.
  const target = isKnown ? ` to ${new URL(location, url).origin}` : '';
  return `${status}, a redirect${target}; redirects are not followed`;
}
