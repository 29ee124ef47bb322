// The webhook of the soak's jobs. It only counts: the local cloud keeps every delivery, which would be gigabytes here.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Book } from './book.ts';
import { numberOf } from './node/job-id.ts';

/** How it answers. */
export type Mood = 'well' | '503' | 'late';

const LATE_MS = 1_500;

export interface Sink {
  readonly port: number;
  mood: Mood;
  readonly close: () => void;
}

export async function startSink(book: Book): Promise<Sink> {
  const late = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (sink.mood === '503') {
        response.writeHead(503).end();
        return;
      }
      const body = Buffer.concat(chunks).toString();
      const [, status = ''] = /"status":"(\w+)"/.exec(body) ?? [];
      const number = numberOf(body);
      if (number === undefined || !book.deliver(number, status, body)) response.statusCode = 409;
      if (sink.mood === 'well') {
        response.end();
        return;
      }
      const timer = setTimeout(() => {
        late.delete(timer);
        response.end();
      }, LATE_MS);
      late.add(timer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sink: Sink = {
    port: (server.address() as AddressInfo).port,
    mood: 'well',
    close() {
      for (const timer of late) clearTimeout(timer);
      server.closeAllConnections();
      server.close();
    },
  };
  return sink;
}
