// Runs the taps of an asynchronous hook one after another, each within its time. tapable keeps the taps, their order and
// the interceptors; the code that it would generate knows no time limit, and a failing tap would not name its plugin.
import {
  AsyncSeriesBailHook,
  AsyncSeriesWaterfallHook,
  type FullTap,
  type Hook,
  type HookInterceptor,
} from 'tapable';
import type { CodaError } from '../errors.ts';
import type { BusyTaps } from './busy-taps.ts';

export interface SeriesTap extends FullTap {
  readonly fn: (...args: unknown[]) => unknown;
  readonly plugin: string;
  readonly hook: string;
  readonly onlyLooks?: true;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** After this long it is slow; not below `timeoutMs` if it never is. */
  readonly slowMs: number;
  /** The error that ends the call, or null if the next tap follows all the same. */
  readonly errorOf: (thrown: unknown) => CodaError | null;
  /** Called if the tap takes a good part of its time; returns what to call when it has settled. */
  readonly onSlow: () => () => void;
  /** Called with the tap's promise if that has not settled in time. Returns the failure, or undefined to keep waiting. */
  readonly onLate: (pending: PromiseLike<unknown>) => CodaError | undefined;
}

type Interceptor = HookInterceptor<unknown[], unknown>;
type Tell = (error: CodaError | null, result?: unknown) => void;

/** A hook as it is when it is called: a tap that is added later does not join the calls under way. */
interface Series {
  readonly taps: readonly SeriesTap[];
  readonly interceptors: readonly Interceptor[];
  /** What an answer does: nothing, or it ends the call, or it is passed on in place of the first argument. */
  readonly answers: 'ignored' | 'bail' | 'waterfall';
  /** Whether some tap may have to be looked at sooner than the one before it. */
  readonly hasOwnTimes: boolean;
  /** Hears how long taps run without a break; undefined if all of them are the node's own. */
  readonly busy: BusyTaps | undefined;
  /** So many taps are timed only once something has held up the event loop. */
  readonly isLarge: boolean;
}

/** Why no further tap is run for the moment. */
type Stop = 'all have run' | 'promise' | 'answer' | 'failure' | 'to take the time';

/** What tapable calls whenever the taps of a hook have changed; its types leave it out. */
interface Compilable {
  compile: (options: {
    readonly taps: readonly SeriesTap[];
    readonly interceptors: readonly Interceptor[];
    readonly type: 'async' | 'promise';
  }) => (...args: unknown[]) => unknown;
}

/** The time of so many taps costs less than a microsecond. */
const MOST_TIMED = 8;
/** A longer delay would make Node's timer fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** From now on runs the taps of this hook, each of which has to be a SeriesTap. `hasOwnTap`: one of them is the node's own,
 *  and does no long work. */
export function runInSeries(hook: Hook<unknown, unknown>, busyTaps: BusyTaps, hasOwnTap: boolean): void {
  const answers = isWaterfall(hook)
    ? 'waterfall'
    : hook.constructor === AsyncSeriesBailHook
      ? 'bail'
      : 'ignored';
  (hook as unknown as Compilable).compile = ({ taps, interceptors, type }) => {
    const [first] = taps;
    const hasOwnTimes = taps.some((tap) => first !== undefined && firstMsOf(tap) !== firstMsOf(first));
    // The one interceptor is the guard, which only sees taps when they are added.
    const isPlain = answers === 'ignored' && type === 'promise' && interceptors.length === 1;
    if (isPlain && taps.every(looksAtOnce)) return lookThrough([...taps]);
    const busy = hasOwnTap && taps.length === 1 ? undefined : busyTaps;
    const isLarge = taps.length > MOST_TIMED;
    const lists = { taps: [...taps], interceptors: [...interceptors] };
    const series: Series = { ...lists, answers, hasOwnTimes, busy, isLarge };
    if (type === 'async') return (...args) => new Call(series, args, args.pop() as Tell).start();
    return (...args) =>
      new Promise((resolve, reject) => {
        const tell: Tell = (error, result) => (error === null ? resolve(result) : reject(error));
        new Call(series, args, tell).start();
      });
  };
}

/** Whether nobody has to wait for the tap, or to take its time. */
function looksAtOnce({ type, onlyLooks }: SeriesTap): boolean {
  return type === 'sync' && onlyLooks === true;
}

/** Calls such taps; what one of them throws is logged. */
function lookThrough(taps: readonly SeriesTap[]): (...args: unknown[]) => Promise<void> {
  const ended = Promise.resolve();
  return (...args) => {
    for (const { fn, errorOf } of taps) {
      try {
        const value = fn(...args);
        if (isPromise(value)) value.then(undefined, errorOf);
      } catch (thrown) {
        errorOf(thrown);
      }
    }
    return ended;
  };
}

export function isWaterfall(hook: Hook<unknown, unknown>): boolean {
  return hook.constructor === AsyncSeriesWaterfallHook;
}

/** How the promise of a tap ends. */
interface Listeners {
  readonly fulfilled: (value: unknown) => void;
  readonly rejected: (thrown: unknown) => void;
}

/** One call of a hook, from its first tap to its last. */
class Call {
  readonly #series: Series;
  readonly #busy: BusyTaps | undefined;
  /** Its own list: in a waterfall, the first argument is what the last tap has answered. */
  readonly #args: unknown[];
  readonly #tell: Tell;
  /** How many taps have begun. */
  #begun = 0;
  /** What the last of them has returned or thrown. */
  #value: unknown;
  /** The tap whose promise has just settled. */
  #awaited: SeriesTap | undefined;
  /** The tap whose promise has not settled, and the promise. */
  #pending: SeriesTap | undefined;
  #promise: PromiseLike<unknown> | undefined;
  /** The same for all taps, until one is given up: its promise may still settle. */
  #listeners: Listeners | undefined;
  /** Runs from the first promise on, unless that tap was given up or the time of the next begins. */
  #timer: NodeJS.Timeout | undefined;
  /** How many taps had begun when the timer was started. */
  #begunAtTimer = 0;
  #timerMs = 0;
  /** Set while the pending tap is slow. */
  #slowEnds: (() => void) | undefined;

  constructor(series: Series, args: unknown[], tell: Tell) {
    this.#series = series;
    this.#busy = series.isLarge && series.busy?.isPrecise === false ? undefined : series.busy;
    this.#args = args;
    this.#tell = tell;
  }

  start(): void {
    for (const { call } of this.#series.interceptors) call?.(...this.#args);
    this.#next();
  }

  /** Runs taps until one has to be waited for, or ends the call. */
  #next(): void {
    const { taps } = this.#series;
    const busy = this.#busy;
    let stop: Stop;
    do {
      const first = this.#begun;
      const since = busy === undefined ? 0 : performance.now();
      if (this.#awaited !== undefined) busy?.settled(this.#awaited, since);
      this.#awaited = undefined;
      stop = this.#run();
      busy?.ran(taps, first, this.#begun, since, performance.now());
    } while (stop === 'to take the time');
    const tap = taps[this.#begun - 1];
    if (stop === 'all have run' || tap === undefined) this.#ended();
    else if (stop === 'failure') this.#failed(tap, this.#value);
    else if (stop === 'promise') this.#await(tap, this.#value as PromiseLike<unknown>);
    else this.#end(null, this.#value);
  }

  #run(): Stop {
    const { taps, interceptors } = this.#series;
    for (;;) {
      const tap = taps[this.#begun];
      if (tap === undefined) return 'all have run';
      this.#begun += 1;
      for (const interceptor of interceptors) interceptor.tap?.(tap);
      try {
        this.#value = tap.fn(...this.#args);
      } catch (thrown) {
        this.#value = thrown;
        return 'failure';
      }
      if (isPromise(this.#value)) return 'promise';
      if (this.#takes(this.#value)) return 'answer';
      if (this.#busy?.isPrecise === true) return 'to take the time';
    }
  }

  #ended(): void {
    this.#end(null, this.#series.answers === 'waterfall' ? this.#args[0] : undefined);
  }

  #await(tap: SeriesTap, promise: PromiseLike<unknown>): void {
    this.#pending = tap;
    this.#promise = promise;
    if (this.#timer === undefined) this.#startTimer(firstMsOf(tap));
    else if (this.#series.hasOwnTimes && firstMsOf(tap) < this.#timerMs) this.#restartTimer(firstMsOf(tap));
    const { fulfilled, rejected } = (this.#listeners ??= this.#newListeners());
    // The `then` of a foreign promise may call back twice.
    (promise instanceof Promise ? promise : Promise.resolve(promise)).then(fulfilled, rejected);
  }

  #newListeners(): Listeners {
    const own: Listeners = {
      fulfilled: (value) => {
        if (this.#listeners !== own) return;
        this.#awaited = this.#pending;
        this.#settled();
        if (this.#takes(value)) this.#end(null, value);
        else this.#next();
      },
      rejected: (thrown) => {
        if (this.#listeners !== own || this.#pending === undefined) return;
        this.#awaited = this.#pending;
        this.#failed(this.#pending, thrown);
      },
    };
    return own;
  }

  #late(): void {
    const tap = this.#pending;
    const promise = this.#promise;
    if (tap === undefined || promise === undefined) return;
    const { slowMs, timeoutMs } = tap;
    // Another tap was pending when the timer was started. Its time counts from now: to start a timer for each tap
    // would cost more than most taps do.
    if (this.#begunAtTimer !== this.#begun) return this.#startTimer(firstMsOf(tap));
    if (slowMs < timeoutMs && this.#slowEnds === undefined) {
      this.#slowEnds = tap.onSlow();
      return this.#startTimer(timeoutMs - slowMs);
    }
    const failure = tap.onLate(promise);
    if (failure === undefined) return;
    this.#listeners = undefined;
    this.#failed(tap, failure);
  }

  #restartTimer(ms: number): void {
    clearTimeout(this.#timer);
    this.#startTimer(ms);
  }

  #startTimer(ms: number): void {
    this.#begunAtTimer = this.#begun;
    this.#timerMs = ms;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#late();
      },
      Math.min(ms, LONGEST_TIMER_MS),
    );
  }

  #settled(): void {
    this.#pending = undefined;
    this.#promise = undefined;
    if (this.#slowEnds === undefined) return;
    this.#slowEnds();
    this.#slowEnds = undefined;
    // The next tap has all of its time again.
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #failed(tap: SeriesTap, thrown: unknown): void {
    this.#settled();
    const error = tap.errorOf(thrown);
    if (error === null) this.#next();
    else this.#end(error);
  }

  #end(error: CodaError | null, result?: unknown): void {
    clearTimeout(this.#timer);
    if (this.#awaited !== undefined) this.#busy?.settled(this.#awaited, performance.now());
    for (const interceptor of this.#series.interceptors) {
      if (error !== null) interceptor.error?.(error);
      else if (result !== undefined) interceptor.result?.(result);
      else interceptor.done?.();
    }
    this.#tell(error, result);
  }

  /** Whether the answer of a tap ends the call. */
  #takes(value: unknown): boolean {
    const { answers } = this.#series;
    if (answers === 'ignored' || value === undefined || value === null) return false;
    if (answers === 'bail') return true;
    this.#args[0] = value;
    return false;
  }
}

/** After this long without an end a tap is slow, or late if it is never slow. */
function firstMsOf({ slowMs, timeoutMs }: SeriesTap): number {
  return Math.min(slowMs, timeoutMs);
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
