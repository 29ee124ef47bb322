// Posts outcomes on several lanes at a time, each again and again until the cloud has taken or refused it.
//
//   due -> posting -> delivered, or refused for good
//    ^        |
//    \- wait -/  with a growing pause
//
// A lane is occupied until the journal has the end of its outcome. In an outage only a few lanes keep asking.
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { jitter } from '../net/redis.ts';
import type { Delivery, DeliveryRoute } from './delivery.ts';
import type { Entry } from './entry.ts';

const LANES = 64;
const LANES_IN_OUTAGE = 2;
const FIRST_RETRY_MS = 1_000;

/** Continues with an outcome whose delivery has ended. */
export interface DeliveryEnds {
  /** Resolves once the journal has it. */
  delivered(entry: Entry): Promise<void>;
  refused(entry: Entry, reason: string): void;
}

export interface LanesOptions {
  readonly log: Logger;
  readonly maxRetryDelayMs: number;
  readonly ends: DeliveryEnds;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #due: Entry[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #deliver: DeliveryRoute['deliver'] | undefined;
  #posting = 0;
  #outage: string | undefined;
  #closed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Why nothing can be delivered at the moment, if so. */
  get outage(): string | undefined {
    return this.#outage;
  }

  /** From now on outcomes are posted, those first that were added before. */
  start(deliver: DeliveryRoute['deliver']): void {
    this.#deliver = deliver;
    this.#pump();
  }

  /** Posts an outcome as soon as a lane is free, unless a cancel comes first. */
  add(entry: Entry): void {
    this.#due.push(entry);
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #pump(): void {
    const deliver = this.#deliver;
    if (deliver === undefined || this.#closed) return;
    const lanes = this.#outage === undefined ? LANES : LANES_IN_OUTAGE;
    while (this.#posting < lanes) {
      const entry = this.#due.shift();
      if (entry === undefined) return;
      if (entry.stage === 'waiting') void this.#post(entry, deliver);
    }
  }

  /** One attempt; it occupies its lane until the journal knows how it ended. Never rejects. */
  async #post(entry: Entry, deliver: DeliveryRoute['deliver']): Promise<void> {
    const { ends } = this.#options;
    entry.stage = 'posting';
    entry.attempts += 1;
    this.#posting += 1;
    const delivery = await deliver(entry.saved, entry.attempts).catch((thrown: unknown): Delivery => ({
      kind: 'retry',
      reason: messageOf(thrown),
      sent: false,
    }));
    if (delivery.kind !== 'retry') this.#outageEnds();
    if (delivery.kind === 'delivered') await ends.delivered(entry);
    else if (delivery.kind === 'refused') ends.refused(entry, delivery.reason);
    else if (!this.#closed) this.#retryLater(entry, delivery);
    this.#posting -= 1;
    this.#pump();
  }

  #outageEnds(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#options.log.debug('delivery works again after an outage');
  }

  #retryLater(entry: Entry, delivery: Delivery & { kind: 'retry' }): void {
    entry.stage = 'waiting';
    entry.maybeSent ||= delivery.sent;
    const { maxRetryDelayMs, log } = this.#options;
    const backoffMs = Math.min(maxRetryDelayMs, FIRST_RETRY_MS * 2 ** Math.min(entry.attempts - 1, 20));
    const delayMs = Math.max(delivery.afterMs ?? 0, jitter(backoffMs));
    if (this.#outage === undefined) {
      log.debug(`a result could not be delivered, it will be tried again until it is: ${delivery.reason}`);
    }
    log.debug(
      `job ${entry.saved.jobId}: attempt ${entry.attempts} failed, next in ${Math.round(delayMs)} ms`,
    );
    this.#outage = delivery.reason;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.add(entry);
    }, delayMs);
    this.#timers.add(timer);
  }
}
