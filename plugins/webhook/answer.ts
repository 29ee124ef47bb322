// What the cloud's answer to a webhook means (PROTOCOL §6).
import { answerText, redirectText, type Delivery, type HttpAnswer } from '../../src/kit.ts';

/** Client errors that go away by themselves. */
const TRANSIENT = new Set([408, 425, 429]);
/** A wrong Retry-After must not delay a result for days. */
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
  const redirect = redirectText(answer, url);
  if (redirect !== undefined) return { kind: 'refused', reason: `answered ${redirect}` };
  const reason = `answered ${answerText(answer, headers)}`;
  // Non-standard codes (e.g. 999) count as server errors: retry.
  if (status >= 400 && status < 500 && !TRANSIENT.has(status)) return { kind: 'refused', reason };

  const afterMs = retryAfterMs(answer.headers['retry-after']);
  // 503 says that the request was not processed; with other server errors it may have been.
  const sent = status >= 500 && status !== 503;
  return { kind: 'retry', reason, sent, ...(afterMs === undefined ? {} : { afterMs }) };
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
