// What the cloud's answer to a webhook means for the result (PROTOCOL §6).
import { verdictOf, type Delivery, type HttpAnswer } from '../../src/kit.ts';

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
  return verdict.kind === 'no' ? { kind: 'refused', reason } : { ...verdict, kind: 'retry', reason };
}
