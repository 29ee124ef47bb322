// States of jobs that Redis refuses while it takes other writes: for a missing right, or a key of another type. They hold
// nothing up. The newest state of each job is kept, and sent again from time to time until Redis takes it.
import type { Trouble } from '../errors.ts';

/** Of more jobs than this, the oldest states are given up. */
const MOST = 10_000;
/** Sent again together. */
const ROUND = 100;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

export class RefusedStates {
  readonly #send: (key: string, fields: readonly string[]) => void;
  /** By key: field, value, …; those that were refused last are at the end. */
  readonly #kept = new Map<string, readonly string[]>();
  /** Keys of kept states that are on their way again. */
  readonly #sent = new Set<string>();
  #why: Trouble | undefined;
  #givenUp = 0;
  #retryMs = FIRST_RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(send: (key: string, fields: readonly string[]) => void) {
    this.#send = send;
  }

  get size(): number {
    return this.#kept.size + this.#sent.size;
  }

  get trouble(): Trouble | undefined {
    if (this.#why === undefined || this.size === 0) return undefined;
    const { text, remedy } = this.#why;
    const lost = this.#givenUp === 0 ? '' : `, and those of ${this.#givenUp} are given up`;
    return { text: `the states of ${this.size} jobs are not in Redis yet${lost}: ${text}`, remedy };
  }

  /** Redis has refused these fields, for a reason that concerns only them. */
  keep(key: string, fields: readonly string[], why: Trouble): void {
    this.#why = why;
    const older = this.#take(key);
    this.#sent.delete(key);
    this.#kept.set(key, [...older, ...fields]);
    if (this.#kept.size > MOST) this.#giveUpOldest();
    this.#startTimer();
  }

  /** If it is kept, or on its way, that this job is executing, that is forgotten. */
  withdrawStart(key: string): void {
    this.#sent.delete(key);
    const fields = this.#kept.get(key);
    if (fields?.[fields.lastIndexOf('state') + 1] === 'executing') this.#kept.delete(key);
  }

  /** A newer state of a key, which is on its way: what is kept of the key joins it. */
  withKept(key: string, newer: string[]): string[] {
    return this.#kept.size === 0 ? newer : [...this.#take(key), ...newer];
  }

  #take(key: string): readonly string[] {
    const fields = this.#kept.get(key);
    if (fields === undefined) return [];
    this.#kept.delete(key);
    this.#sent.add(key);
    return fields;
  }

  /** Redis has taken a state of this key. */
  written(key: string): void {
    if (!this.#sent.delete(key)) return;
    // The reason may be gone for the others too.
    this.#retryMs = FIRST_RETRY_MS;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#kept.size > 0) this.#startTimer();
  }

  /** A newer write of this key has set these fields, or will. */
  outdated(key: string, newer: readonly string[]): void {
    const fields = this.#kept.get(key);
    if (fields === undefined) return;
    const names = new Set(newer.filter((_, i) => i % 2 === 0));
    const left = fields.filter((_, i) => !names.has(fields[i - (i % 2)] ?? ''));
    if (left.length > 0) this.#kept.set(key, left);
    else this.#kept.delete(key);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #giveUpOldest(): void {
    const [oldest] = this.#kept.keys();
    if (oldest === undefined) return;
    this.#kept.delete(oldest);
    this.#givenUp += 1;
  }

  #startTimer(): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => this.#sendAgain(), this.#retryMs).unref();
  }

  #sendAgain(): void {
    this.#timer = undefined;
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    for (const key of [...this.#kept.keys()].slice(0, ROUND)) this.#send(key, this.#take(key));
    if (this.#kept.size > 0) this.#startTimer();
  }
}
