// Follows the page of a node as many browsers do. It has its own process, as browsers have.
import { get, type ClientRequest } from 'node:http';
import { serve } from './remote.ts';

export type PagesApi = typeof api;

let requests: ClientRequest[] = [];
let bytes = 0;
let ended = 0;

const api = {
  /** Resolves once each of them has got something. */
  async open({ port, count }: { readonly port: number; readonly count: number }): Promise<void> {
    bytes = 0;
    ended = 0;
    const opened = Array.from({ length: count }, () => follow(port));
    requests = opened.map(({ request }) => request);
    await Promise.all(opened.map(({ first }) => first));
  },
  /** How much they have read, and how many were cut off. */
  close(): { readonly bytes: number; readonly ended: number } {
    const found = { bytes, ended };
    for (const request of requests) request.destroy();
    return found;
  },
};
serve(api);

function follow(port: number): { readonly request: ClientRequest; readonly first: Promise<void> } {
  let request!: ClientRequest;
  const first = new Promise<void>((resolve, reject) => {
    request = get({ port, host: '127.0.0.1', path: '/page/events', agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`the page answered ${answer.statusCode}`));
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        resolve();
      });
      answer.on('close', () => (ended += 1));
      answer.on('error', () => {});
    });
    request.on('error', reject);
  });
  return { request, first };
}
