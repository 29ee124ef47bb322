// What every request to the cloud has in common: where it goes, what it may carry, and how a refusal reads.
import { maskSecrets, SHORTEST_SECRET } from '../log.ts';
import { isRecord, printable } from '../protocol/text.ts';

/** Set by the request or by the connection itself; neither the operator nor a plugin may. */
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

const MOST_WORDS = 200;

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
    // Not JSON: the text itself is what was said.
  }
  const said = typeof words === 'string' ? words : JSON.stringify(words);
  const secrets = Object.entries(headers)
    .filter(([name]) => name !== 'content-type')
    .map(([, value]) => value.replace(/^Bearer /, ''))
    .filter((value) => value.length >= SHORTEST_SECRET);
  return printable(maskSecrets(said, secrets).trim(), MOST_WORDS);
}
