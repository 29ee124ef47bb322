// Posts outcomes on several lanes at a time, each again and again until the cloud has taken or refused it.
//
//   due -> posting -> delivered, or refused for good
//    ^        |
//    \- wait -/  with a growing pause
//
// A lane is occupied until the journal has the end of its outcome. The origins take turns. One that does not answer gets
// only a few lanes, and all that have never answered share some: a post to them may last until its timeout.
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { jitter } from '../net/redis.ts';
import type { Delivery, DeliveryRoute } from './delivery.ts';
import type { Entry, Origin } from './entry.ts';

const LANES = 64;
/** For each origin that does not answer, or has not answered yet. */
const LANES_UNANSWERED = 2;
/** For all origins that have never answered. */
const LANES_FOR_UNKNOWN = 32;
const FIRST_RETRY_MS = 1_000;
/** A longer delay would make Node's timer fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Continues with an outcome whose attempt has ended. */
export interface DeliveryEnds {
  /** Resolves once the journal has it. */
  delivered(entry: Entry): Promise<void>;
  refused(entry: Entry, reason: string, byCloud: boolean): void;
  /** It waits for its next attempt. */
  failed(entry: Entry, reason: string): void;
}

export interface LanesOptions {
  readonly log: Logger;
  readonly maxRetryDelayMs: number;
  readonly ends: DeliveryEnds;
}

export class Lanes {
  readonly #options: LanesOptions;
  /** Origins with something due, in turn. */
  readonly #known: Origin[] = [];
  readonly #unknown: Origin[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #deliver: DeliveryRoute['deliver'] | undefined;
  #posting = 0;
  #postingUnknown = 0;
  #closed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** From now on outcomes are posted, those first that were added before. */
  start(deliver: DeliveryRoute['deliver']): void {
    this.#deliver = deliver;
    this.#pump();
  }

  /** Posts an outcome as soon as a lane is free, unless a cancel comes first. */
  add(entry: Entry): void {
    const { origin } = entry;
    if (origin.due.push(entry) === 1) this.#enlist(origin);
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #enlist(origin: Origin): void {
    (origin.hasAnswered ? this.#known : this.#unknown).push(origin);
  }

  #pump(): void {
    const deliver = this.#deliver;
    if (deliver === undefined || this.#closed) return;
    this.#serve(this.#known, deliver);
    this.#serve(this.#unknown, deliver);
  }

  #serve(origins: Origin[], deliver: DeliveryRoute['deliver']): void {
    const isUnknown = origins === this.#unknown;
    // Ends when each origin in turn has no lane to take.
    for (let left = origins.length; left > 0 && this.#posting < LANES;) {
      if (isUnknown && this.#postingUnknown >= LANES_FOR_UNKNOWN) return;
      const origin = origins.shift();
      if (origin === undefined) return;
      if (!origin.answers && origin.posting >= LANES_UNANSWERED) {
        origins.push(origin);
        left -= 1;
        continue;
      }
      const entry = origin.due.shift();
      if (origin.due.length > 0) this.#enlist(origin);
      left = origins.length;
      if (entry?.stage === 'waiting') void this.#post(entry, deliver, isUnknown);
    }
  }

  /** One attempt; it occupies its lane until the journal knows how it ended. Never rejects. */
  async #post(entry: Entry, deliver: DeliveryRoute['deliver'], isUnknown: boolean): Promise<void> {
    const { ends } = this.#options;
    const { origin } = entry;
    entry.stage = 'posting';
    entry.attempts += 1;
    origin.posting += 1;
    this.#posting += 1;
    if (isUnknown) this.#postingUnknown += 1;
    const delivery = await deliver(entry.saved, entry.attempts).catch((thrown: unknown): Delivery => ({
      kind: 'retry',
      reason: messageOf(thrown),
      sent: false,
    }));
    if (delivery.kind === 'delivered') await ends.delivered(entry);
    else if (delivery.kind === 'refused') ends.refused(entry, delivery.reason, delivery.byCloud !== false);
    else if (!this.#closed) this.#retryLater(entry, delivery);
    origin.posting -= 1;
    this.#posting -= 1;
    if (isUnknown) this.#postingUnknown -= 1;
    this.#pump();
  }

  #retryLater(entry: Entry, delivery: Delivery & { kind: 'retry' }): void {
    entry.stage = 'waiting';
    entry.maybeSent ||= delivery.sent;
    const { maxRetryDelayMs, log, ends } = this.#options;
    const backoffMs = Math.min(maxRetryDelayMs, FIRST_RETRY_MS * 2 ** Math.min(entry.attempts - 1, 20));
    const delayMs = Math.min(Math.max(delivery.afterMs ?? 0, jitter(backoffMs)), LONGEST_TIMER_MS);
    log.debug(
      `job ${entry.saved.jobId}: attempt ${entry.attempts} failed, next in ${Math.round(delayMs)} ms: ${delivery.reason}`,
      { job: entry.saved.jobId },
    );
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.add(entry);
    }, delayMs);
    this.#timers.add(timer);
    ends.failed(entry, delivery.reason);
  }
}
