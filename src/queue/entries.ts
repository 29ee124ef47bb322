// Fetches the entries of the stream with their fields, on a connection that nothing else uses, and never more at once than
// one message may take: a larger answer is cut off, and asked for again in parts.
//
//   new entries, or pending ones -> the answer is too large -> the connection is cut; all of them stay pending
//        ^                                                        |
//        \- asked for one by one, then two, four, … together <----/
//
// An entry that is too large alone is given on as a fault, with the fields that came before the cut.
import type { Redis } from 'ioredis';
import type { JobStream, PendingEntry, StreamEntry } from './stream.ts';
import { ReplyLimit, stringsIn } from './reply-limit.ts';

/** For all of an answer that is no message. */
const FRAME_BYTES = 4 * 1024;

export interface EntriesOptions {
  /** Commands must fail with their connection, and not be sent again. */
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly maxMessageMb: number;
}

export class Entries {
  readonly #options: EntriesOptions;
  readonly #limit: ReplyLimit;
  /** Entries in one answer; fewer after one that was too large. */
  #atMost = Infinity;

  constructor(options: EntriesOptions) {
    this.#options = options;
    this.#limit = new ReplyLimit(options.redis, options.maxMessageMb * 1024 * 1024 + FRAME_BYTES);
  }

  /** New entries, as `JobStream.read` has them; undefined if the answer was cut: what was in it is pending. */
  async read(count: number, blockMs: number): Promise<StreamEntry[] | undefined> {
    const { redis, stream } = this.#options;
    this.#limit.begin();
    try {
      const entries = await stream.read(redis, Math.min(count, this.#atMost), blockMs);
      this.#atMost *= 2;
      return entries;
    } catch (thrown) {
      return this.#unlessCut(thrown);
    }
  }

  /** The first of these pending entries, as many as are asked for together, as `JobStream.fetch` has them; `entries` is
   *  undefined if the answer was cut. */
  async fetch<T extends PendingEntry>(
    pending: readonly T[],
  ): Promise<{ readonly asked: readonly T[]; readonly entries: StreamEntry[] | undefined }> {
    const { redis, stream } = this.#options;
    const asked = pending.slice(0, this.#atMost);
    const [first] = asked;
    const isAlone = asked.length === 1;
    this.#limit.begin({ keepHead: isAlone });
    try {
      const entries = await stream.fetch(redis, asked);
      this.#atMost *= 2;
      return { asked, entries };
    } catch (thrown) {
      const entries = this.#unlessCut(thrown);
      return { asked, entries: isAlone && first !== undefined ? [this.#tooLarge(first)] : entries };
    }
  }

  #unlessCut(thrown: unknown): undefined {
    if (!this.#limit.wasCut) throw thrown;
    this.#atMost = 1;
    return undefined;
  }

  #tooLarge({ messageId }: PendingEntry): StreamEntry {
    // Before it, there may be the answers of a handshake.
    const strings = stringsIn(this.#limit.head);
    const at = strings.indexOf(messageId);
    const fields = at === -1 ? [] : strings.slice(at + 1);
    const fault = `the message is larger than ${this.#options.maxMessageMb} MB, which this node does not take (maxMessageMb)`;
    return { messageId, fields, fault };
  }
}
