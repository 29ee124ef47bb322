// How the device spends its time: how long it was at work, and why it was not. A gap between two runs is known when the
// next one has started; a longer one is looked at again whenever its reason may have changed.
import type { Hooks } from '../hooks.ts';
import type { IdleGap, IdleReason } from '../jobs/ended-job.ts';
import type { Admission } from '../kernel/admission.ts';
import { isTapped } from '../kernel/tap.ts';
import { unixMs } from '../net/timing.ts';

const LOOK_EVERY_MS = 1_000;
const BETWEEN_RUNS: Why = { reason: 'between runs', text: 'the next job was ready' };

/** Why nothing runs. */
export type Why = Pick<IdleGap, 'reason' | 'text'>;

/** What the device does now, and has done since the start of the node. Times are Unix milliseconds, durations milliseconds. */
export interface DeviceFigures {
  readonly since: number;
  readonly busyMs: number;
  /** Why nothing runs now, and since when; null while something runs. */
  readonly idle: { readonly since: number; readonly reason: IdleReason; readonly text: string } | null;
}

export interface DeviceTimeOptions {
  readonly admission: Admission;
  /** Why nothing runs at this moment. */
  readonly why: () => Why;
  /** `afterGap` fires for each gap, once the next run has started or the reason has changed. */
  readonly hooks: Pick<Hooks, 'afterGap'>;
}

/** The times of its methods are monotonic milliseconds. */
export class DeviceTime {
  readonly #options: DeviceTimeOptions;
  readonly #since = performance.now();
  #busyMs = 0;
  /** When the device began what it does now: to run, or not to. */
  #turnedAt = this.#since;
  #isBusy = false;
  /** Undefined while something runs, and between two runs. */
  #why: Why | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeviceTimeOptions) {
    this.#options = options;
  }

  start(): void {
    const { admission } = this.#options;
    this.settled();
    const look = (): void => this.#look();
    admission.onOpen(look);
    admission.onClose(look);
    this.#timer = setInterval(look, LOOK_EVERY_MS).unref();
  }

  /** The device has begun to run something. */
  began(at: number): void {
    if (this.#isBusy) return;
    this.#emit(this.#why ?? BETWEEN_RUNS, at);
    this.#why = undefined;
    this.#isBusy = true;
    this.#turnedAt = at;
  }

  /** The device has ended all that ran. */
  ended(at: number): void {
    if (!this.#isBusy) return;
    this.#busyMs += at - this.#turnedAt;
    this.#isBusy = false;
    this.#turnedAt = at;
  }

  /** Whatever could be started is. */
  settled(): void {
    if (!this.#isBusy) this.#why ??= this.#options.why();
  }

  figures(): DeviceFigures {
    const now = performance.now();
    const why = this.#isBusy ? undefined : (this.#why ?? BETWEEN_RUNS);
    return {
      since: unixMs(this.#since),
      busyMs: this.#busyMs + (this.#isBusy ? now - this.#turnedAt : 0),
      idle: why === undefined ? null : { since: unixMs(this.#turnedAt), ...why },
    };
  }

  /** Ends the gap that there is. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#why !== undefined) this.#emit(this.#why, performance.now());
    this.#why = undefined;
  }

  #look(): void {
    if (this.#why === undefined) return;
    const why = this.#options.why();
    if (why.reason === this.#why.reason && why.text === this.#why.text) return;
    const now = performance.now();
    this.#emit(this.#why, now);
    this.#why = why;
    this.#turnedAt = now;
  }

  #emit(why: Why, at: number): void {
    const { afterGap } = this.#options.hooks;
    if (!isTapped(afterGap)) return;
    // One offset for both: their difference is exact.
    const offset = unixMs(0);
    afterGap.call(Object.freeze({ startedAt: offset + this.#turnedAt, endedAt: offset + at, ...why }));
  }
}
