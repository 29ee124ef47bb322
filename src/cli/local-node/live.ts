// Asks a running node for its own account of itself: the body of `/ready`.
import { get } from 'node:http';
import { isRecord } from '../../protocol/text.ts';
import type { Address } from './presence.ts';

export type Live = Readonly<Record<string, unknown>>;

/** How a node answers within 5 s, whatever happens (PROTOCOL §8). */
const TIMEOUT_MS = 6_000;
const MOST_BYTES = 1024 * 1024;

/** Undefined where nothing answers as a node does. */
export function askReady(address: Address): Promise<Live | undefined> {
  return new Promise((resolve) => {
    // node:http, not fetch: no proxy may come between.
    const request = get(`${urlOf(address)}/ready`, { timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MOST_BYTES) request.destroy();
      });
      response.on('end', () => resolve(parse(text)));
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

/** The address as this machine reaches it: a node that listens everywhere listens here, too. */
export function urlOf({ host, port }: Address): string {
  const here = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${here.includes(':') ? `[${here}]` : here}:${port}`;
}

function parse(text: string): Live | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) && typeof body['ready'] === 'boolean' ? body : undefined;
  } catch {
    return undefined;
  }
}
