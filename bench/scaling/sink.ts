// The cheapest possible webhook: it accepts and counts everything, and measures the rate.
// A local cloud that checks every result would be busier than the nodes.
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Sink {
  readonly url: string;
  received = 0;
  readonly #close: () => void;
  #expected = 0;
  #startedAt = 0;
  #firstAt = 0;
  #onLast: (rate: number) => void = () => {};

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  static async open(): Promise<Sink> {
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        response.end('{}');
        sink.#count();
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

  /** Resolves with results a second, once `count` have come. The first and the last tenth are left out: the nodes
   *  do not begin and end at once. */
  expect(count: number): Promise<number> {
    this.received = 0;
    this.#expected = count;
    return new Promise((resolve) => (this.#onLast = resolve));
  }

  close(): void {
    this.#close();
  }

  #count(): void {
    this.received += 1;
    const edge = Math.floor(this.#expected / 10);
    if (this.received === edge) this.#startedAt = performance.now();
    if (this.received === this.#expected - edge) this.#firstAt = performance.now();
    if (this.received === this.#expected) {
      this.#onLast(((this.#expected - 2 * edge) * 1000) / (this.#firstAt - this.#startedAt));
    }
  }
}
