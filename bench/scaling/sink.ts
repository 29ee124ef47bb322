// The cheapest possible webhook: it accepts and counts everything.
// A local cloud that checks every result would be busier than the nodes.
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Sink {
  readonly url: string;
  readonly #close: () => void;
  #received = 0;

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  static async open(): Promise<Sink> {
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        response.end('{}');
        sink.#received += 1;
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const sink = new Sink(`http://127.0.0.1:${address.port}/`, () => {
      server.close();
      server.closeAllConnections();
    });
    return sink;
  }

  /** How many results have come. */
  get received(): number {
    return this.#received;
  }

  close(): void {
    this.#close();
  }
}
