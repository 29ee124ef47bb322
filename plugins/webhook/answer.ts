// What the cloud's answer to a webhook means for the result (PROTOCOL §6).
import { clockFault, verdictOf, type Delivery, type HttpAnswer } from '../../src/kit.ts';

const DELIVERED: Delivery = { kind: 'delivered' };

/** How an attempt that got an answer ended; `url` is what was asked, with these headers. */
export function deliveryOf(
  answer: HttpAnswer,
  url: string,
  headers: Readonly<Record<string, string>>,
): Delivery {
  const verdict = verdictOf(answer, url, headers);
  if (verdict.kind === 'yes') return DELIVERED;
  const reason = `answered ${verdict.reason}`;
  // A wrong clock makes the cloud refuse every JWT: that says nothing of the result, and goes away once the clock is set.
  if (verdict.kind === 'no' && isOfClock(answer)) return { kind: 'retry', reason, sent: false };
  return verdict.kind === 'no' ? { kind: 'refused', reason } : { ...verdict, kind: 'retry', reason };
}

function isOfClock({ status, headers }: HttpAnswer): boolean {
  return (status === 401 || status === 403) && clockFault(headers['date']) !== undefined;
}
