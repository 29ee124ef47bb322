// What the cloud's answer to a webhook means (PROTOCOL §6).
import {
  answerText,
  isTransient,
  pageText,
  redirectText,
  retryAfterMs,
  type Delivery,
  type HttpAnswer,
} from '../../src/kit.ts';

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
  const page = pageText(answer);
  // The cloud never saw it.
  if (page !== undefined) return { kind: 'retry', reason: `answered ${page}`, sent: false };
  if (status >= 200 && status < 300) return DELIVERED;
  const redirect = redirectText(answer, url);
  if (redirect !== undefined) return { kind: 'refused', reason: `answered ${redirect}` };
  const reason = `answered ${answerText(answer, headers)}`;
  if (status >= 400 && !isTransient(status)) return { kind: 'refused', reason };

  const asked = retryAfterMs(answer);
  const afterMs = asked === undefined ? undefined : Math.min(asked, LONGEST_RETRY_AFTER_MS);
  // 503 says that the request was not processed; with other server errors it may have been.
  const sent = status >= 500 && status !== 503;
  return { kind: 'retry', reason, sent, ...(afterMs === undefined ? {} : { afterMs }) };
}
