// Entries whose result would have nowhere to wait: origins that do not answer have their half of the outbox. They stay
// pending, without a renewed lease, so that another node may take them; the jobs behind them continue. They are read again
// once their origin answers, or once there is room. The same holds for jobs whose shard of Redis is down: nobody can say
// whether they are done or cancelled.
import type { Admission } from '../kernel/admission.ts';
import type { Logger } from '../log.ts';
import type { Outbox } from '../outbox/outbox.ts';

/** With more, no job is read: each takes some memory. */
const MOST = 100_000;
/** Jobs that are tried again at each sweep while a shard is down. */
const TRIED = 20;
/** Of an origin; a longer one cannot be found again, and waits until there is room. */
const MAX_KEY = 300;

export interface DeferredOptions {
  readonly outbox: Pick<Outbox, 'crowdedOut' | 'onRoom'>;
  readonly admission: Admission;
  readonly log: Logger;
}

export class Deferred {
  readonly #options: DeferredOptions;
  /** By entry: the origin. */
  readonly #origins = new Map<string, string>();
  /** Entries of jobs whose shard does not answer, the one that has waited longest first. */
  readonly #shardless = new Set<string>();

  constructor(options: DeferredOptions) {
    this.#options = options;
    options.outbox.onRoom(() => this.#release());
  }

  get size(): number {
    return this.#origins.size;
  }

  has(messageId: string): boolean {
    return this.#origins.has(messageId) || this.#shardless.has(messageId);
  }

  /** The entry waits until the shard of its job answers. */
  waitForShard(messageId: string): void {
    this.#shardless.add(messageId);
    this.#closeIfFull(
      this.#shardless.size,
      `${this.#shardless.size} jobs wait for a shard of Redis that is down; no job is taken until there are fewer`,
      'Bring the shard back: coda doctor says which one it is.',
    );
  }

  /** Has them tried again: all, or only some as long as a shard is known to be down. */
  retryShards(isOneDown: boolean): void {
    let left = isOneDown ? TRIED : Infinity;
    for (const messageId of this.#shardless) {
      if ((left -= 1) < 0) break;
      this.#shardless.delete(messageId);
    }
  }

  /** Whether this entry has to wait; it is remembered then. */
  defers(messageId: string, callbackUrl: string): boolean {
    const { outbox, log } = this.#options;
    const origin = outbox.crowdedOut(callbackUrl);
    if (origin === undefined) return false;
    if (this.size === 0) {
      log.warn(
        'results that cannot be delivered fill half of the outbox: jobs whose callback goes where nothing answers wait in Redis (see coda results --waiting)',
      );
    }
    this.#origins.set(messageId, Buffer.from(origin.slice(0, MAX_KEY)).toString());
    this.#closeIfFull(
      this.size,
      `${this.size} jobs wait whose callbacks do not answer; no job is taken until there are fewer`,
      'See coda results --waiting for where the callbacks go. Drop results that nobody waits for: coda results drop --waiting.',
    );
    return true;
  }

  /** Forgets those that are not pending here any more. */
  keepPending(pending: ReadonlySet<string>): void {
    for (const messageId of this.#shardless) if (!pending.has(messageId)) this.#shardless.delete(messageId);
    this.#forget((messageId) => !pending.has(messageId));
  }

  #closeIfFull(size: number, text: string, remedy: string): void {
    if (size >= MOST) this.#options.admission.close('deferred', text, remedy);
  }

  #release(): void {
    this.#forget((_, origin) => this.#options.outbox.crowdedOut(origin) === undefined);
  }

  #forget(isOver: (messageId: string, origin: string) => boolean): void {
    for (const [messageId, origin] of this.#origins)
      if (isOver(messageId, origin)) this.#origins.delete(messageId);
    if (this.size < MOST && this.#shardless.size < MOST) this.#options.admission.open('deferred');
  }
}
