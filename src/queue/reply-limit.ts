// Watches how much a connection receives, and cuts it when one answer is larger than it may be: Redis sends entries of up
// to 512 MiB, and as many at once as were asked for. All that was received before the cut is dropped with the connection.
import type { Redis } from 'ioredis';

/** Of the beginning of an answer, so much is kept: more than the fields that name a job take. */
const HEAD_BYTES = 64 * 1024;

export class ReplyLimit {
  readonly #redis: Redis;
  readonly #maxBytes: number;
  #received = 0;
  #wasCut = false;
  /** The beginning of the answer, if it is wanted. */
  #head: Buffer[] | undefined;

  constructor(redis: Redis, maxBytes: number) {
    this.#redis = redis;
    this.#maxBytes = maxBytes;
    redis.on('connect', () => this.#watch());
  }

  /** What is received from now on is one answer. */
  begin({ keepHead = false } = {}): void {
    this.#received = 0;
    this.#wasCut = false;
    this.#head = keepHead ? [] : undefined;
  }

  /** Whether the answer was too large. */
  get wasCut(): boolean {
    return this.#wasCut;
  }

  /** The beginning of the answer that was cut; empty unless it was to be kept. */
  get head(): Buffer {
    return Buffer.concat(this.#head ?? []);
  }

  #watch(): void {
    const { stream } = this.#redis;
    stream.on('data', (chunk: Buffer) => {
      if (this.#received < HEAD_BYTES) this.#head?.push(chunk);
      this.#received += chunk.length;
      if (this.#received <= this.#maxBytes || this.#wasCut) return;
      this.#wasCut = true;
      stream.destroy();
    });
  }
}

/** The strings that are whole in the beginning of an answer, in their order (RESP). */
export function stringsIn(head: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; ;) {
    const end = head.indexOf('\r\n', at);
    if (end === -1) return found;
    const line = head.toString('latin1', at, end);
    at = end + 2;
    if (!/^\$\d+$/.test(line)) continue;
    const length = Number(line.slice(1));
    if (at + length > head.length) return found;
    found.push(head.toString('utf8', at, at + length));
    at += length + 2;
  }
}
