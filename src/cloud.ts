// What every request to the cloud has in common: where it goes, what it may carry, and how a refusal reads.
import { isRecord, printable } from './protocol/text.ts';

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

/** What the cloud said in the body of a refusal: at most `length` characters on one line. */
export function cloudWords(text: string, length = 200): string {
  let words: unknown = text;
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body)) words = body['error'] ?? body['message'] ?? body['detail'] ?? text;
  } catch {
    // Not JSON: the text itself is what was said.
  }
  return printable((typeof words === 'string' ? words : JSON.stringify(words)).trim(), length);
}
