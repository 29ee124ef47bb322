// What the cloud's answer to a webhook means (PROTOCOL §6).
import { cloudWords, type Delivery, type HttpAnswer } from '../../src/index.ts';

/** Client errors that pass by themselves. */
const TRANSIENT = new Set([408, 425, 429]);
/** A mistaken Retry-After must not bury a result. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;
const DELIVERED: Delivery = { kind: 'delivered' };

/** How an attempt that got an answer ended; `url` is what was asked, with these headers. */
export function deliveryOf(
  answer: HttpAnswer,
  url: string,
  headers: Readonly<Record<string, string>>,
): Delivery {
  const { status } = answer;
  if (status >= 200 && status < 300) return DELIVERED;
  if (status >= 300 && status < 400) {
    return {
      kind: 'refused',
      reason: `answered ${status}, a redirect${redirectTarget(answer, url)}; redirects are not followed`,
    };
  }
  const words = cloudWords(answer.text, headers);
  const reason = `answered ${status}${words === '' ? '' : `: ${words}`}`;
  // Whatever is no HTTP of this world (a status of 999) is as transient as a broken server.
  if (status >= 400 && status < 500 && !TRANSIENT.has(status)) return { kind: 'refused', reason };

  const afterMs = retryAfterMs(answer.headers['retry-after']);
  // 503 says that the request was not processed; behind the others of its kind it may have been.
  const sent = status >= 500 && status !== 503;
  return { kind: 'retry', reason, sent, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** Only the origin: a login page's address may carry secrets. */
function redirectTarget(answer: HttpAnswer, url: string): string {
  const location = answer.headers['location'];
  if (typeof location !== 'string' || !URL.canParse(location, url)) return '';
  return ` to ${new URL(location, url).origin}`;
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
