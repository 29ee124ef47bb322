// Asks a running node how it is: the body of `/ready`, and what its page is told.
import { get } from 'node:http';
import { isRecord, recordIn } from '../../protocol/text.ts';
import type { HealthAddress } from '../../kernel/health-address.ts';
import { shownText } from '../terminal/words.ts';
import { isListener, type Asked } from './listener.ts';
import type { ReportedTrouble } from '../../kernel/readiness.ts';

export type Live = Readonly<Record<string, unknown>>;

/** A node answers within 5 s, whatever happens (PROTOCOL §8). */
const TIMEOUT_MS = 6_000;
const MOST_BYTES = 1024 * 1024;

/** Undefined if nothing answers as a node does, or if it is not the one that is asked that listens there. */
export async function askReady(asked: Asked, address: HealthAddress): Promise<Live | undefined> {
  if (!isListener(asked, address)) return undefined;
  const body = await askFor(`${urlOf(address)}/ready`);
  return typeof body?.['ready'] === 'boolean' ? body : undefined;
}

/** The object that is answered there; undefined if none is. Whoever asks has made sure that the node listens there. */
export function askFor(url: string): Promise<Live | undefined> {
  return new Promise((resolve) => {
    // node:http, not fetch: this must not go through a proxy.
    const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS), agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MOST_BYTES) request.destroy();
      });
      response.on('end', () => resolve(recordIn(text)));
      response.on('error', () => resolve(undefined));
    });
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

/** The troubles that the node reports, also those that do not keep it from being ready. */
export function troublesOf(live: Live): ReportedTrouble[] {
  const found: readonly unknown[] = Array.isArray(live['troubles']) ? live['troubles'] : [];
  return found.filter(isRecord).map(({ text, remedy, blocks }) => ({
    text: shownText(text),
    remedy: typeof remedy === 'string' ? remedy : null,
    blocks: blocks === true,
  }));
}

/** The address as this machine reaches it: a node that listens on all addresses listens on the local one, too. */
export function urlOf({ host, port }: HealthAddress): string {
  const here = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${here.includes(':') ? `[${here}]` : here}:${port}`;
}
