// Entries whose result would have nowhere to wait: origins that do not answer have their half of the outbox. They stay
// pending, without a renewed lease, so that another node may take them; the jobs behind them continue. They are read again
// once their origin answers, or once there is room.
import type { Admission } from '../kernel/admission.ts';
import type { Logger } from '../log.ts';
import type { Outbox } from '../outbox/outbox.ts';

/** With more, no job is read: each takes some memory. */
const MOST = 100_000;
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

  constructor(options: DeferredOptions) {
    this.#options = options;
    options.outbox.onRoom(() => this.#release());
  }

  get size(): number {
    return this.#origins.size;
  }

  has(messageId: string): boolean {
    return this.#origins.has(messageId);
  }

  /** Whether this entry has to wait; it is remembered then. */
  defers(messageId: string, callbackUrl: string): boolean {
    const { outbox, admission, log } = this.#options;
    const origin = outbox.crowdedOut(callbackUrl);
    if (origin === undefined) return false;
    if (this.size === 0) {
      log.warn(
        'results that cannot be delivered fill half of the outbox: jobs whose callback goes where nothing answers wait in Redis (see coda results --waiting)',
      );
    }
    this.#origins.set(messageId, Buffer.from(origin.slice(0, MAX_KEY)).toString());
    if (this.size >= MOST) {
      admission.close(
        'deferred',
        `${this.size} jobs wait whose callbacks do not answer; no job is taken until there are fewer`,
        'See coda results --waiting for where the callbacks go. Drop results that nobody waits for: coda results drop --waiting.',
      );
    }
    return true;
  }

  /** Forgets those that are not pending here any more. */
  keepPending(pending: ReadonlySet<string>): void {
    this.#forget((messageId) => !pending.has(messageId));
  }

  #release(): void {
    this.#forget((_, origin) => this.#options.outbox.crowdedOut(origin) === undefined);
  }

  #forget(isOver: (messageId: string, origin: string) => boolean): void {
    for (const [messageId, origin] of this.#origins)
      if (isOver(messageId, origin)) this.#origins.delete(messageId);
    if (this.size < MOST) this.#options.admission.open('deferred');
  }
}
