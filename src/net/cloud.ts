// What all requests to the cloud have in common: the address, which headers they may carry, how a refusal reads.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { messageOf } from '../errors.ts';
import { maskSecrets, SHORTEST_SECRET } from '../log.ts';
import { isRecord, printable } from '../protocol/text.ts';
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

/** `path` (beginning with a slash) below the cloud's base URL. */
export function cloudUrl(base: string, path: string): string {
  return base.replace(/\/+$/, '') + path;
}

/** `headers` without those that are not the caller's to set (PROTOCOL §1). */
export function extraHeaders<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !RESERVED_HEADERS.has(name.toLowerCase())),
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
  let words: unknown = text;
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body)) words = body['error'] ?? body['message'] ?? body['detail'] ?? text;
  } catch {
    // Not JSON: quote the text itself.
  }
  const quoted = typeof words === 'string' ? words : JSON.stringify(words);
  const secrets = Object.entries(headers)
    .filter(([name]) => name !== 'content-type')
    .map(([, value]) => value.replace(/^Bearer /, ''))
    .filter((value) => value.length >= SHORTEST_SECRET);
  return printable(maskSecrets(quoted, secrets).trim(), MOST_WORDS);
}

/** `503: the database is down`, or only `503`; `headers` are those of the request. */
export function answerText(answer: HttpAnswer, headers: Readonly<Record<string, string>>): string {
  const words = cloudWords(answer.text, headers);
  return words === '' ? String(answer.status) : `${answer.status}: ${words}`;
}

/** Client errors that go away by themselves, as every error of a server may. */
const TRANSIENT = new Set([408, 425, 429]);

/** Whether the same request may succeed later. A code that is not in use (e.g. 999) counts as an error of a server. */
export function isTransient(status: number): boolean {
  return status >= 500 || TRANSIENT.has(status);
}

/** How long an answer asks to wait, in milliseconds: `Retry-After` in seconds or as an HTTP date; undefined if it does not. */
export function retryAfterMs({ headers }: HttpAnswer): number | undefined {
  const text = headers['retry-after'];
  if (typeof text !== 'string') return undefined;
  const ms = /^\s*\d+\s*$/.test(text)
    ? Number(text) * 1000
    : text.trim().endsWith(' GMT')
      ? Date.parse(text) - Date.now()
      : NaN;
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

/** `200 with a web page ("Guest Wi-Fi"), so not from the cloud: …` for an answer that only looks like a yes; undefined for
 *  any other. The login page of a network answers every request in the cloud's place. */
export function pageText({ status, headers, text }: HttpAnswer): string | undefined {
  if (status < 200 || status >= 300) return undefined;
  const isPage = /html/i.test(String(headers['content-type'] ?? '')) || /^\s*<(!doctype|html)\b/i.test(text);
  if (!isPage) return undefined;
  const title = printable(/<title[^>]*>([^<]*)</i.exec(text)?.[1]?.trim() ?? '', 60);
  const named = title === '' ? '' : ` ("${title}")`;
  return `${status} with a web page${named}, so not from the cloud: perhaps the login page of this network`;
}

/** `302, a redirect to https://login.example.org; redirects are not followed`, for an answer of `url`; undefined for
 *  any other answer. */
export function redirectText({ status, headers }: HttpAnswer, url: string): string | undefined {
  if (status < 300 || status >= 400) return undefined;
  const { location } = headers;
  const isKnown = typeof location === 'string' && URL.canParse(location, url);
  // Only the origin: the address of a login page may hold secrets.
  const target = isKnown ? ` to ${new URL(location, url).origin}` : '';
  return `${status}, a redirect${target}; redirects are not followed`;
}
