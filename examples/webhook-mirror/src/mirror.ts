// Posts copies one after another, each a few times, and gives up what cannot be sent: the cloud has the outcome.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, type CodaNode, type Logger } from 'coda-node';

export interface MirrorOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly attempts: number;
  readonly retryDelaySec: number;
  readonly maxWaiting: number;
  readonly timeoutSec: number;
  /** Knows the proxies and certificates of the node. */
  readonly http: CodaNode['http'];
  readonly log: Logger;
}

interface Copy {
  readonly jobId: string;
  readonly body: string;
}

export class Mirror {
  sent = 0;
  lost = 0;
  /** Why copies are lost, if the last one was. */
  trouble: string | undefined;
  readonly #options: MirrorOptions;
  readonly #queue: Copy[] = [];
  readonly #closing = new AbortController();
  #work: Promise<void> | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get origin(): string {
    return new URL(this.#options.url).origin;
  }

  send(jobId: string, body: string): void {
    if (this.#queue.length >= this.#options.maxWaiting)
      return this.#lose(jobId, `${this.#queue.length} copies wait already`);
    this.#queue.push({ jobId, body });
    this.#work ??= this.#sendAll();
  }

  /** Tries once more to send what waits, and resolves once nothing does. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  async #sendAll(): Promise<void> {
    for (let copy = this.#queue[0]; copy !== undefined; copy = this.#queue[0]) {
      const fault = await this.#deliver(copy);
      this.#queue.shift();
      if (fault === undefined) {
        this.sent += 1;
        this.trouble = undefined;
      } else this.#lose(copy.jobId, fault);
    }
    this.#work = undefined;
  }

  /** Why it was given up, if it was. */
  async #deliver(copy: Copy): Promise<string | undefined> {
    const { attempts, retryDelaySec } = this.#options;
    const { signal } = this.#closing;
    let fault: string | undefined;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      fault = await this.#post(copy);
      if (fault === undefined || signal.aborted) break;
      const ms = retryDelaySec * 1000 * 2 ** (attempt - 1);
      if (attempt < attempts) await sleep(ms, undefined, { signal }).catch(() => {});
    }
    return fault;
  }

  async #post({ body }: Copy): Promise<string | undefined> {
    const { http, url, token, timeoutSec } = this.#options;
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    try {
      const { status } = await http.request({
        method: 'POST',
        url,
        headers,
        body,
        timeoutMs: timeoutSec * 1000,
      });
      return status >= 200 && status < 300 ? undefined : `it answered ${status}`;
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  #lose(jobId: string, fault: string): void {
    this.lost += 1;
    // What repeats is logged once.
    if (this.trouble === undefined) this.#options.log.warn(`the copy of job ${jobId} is given up: ${fault}`);
    this.trouble = fault;
  }
}
